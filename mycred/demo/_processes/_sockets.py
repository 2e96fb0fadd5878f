"""
Sockets that one process opens and others serve, whatever endpoint they belong to.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from zope.interface import directlyProvides, providedBy

from twisted.internet.interfaces import IProtocolFactory

from ._sharedport import SharedPort


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


__all__ = ["AdoptingReactor", "HoldingReactor", "ServingReactor"]
