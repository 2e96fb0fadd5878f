"""
The commands of IMAP4 that are about the connection (RFC 3501, section 6.1).
"""

from __future__ import annotations

from .._dialogue import Malformed
from ._connection import CAPABILITIES, Connection


class Basics(Connection):
    """
    The commands about the connection.
    """

    async def on_CAPABILITY(self) -> bytes:
        """
        Send the capabilities of this server.
        """
        self.tell(b"CAPABILITY " + b" ".join(CAPABILITIES))
        return b"CAPABILITY completed"

    async def on_LOGOUT(self) -> bytes:
        """
        End the connection.
        """
        self.tell(b"BYE Good-bye")
        self.isLeaving = True
        return b"LOGOUT completed"

    async def on_IDLE(self) -> bytes:
        """
        Tell the client of new messages as they come (RFC 2177).
        """
        self.tellNews()
        self.sendLine(b"+ Idling")
        if (await self.awaitLine()).strip().upper() != b"DONE":
            raise Malformed("DONE expected")
        return b"IDLE terminated"


__all__ = ["Basics"]
