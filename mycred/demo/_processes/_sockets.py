"""
Sockets that one process opens and others serve, whatever endpoint they belong to.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from zope.interface import directlyProvides, implementer, providedBy

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.logger import Logger

from ..._types import Timer

# Errors of accept(2) for want of descriptors or memory.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ServingReactor:
    """
    A reactor that leaves alone the path of a UNIX socket which another process has made.
    """

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: what does everything else.
        """
        self._reactor = reactor
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def adoptStreamPort(
        self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory
    ) -> Any:
        """
        Serve a socket that another process has opened.
        """
        if addressFamily != socket.AF_UNIX:
            return self._reactor.adoptStreamPort(fileDescriptor, addressFamily, factory)
        port = SharedPort(os.dup(fileDescriptor), factory, self._reactor)
        port.startListening()
        return port


class HoldingReactor(ServingReactor):
    """
    A reactor whose ports are open, but accept no connection: that is left to other
    processes.

    @ivar ports: the ports, in the order in which they were opened.
    """

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self.ports: list[Any] = []

    def listenTCP(self, *args: Any, **more: Any) -> Any:
        """
        Open a port for TCP.
        """
        return self._hold(self._reactor.listenTCP(*args, **more))

    def listenSSL(self, *args: Any, **more: Any) -> Any:
        """
        Open a port for TLS.
        """
        return self._hold(self._reactor.listenSSL(*args, **more))

    def listenUNIX(self, *args: Any, **more: Any) -> Any:
        """
        Open a UNIX socket.
        """
        return self._hold(self._reactor.listenUNIX(*args, **more))

    def adoptStreamPort(self, *args: Any, **more: Any) -> Any:
        """
        Take over a socket that another process has opened.
        """
        return self._hold(super().adoptStreamPort(*args, **more))

    def _hold(self, port: Any) -> Any:
        """
        Have nothing read from a port.
        """
        port.stopReading()
        self.ports.append(port)
        return port


class AdoptingReactor(ServingReactor):
    """
    A reactor whose ports are sockets that another process has opened, wherever an
    endpoint wants to listen.
    """

    def __init__(self, reactor: Any, descriptors: tuple[int, ...]) -> None:
        """
        @param reactor: what does everything else.
        @param descriptors: the sockets, in the order in which they were opened.
        """
        super().__init__(reactor)
        self._left = list(descriptors)

    def listenTCP(
        self, port: object, factory: IProtocolFactory, *args: object, **more: object
    ) -> Any:
        """
        Serve the next socket, be it TCP's or a UNIX socket.
        """
        adopted = SharedPort(self._left.pop(0), factory, self._reactor)
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
    ) -> Any:
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

    def __init__(self, descriptor: int, factory: IProtocolFactory, reactor: Any) -> None:
        """
        @param descriptor: the socket.
        @param factory: the factory of the protocols.
        @param reactor: the reactor.
        """
        super().__init__(reactor)
        self._reactor = reactor
        self._listener = socket.socket(fileno=descriptor)
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
        # Programs that this process starts don't inherit it.
        self._listener.set_inheritable(False)
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


__all__ = ["AdoptingReactor", "HoldingReactor", "ServingReactor", "SharedPort"]
