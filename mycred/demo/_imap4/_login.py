"""
Logging in and out over IMAP4 (RFC 3501, sections 6.1 and 6.2).
"""

from __future__ import annotations

from twisted.mail.imap4 import IAccount

from ...credentials import UsernamePassword
from .._sasl import Malformed
from ._connection import Connection


class Sessions(Connection):
    """
    The commands to log in and out.
    """

    async def on_CAPABILITY(self) -> bytes:
        """
        Send the capabilities of this server.
        """
        self.tell(b"CAPABILITY " + b" ".join(self.capabilities()))
        return b"CAPABILITY completed"

    async def on_LOGOUT(self) -> bytes:
        """
        End the connection.
        """
        self.tell(b"BYE Good-bye")
        self.isLeaving = True
        return b"LOGOUT completed"

    async def on_LOGIN(self, user: bytes, password: bytes) -> bytes:
        """
        Log in with a password.
        """
        await self.logIn(UsernamePassword(user, password), IAccount)
        return b"LOGIN succeeded"

    async def on_AUTHENTICATE(self, mechanism: bytes, initial: bytes | None) -> bytes:
        """
        Log in by SASL.
        """
        await self.logIn(await self.authenticate(mechanism, initial), IAccount)
        return b"Authentication successful"

    async def on_IDLE(self) -> bytes:
        """
        Tell the client of new messages as they come (RFC 2177).
        """
        self.tellNews()
        self.sendLine(b"+ Idling")
        if (await self.awaitLine()).strip().upper() != b"DONE":
            raise Malformed("DONE expected")
        return b"IDLE terminated"


__all__ = ["Sessions"]
