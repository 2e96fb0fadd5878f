"""
What stands between TCP and TLS: it finds out where the client is, if a proxy connects for
it, and which certificate the server has now, before anything above it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Union, cast

from zope.interface import directlyProvides, implementer, providedBy

from OpenSSL.SSL import Connection

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from .._peers import hostOf, parseHost
from .._secrets import printable
from .._types import Clock, Timer
from ..error import TemporaryFailure
from ._context import ServerContext
from ._contexts import ServerContexts
from ._proxyheader import ProxyHeaderError, parseHeader

#: How long a proxy may take for its header, in seconds.  It sends the header first of
#: all, and by itself.
HEADER_TIMEOUT = 10.0

#: How long a client may take for the handshake of TLS, in seconds.  A protocol that is
#: tired of waiting can't see to that: until then TLS keeps the connection open for what
#: the protocol has written, such as a greeting.
HANDSHAKE_TIMEOUT = 60.0

Network = Union[IPv4Network, IPv6Network]


class Gate(ProtocolWrapper):
    """
    The transport of a TLS connection, and its protocol only once that can begin.

    The addresses that it tells are those that a trusted proxy has told, from the first
    moment at which anything above can ask.
    """

    _log = Logger()

    factory: GateFactory
    transport: Any
    wrappedProtocol: Any

    _peer: IAddress | None = None
    _host: IAddress | None = None
    _received = b""
    _timer: Timer | None = None
    _looking: Deferred[ServerContext] | None = None

    def makeConnection(self, transport: ITransport) -> None:
        """
        Wait for what must come first.
        """
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        if self.factory.isProxy(transport.getPeer()):
            self._timer = self.factory.clock.callLater(HEADER_TIMEOUT, self._tooLate)
        else:
            self._look()

    def dataReceived(self, data: bytes) -> None:
        """
        Read the header of a proxy, and then hand on what comes.
        """
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
            if self._timer is not None and self._isSecured:
                self._stopTimer()
            return
        self._received += data
        if self._timer is not None:
            self._readHeader()

    @property
    def _isSecured(self) -> bool:
        """
        Whether the handshake is over.
        """
        return self.wrappedProtocol.getHandle().get_peer_finished() is not None

    def getPeer(self) -> IAddress:
        """
        Return the address of the client.
        """
        peer: IAddress = self._peer or self.transport.getPeer()
        return peer

    def getHost(self) -> IAddress:
        """
        Return the address at which the client has connected: with a proxy, one of the
        proxy's.
        """
        host: IAddress = self._host or self.transport.getHost()
        return host

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Stop waiting.
        """
        self._stopTimer()
        if self._looking is not None:
            self._looking.cancel()
        if self.wrappedProtocol is not None:
            super().connectionLost(reason)
        else:
            self.factory.unregisterProtocol(self)

    def _readHeader(self) -> None:
        """
        Look for the header of a proxy in what has come.
        """
        try:
            header = parseHeader(self._received)
        except ProxyHeaderError as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._received = self._received[header.length :]
            self._peer, self._host = header.peer, header.host
            self._stopTimer()
            self._look()

    def _look(self) -> None:
        """
        Have the server's files looked at.  Meanwhile nothing more is read.
        """
        self.transport.pauseProducing()
        self._looking = looking = self.factory.contexts.latest()
        looking.addCallback(self._cbLooked).addErrback(self._ebLooked)

    def _cbLooked(self, context: ServerContext) -> None:
        """
        Begin TLS, unless the factory doesn't want this client.
        """
        self._looking = None
        protocol = self.factory.buildTLS(self.getPeer(), context)
        if protocol is None:
            self.transport.abortConnection()
            return
        self.wrappedProtocol = protocol
        callLater = self.factory.clock.callLater
        self._timer = callLater(HANDSHAKE_TIMEOUT, self._handshakeTooLate)
        self.transport.resumeProducing()
        protocol.makeConnection(self)
        received, self._received = self._received, b""
        if received:
            self.dataReceived(received)

    def _ebLooked(self, failure: Failure) -> None:
        """
        End the connection: without the files it isn't known what is revoked by now, and
        a factory may have failed.
        """
        self._looking = None
        if not failure.check(CancelledError, TemporaryFailure):
            self._log.failure("TLS can't begin", failure)
        self.transport.abortConnection()

    def _tooLate(self) -> None:
        """
        End the connection of a proxy that hasn't said for whom it connects.
        """
        self._timer = None
        self._refuse(f"no header of a proxy within {HEADER_TIMEOUT:g} s")

    def _handshakeTooLate(self) -> None:
        """
        End the connection of a client that hasn't done its part of the handshake.
        """
        self._timer = None
        self._disconnect(self._log.info, f"no handshake within {HANDSHAKE_TIMEOUT:g} s")

    def _refuse(self, why: str) -> None:
        """
        End the connection of a proxy.
        """
        self._stopTimer()
        self._disconnect(self._log.warn, why)

    def _disconnect(self, tell: Callable[..., None], why: str) -> None:
        """
        End the connection.

        @param tell: what writes to the log, at a level.
        """
        peer = printable(hostOf(self.getPeer()) or "?")
        tell("Disconnected: {peer}: {why}", peer=peer, why=why)
        self.transport.abortConnection()

    def _stopTimer(self) -> None:
        """
        Stop waiting for a header, or for the handshake.
        """
        if self._timer is not None:
            timer, self._timer = self._timer, None
            timer.cancel()


@implementer(IOpenSSLServerConnectionCreator)
class GateFactory(WrappingFactory):
    """
    Builds what connections go through before TLS.

    @ivar contexts: what makes TLS connections.
    @ivar clock: the clock for time-outs.
    """

    noisy = False
    protocol = Gate

    _context: ServerContext

    def __init__(
        self,
        factory: IProtocolFactory,
        contexts: ServerContexts,
        proxies: Sequence[Network],
        clock: Clock,
    ) -> None:
        """
        @param factory: the factory of the protocols above TLS.
        @param contexts: what makes TLS connections.
        @param proxies: the networks of the proxies that tell where clients are.
        @param clock: the clock for time-outs.
        """
        reactor = cast(IReactorTime, clock)
        super().__init__(TLSMemoryBIOFactory(self, False, factory, reactor))
        self.contexts = contexts
        self.clock = clock
        self._proxies = proxies

    def logPrefix(self) -> str:
        """
        Return what the log calls it.
        """
        prefix: str = self.wrappedFactory.logPrefix()
        return prefix

    def buildProtocol(self, addr: IAddress | None) -> Gate:
        """
        Return a gate, which has a protocol built when it knows where the client is.
        """
        nothing: Any = None
        return Gate(cast(Any, self), nothing)

    def buildTLS(
        self, peer: IAddress, context: ServerContext
    ) -> TLSMemoryBIOProtocol | None:
        """
        Return the protocol of a TLS connection; L{None} if the factory of those above
        it doesn't want this client.

        @param peer: the address of the client.
        @param context: what makes its connection.
        """
        self._context = context
        protocol: TLSMemoryBIOProtocol = self.wrappedFactory.buildProtocol(peer)
        return None if protocol.wrappedProtocol is None else protocol

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """
        Return OpenSSL's side of a new connection.
        """
        return self._context.serverConnectionForTLS(protocol)

    def isProxy(self, peer: IAddress) -> bool:
        """
        Return whether an address is that of a proxy.
        """
        if not self._proxies:
            return False
        host = parseHost(hostOf(peer) or "")
        return host is not None and any(host in network for network in self._proxies)


__all__ = ["HEADER_TIMEOUT", "Gate", "GateFactory", "Network"]
