"""
Connections whose logins end with them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from .._contracts import InterfaceType, Login
from ..error import TemporaryFailure, UnauthorizedLogin
from ..portal import Portal
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory, LimitedPortal

_T = TypeVar("_T")

#: So many wrong passwords end a connection.
MOST_REFUSED = 10


class TellingPortal(LimitedPortal):
    """
    The portal of a connection whose protocol tells clients why they are refused.

    Twisted's servers know wrong passwords only; what they tell of one is put right by
    L{told}.
    """

    _isRefused = _isUnsure = False

    def login(
        self, credentials: Any, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in.

        @return: a L{Deferred} as from L{LimitedPortal.login}, which doesn't fail with
            L{TemporaryFailure}, but as for a wrong password.
        """
        return super().login(credentials, mind, *interfaces).addErrback(self._ebLogin)

    def _ebLogin(self, failure: Failure) -> Failure:
        """
        Remember how a login has failed.
        """
        self._isRefused = failure.check(UnauthorizedLogin) is not None
        self._isUnsure = failure.check(TemporaryFailure) is not None
        return Failure(UnauthorizedLogin()) if self._isUnsure else failure

    def told(self, message: _T, refused: bytes, unsure: bytes) -> _T | bytes:
        """
        Put right what is told next.

        @param message: what would be told.
        @param refused: the code for wrong credentials.
        @param unsure: the code for L{TemporaryFailure}.

        @return: the message, with a code if a login has failed since the last one.
        """
        isRefused, isUnsure = self._isRefused, self._isUnsure
        self._isRefused = self._isUnsure = False
        if isUnsure:
            return unsure + b" Temporarily unavailable"
        return refused + b" Authentication failed" if isRefused else message


class _SessionWrapper(LimitedConnection):
    """
    What closes the portal of a connection, after the protocol was told.
    """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        protocol: Any = self.wrappedProtocol
        super().connectionLost(reason)
        protocol.portal.close()


class SessionFactory(LimitedFactory):
    """
    Give each connection a portal of its own.
    """

    def __init__(
        self,
        factory: Factory,
        portal: Portal,
        service: str,
        mostRefused: int = MOST_REFUSED,
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Any = None,
    ) -> None:
        """
        @param factory: the factory of the protocols, which have a C{portal}.
        @param portal: the portal of the server.
        @param service: what the log, and TLS, call the protocol.
        @param mostRefused: how many wrong passwords end a connection.
        @param loginTimeout: how long a client may take until somebody is logged in, in
            seconds.
        @param reactor: what counts the time; the reactor that is installed if L{None}.
        """
        alpn = [service.encode("ascii")]
        super().__init__(factory, _SessionWrapper, loginTimeout, reactor, alpn)
        self._portal = portal
        self._service = service
        self._mostRefused = mostRefused

    def buildProtocol(self, addr: Any) -> ProtocolWrapper:
        """
        Build a protocol, and hand it its portal.
        """
        wrapper: ProtocolWrapper = super().buildProtocol(addr)
        protocol: Any = wrapper.wrappedProtocol
        protocol.portal = TellingPortal(
            self._portal, protocol, service=self._service, mostRefused=self._mostRefused
        )
        # Its own time-outs, which follow the login, count the same time.
        protocol.callLater = self.reactor.callLater
        return wrapper


__all__ = ["MOST_REFUSED", "SessionFactory", "TellingPortal"]
