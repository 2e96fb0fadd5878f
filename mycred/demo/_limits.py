"""
Limit the time and the memory that a client can take before it has logged in.

Twisted's protocols were written for clients that log in.  Their own time-outs begin
anew with each byte, and much of what they keep for a client has no limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocolFactory,
    IProtocolNegotiationFactory,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._contracts import IAnonymous, ICredentials, InterfaceType, Login
from .._peers import hostOf
from .._secrets import printable
from .._types import Clock, Timer
from ..portal import SessionPortal
from ..sessions import SessionConnection, SessionFactory

#: How long a client may take to log in, in seconds.
LOGIN_TIMEOUT = 60


class LimitedConnection(SessionConnection):
    """
    A connection that ends unless the client logs in soon, or if what it sends before that
    could fill too much memory.

    How much a protocol really keeps isn't known from outside.  So all bytes count, for
    the most memory that they could take, and go on counting when the protocol is done
    with them: clients that log in send little before.

    @cvar BEGINNINGS: the bytes each of which may have the protocol keep an object, or
        write an answer.
    @cvar OBJECT: how much memory that may take, in bytes.
    @cvar MOST_HELD: how much may be taken in all, in bytes.  With what a connection takes
        anyway, it is 256 KiB.
    """

    BEGINNINGS = b"\n"
    OBJECT = 256
    MOST_HELD = 240 * 1024

    factory: LimitedFactory
    transport: Any

    _log = Logger()
    _held = 0
    _isLimited = True
    _isEnded = False
    _timer: Timer | None = None

    def makeConnection(self, transport: ITransport) -> None:
        """
        Start the time-out, and connect the protocol.
        """
        self.awaitLogin()
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """
        Hand on what the client sends, unless it is too much.
        """
        if self._isLimited:
            self._held += self.weigh(data)
            if self._held > self.MOST_HELD:
                self._end("too much was sent before a login")
        if not self._isEnded:
            super().dataReceived(data)

    def weigh(self, data: bytes) -> int:
        """
        Return how much memory data could take, in bytes.
        """
        plain = len(data.translate(None, self.BEGINNINGS))
        # A protocol may keep each piece of data as an object.
        return len(data) + self.OBJECT * (1 + len(data) - plain)

    def awaitLogin(self) -> None:
        """
        Start the time-out, unless it runs already.
        """
        if self._timer is None:
            timeout = self.factory.loginTimeout
            self._timer = self.factory.reactor.callLater(timeout, self._tooLate)

    def stopWaiting(self) -> None:
        """
        Stop the time-out.
        """
        if self._timer is not None:
            timer, self._timer = self._timer, None
            timer.cancel()

    def loggedIn(self) -> None:
        """
        Drop all limits, since the client has logged in.
        """
        self._isLimited = False
        self.stopWaiting()

    def _tooLate(self) -> None:
        """
        Disconnect a client that hasn't logged in.
        """
        self._timer = None
        self._end(f"no login within {self.factory.loginTimeout} s")

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
        Stop the time-out.
        """
        self.stopWaiting()
        super().connectionLost(reason)


class LimitedPortal(SessionPortal):
    """
    The portal of a limited connection, which gets to know of logins by it.
    """

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in, and lift the limits of the connection.
        """

        def cbLogin(login: Login) -> Login:
            connection = self.protocol.transport
            if IAnonymous.providedBy(credentials):
                # That proves nothing: the memory stays limited.
                connection.stopWaiting()
            else:
                connection.loggedIn()
            return login

        return super().login(credentials, mind, *interfaces).addCallback(cbLogin)


@implementer(IProtocolNegotiationFactory)
class LimitedFactory(SessionFactory):
    """
    Build connections that are limited until the client has logged in, each with a portal
    of its own.

    @ivar loginTimeout: how long a client may take to log in, in seconds.
    @ivar reactor: the clock for time-outs.
    """

    session = LimitedPortal

    def __init__(
        self,
        factory: IProtocolFactory,
        protocol: type[LimitedConnection] = LimitedConnection,
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Clock | None = None,
        alpn: Sequence[bytes] = (),
        mostRefused: int | None = None,
    ) -> None:
        """
        @param factory: the factory of the protocols.
        @param protocol: the class of the connections.
        @param loginTimeout: how long a client may take to log in, in seconds.
        @param reactor: the clock for time-outs; the reactor that is installed if
            L{None}.
        @param alpn: the names of the protocol in TLS (RFC 7301).
        @param mostRefused: how many refused logins end a connection; L{None} if the
            protocol sees to that.
        """
        super().__init__(factory, mostRefused=mostRefused)
        self._alpn = list(alpn)
        self.protocol = protocol
        self.loginTimeout = loginTimeout
        if reactor is None:
            from twisted.internet import reactor as installed

            reactor = cast(Clock, installed)
        self.reactor = reactor

    def acceptableProtocols(self) -> list[bytes]:
        """
        Return the names of the protocol in TLS.  Browsers send the names of theirs, and
        Twisted refuses a client if none of them is known here.
        """
        return self._alpn


__all__ = [
    "LOGIN_TIMEOUT",
    "LimitedConnection",
    "LimitedFactory",
    "LimitedPortal",
]
