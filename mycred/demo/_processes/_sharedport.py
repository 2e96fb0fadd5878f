"""
A listening socket that several processes accept connections from.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from zope.interface import implementer

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.logger import Logger

from ..._types import Timer

# Errors of accept(2) for want of descriptors or memory.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


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
            # The reactor takes a second descriptor for it: without one, it is left to
            # other processes.
            with self._listener.dup():
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


__all__ = ["SharedPort"]
