"""
Limit what a client can take before somebody is logged in: time, and memory.

Twisted's protocols were written for clients that log in.  Their own time-outs begin
anew with each byte, and much of what they keep for a client has no limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from .._contracts import IAnonymous, InterfaceType, Login
from .._peers import hostOf
from .._secrets import printable
from ..portal import SessionPortal

#: How long a client may take until somebody is logged in, in seconds.
LOGIN_TIMEOUT = 60


class LimitedConnection(ProtocolWrapper):
    """
    A connection that ends unless somebody logs in soon, or if what comes before could
    fill too much memory.

    What a protocol really keeps can't be told from outside.  So all that comes counts,
    for as much as the worst that could be made of it, and goes on counting when the
    protocol is done with it: clients that log in need little.

    @cvar BEGINNINGS: the bytes any of which may have the protocol keep an object, or
        write an answer.
    @cvar OBJECT: what that may take, in bytes.
    @cvar MOST_HELD: how much of it may come.  With what a connection takes anyway, it
        is 256 KiB.
    """

    BEGINNINGS = b"\n"
    OBJECT = 256
    MOST_HELD = 240 * 1024

    factory: Any
    transport: Any

    _log = Logger()
    _held = 0
    _isLimited = True
    _isEnded = False
    _timer: Any = None

    def makeConnection(self, transport: Any) -> None:
        """
        Begin.
        """
        self.awaitLogin()
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """
        Take what the client sends, unless it is too much.
        """
        if self._isLimited:
            self._held += self.weigh(data)
            if self._held > self.MOST_HELD:
                self._end("too much was sent before a login")
        if not self._isEnded:
            super().dataReceived(data)

    def weigh(self, data: bytes) -> int:
        """
        Return how much memory this could fill, in bytes.
        """
        plain = len(data.translate(None, self.BEGINNINGS))
        # What comes in small pieces may be kept in pieces.
        return len(data) + self.OBJECT * (1 + len(data) - plain)

    def awaitLogin(self) -> None:
        """
        Wait for a login, but only for so long.
        """
        if self._timer is None:
            timeout = self.factory.loginTimeout
            self._timer = self.factory.reactor.callLater(timeout, self._tooLate)

    def stopWaiting(self) -> None:
        """
        Wait no more.
        """
        if self._timer is not None:
            timer, self._timer = self._timer, None
            timer.cancel()

    def loggedIn(self) -> None:
        """
        Have no limits any more: somebody is logged in.
        """
        self._isLimited = False
        self.stopWaiting()

    def _tooLate(self) -> None:
        """
        Hang up on a client that hasn't logged in.
        """
        self._timer = None
        self._end(f"nobody logged in within {self.factory.loginTimeout} s")

    def _end(self, why: str) -> None:
        """
        End the connection, whether or not the client reads what was written to it.
        """
        if not self._isEnded:
            self._isEnded = True
            peer = printable(hostOf(self.getPeer()) or "?")
            self._log.info("Disconnected: {peer}: {why}", peer=peer, why=why)
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Leave nothing behind.
        """
        self.stopWaiting()
        super().connectionLost(reason)


@implementer(IProtocolNegotiationFactory)
class LimitedFactory(WrappingFactory):
    """
    Build connections that are limited until somebody is logged in.

    @ivar loginTimeout: how long a client may take until then, in seconds.
    @ivar reactor: what counts the time.
    """

    noisy = False

    def __init__(
        self,
        factory: Any,
        protocol: type[LimitedConnection],
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Any = None,
        alpn: Sequence[bytes] = (),
    ) -> None:
        """
        @param factory: the factory of the protocols.
        @param protocol: the class of the connections.
        @param loginTimeout: how long a client may take until somebody is logged in, in
            seconds.
        @param reactor: what counts the time; the reactor that is installed if L{None}.
        @param alpn: what the protocol is called in TLS (RFC 7301).
        """
        super().__init__(factory)
        self._alpn = list(alpn)
        self.protocol = protocol
        self.loginTimeout = loginTimeout
        if reactor is None:
            from twisted.internet import reactor
        self.reactor = reactor

    def acceptableProtocols(self) -> list[bytes]:
        """
        Return what the protocol is called in TLS.  Browsers name those that they speak,
        and Twisted refuses a client none of whose protocols is known here.
        """
        return self._alpn


class LimitedPortal(SessionPortal):
    """
    The portal of a limited connection, which it tells of logins.
    """

    def login(
        self, credentials: Any, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in.
        """

        def cbLogin(login: Login) -> Login:
            connection = self.protocol.transport
            if IAnonymous.providedBy(credentials):
                # Anybody could have done that.
                connection.stopWaiting()
            else:
                connection.loggedIn()
            return login

        return super().login(credentials, mind, *interfaces).addCallback(cbLogin)


__all__ = ["LOGIN_TIMEOUT", "LimitedConnection", "LimitedFactory", "LimitedPortal"]
