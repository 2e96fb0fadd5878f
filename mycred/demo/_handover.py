"""
Servers that hand a connection over to a dialogue when its client has logged in.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .._contracts import IAnonymous, InterfaceType
from ..sasl import Mechanism
from ._dialogue import Dialogue


class HandingOver:
    """
    A mix-in for the servers of L{mycred.mail}: they do the login, and a L{Dialogue} what
    comes after it, with what the client has sent meanwhile.
    """

    transport: Any
    callLater: Any
    setTimeout: Any

    _buffer: bytes
    _dialogue: Dialogue | None = None

    def mechanisms(self) -> dict[bytes, Mechanism]:
        """
        Return the mechanisms of SASL by which a user can log in.  Visitors have no mail.
        """
        mechanisms: dict[bytes, Mechanism] = super().mechanisms()  # type: ignore[misc]
        return {
            name: mechanism
            for name, mechanism in mechanisms.items()
            if mechanism.interface is not IAnonymous
        }

    def makeDialogue(self, avatar: Any) -> Dialogue:
        """
        Return what goes on with the connection.

        @param avatar: the avatar of the user who has logged in.
        """
        raise NotImplementedError

    def avatarReceived(self, interface: InterfaceType, avatar: Any) -> None:
        """
        Hand the connection over, unless it ends already.
        """
        if self.transport.disconnecting:
            return
        self.setTimeout(None)
        self._dialogue = self.makeDialogue(avatar)
        self._dialogue.callLater = self.callLater  # type: ignore[method-assign]
        self._dialogue.makeConnection(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """
        Take what the client sends.
        """
        if self._dialogue is None:
            super().dataReceived(data)  # type: ignore[misc]
            data = b""
        if self._dialogue is not None:
            # The beginning of a line may have come before the end of the login.
            begun, self._buffer = self._buffer, b""
            self._dialogue.dataReceived(begun + data)

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line.
        """
        if self._dialogue is None:
            super().commandReceived(line)  # type: ignore[misc]
        else:
            self._dialogue.dataReceived(line + b"\r\n")

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        Take a line that is too long for a login.
        """
        if self._dialogue is None:
            super().lineLengthExceeded(line)  # type: ignore[misc]
        else:
            self._dialogue.dataReceived(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget everything.
        """
        if self._dialogue is not None:
            self._dialogue.connectionLost(reason)
        super().connectionLost(reason)  # type: ignore[misc]


__all__ = ["HandingOver"]
