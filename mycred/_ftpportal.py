"""
Logins over Twisted's FTP server that can't be decided now.
"""

from __future__ import annotations

from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._contracts import ICredentials, InterfaceType, Login
from .error import TemporaryFailure, Throttled
from .portal import SessionPortal

# What the client is told unless it is throttled.
_UNDECIDED = "Logins are not possible now. Try again later."


class FTPPortal(SessionPortal):
    """
    The portal of a connection to L{FTP<twisted.protocols.ftp.FTP>}.

    That takes a login which can't be decided now for a defect, logs a traceback, takes no
    other login any more, and logs another traceback for each password that is sent.
    """

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log a user in, or end the connection if that can't be decided now.
        """
        login = super().login(credentials, mind, *interfaces)
        return login.addErrback(self._ebUndecided)

    def _ebUndecided(self, failure: Failure) -> NoReturn:
        """
        Have the protocol say so in FTP's words (RFC 959, section 5.4), and end.

        @raise FTPCmdError: to have it say so.
        """
        failure.trap(TemporaryFailure)
        # Importing it would install a reactor.
        from twisted.internet import reactor
        from twisted.protocols.ftp import FTPCmdError

        isThrottled = isinstance(failure.value, Throttled)
        text = f"{failure.value}." if isThrottled else _UNDECIDED
        self.protocol.state = self.protocol.UNAUTH
        # What else the client has sent isn't answered.
        self.protocol.clearLineBuffer()
        later: Any = reactor
        # Over TLS nothing could be said any more.
        later.callLater(0, self.protocol.transport.loseConnection)
        error: Any = FTPCmdError()
        error.response = lambda: f"421 {text}"
        raise error


__all__ = ["FTPPortal"]
