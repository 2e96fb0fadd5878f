"""
Sockets that one process opens and others serve, whatever endpoint they belong to.
"""

from __future__ import annotations

import errno
import socket
from functools import partial
from typing import Any

from zope.interface import directlyProvides, implementer, providedBy

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.logger import Logger

from ..._types import Timer

# The methods by which endpoints listen.
_LISTENING = ("listenTCP", "listenSSL", "listenUNIX", "adoptStreamPort")

# Errors of accept(2) for want of descriptors or memory.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class HoldingReactor:
    """
    A reactor whose ports are open, but accept no connection: that is left to other
    processes.

    @ivar ports: the ports, in the order in which they were opened.
    """

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: what does everything else.
        """
        self.ports: list[Any] = []
        self._reactor = reactor
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reactor, name)
        return partial(self._hold, found) if name in _LISTENING else found

    def _hold(self, listen: Any, *args: Any, **more: Any) -> Any:
        """
        Open a port, and have nothing read from it.
        """
        port = listen(*args, **more)
        port.stopReading()
        self.ports.append(port)
        return port


class AdoptingReactor:
    """
    A reactor whose ports are sockets that another process has opened, wherever an
    endpoint wants to listen.
    """

    def __init__(self, reactor: Any, descriptors: tuple[int, ...]) -> None:
        """
        @param reactor: what does everything else.
        @param descriptors: the sockets, in the order in which they were opened.
        """
        self._reactor = reactor
        self._left = list(descriptors)
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(
        self, port: object, factory: IProtocolFactory, *args: object, **more: object
    ) -> IListeningPort:
        """
        Serve the next socket, be it TCP's or a UNIX socket.
        """
        listener = socket.socket(fileno=self._left.pop(0))
        adopted = SharedPort(listener, factory, self._reactor)
        adopted.startListening()
        return adopted

    listenUNIX = listenTCP

    def listenSSL(
        self,
        port: object,
        factory: IProtocolFactory,
        contextFactory: Any,
        *args: object,
        **more: object,
    ) -> IListeningPort:
        """
        Serve the next socket by TLS.
        """
        from twisted.protocols.tls import TLSMemoryBIOFactory

        return self.listenTCP(port, TLSMemoryBIOFactory(contextFactory, False, factory))


@implementer(IListeningPort)
class SharedPort(FileDescriptor):
    """
    A listening socket that other processes accept connections from, too.

    Twisted's own ports of adopted UNIX sockets change the mode of the path and remove it,
    which is the affair of the process that has made it; and they accept many connections
    at a time, so that other processes would get none.

    @cvar pause: for how long to accept no connection when there is no descriptor or no
        memory for one, in seconds; others may have some.
    """

    pause = 0.1

    _log = Logger()
    _timer: Timer | None = None

    def __init__(
        self, listener: socket.socket, factory: IProtocolFactory, reactor: Any
    ) -> None:
        """
        @param listener: the socket.
        @param factory: the factory of the protocols.
        @param reactor: the reactor.
        """
        super().__init__(reactor)
        self._reactor = reactor
        self._listener = listener
        self._factory = factory

    def fileno(self) -> int:
        """
        Return the descriptor of the socket.
        """
        return self._listener.fileno()

    def getHost(self) -> IAddress:
        """
        Return the address that is listened at.
        """
        from twisted.internet.address import IPv4Address, IPv6Address

        name = self._listener.getsockname()
        if self._listener.family == socket.AF_UNIX:
            return UNIXAddress(name)
        kind = IPv6Address if self._listener.family == socket.AF_INET6 else IPv4Address
        return kind("TCP", *name)

    def startListening(self) -> None:
        """
        Begin to accept connections.
        """
        self._listener.setblocking(False)
        self._factory.doStart()
        self.startReading()

    def stopListening(self) -> None:
        """
        Accept no more connections.
        """
        if self._timer is not None:
            self._timer.cancel()
        self.stopReading()
        self._listener.close()
        self._factory.doStop()

    def doRead(self) -> None:
        """
        Accept one connection, if no other process was faster.
        """
        try:
            client, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._wait(error)
            return
        with client:
            client.setblocking(False)
            self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        """
        Serve a client.
        """
        try:
            client.getpeername()
        except OSError:
            # It has gone already.
            return
        try:
            self._reactor.adoptStreamConnection(
                client.fileno(), self._listener.family, self._factory
            )
        except Exception:
            self._log.failure("A connection can't be served")

    def _wait(self, error: OSError) -> None:
        """
        Leave connections to other processes for a while.
        """
        self._log.warn("No connection can be accepted: {why}", why=error.strerror)
        self.stopReading()
        self._timer = self._reactor.callLater(self.pause, self._goOn)

    def _goOn(self) -> None:
        """
        Accept connections again.
        """
        self._timer = None
        self.startReading()


__all__ = ["AdoptingReactor", "HoldingReactor", "SharedPort"]
