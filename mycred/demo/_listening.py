"""
Listen for clients, or end in one line.
"""

from __future__ import annotations

import errno
from socket import gaierror
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure


class CannotStart(SystemExit, Exception):
    """
    The server can't listen where it was told to.

    C{twistd} tidies up after an L{Exception}, and tells it to whoever waits for a
    daemon; Python ends after a L{SystemExit} with its text alone.
    """


class Listening(Service):
    """
    What listens for the clients of one protocol.

    @ivar listening: fires with the port when it does, or never.
    """

    _log = Logger()
    _port: Deferred[Any] | None = None
    _failed: CannotStart | None = None

    def __init__(
        self, option: str, endpoint: Any, factory: IProtocolFactory, reactor: Any
    ) -> None:
        """
        @param option: what was written on the command line.
        @param endpoint: where to listen.
        @param factory: what serves the clients.
        @param reactor: what is stopped if that turns out to be impossible later.
        """
        self.listening: Deferred[IListeningPort] = Deferred()
        self._option = option
        self._endpoint = endpoint
        self._factory = factory
        self._reactor = reactor

    def privilegedStartService(self) -> None:
        """
        Listen, as long as this may be root.

        @raise CannotStart: if that is impossible.
        """
        super().privilegedStartService()
        self._port = maybeDeferred(self._endpoint.listen, self._factory)
        self._port.addCallbacks(self._cbListening, self._ebListening)
        if self._failed is not None:
            raise self._failed

    def startService(self) -> None:
        """
        Listen, unless it does so already.
        """
        if self._port is None:
            self.privilegedStartService()
        super().startService()

    def stopService(self) -> Any:
        """
        Listen no more.
        """
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return None
        port.cancel()
        return port.addCallback(lambda port: port and port.stopListening())

    def _cbListening(self, port: IListeningPort) -> IListeningPort:
        """
        Tell of the port.
        """
        self.listening.callback(port)
        return port

    def _ebListening(self, failure: Failure) -> None:
        """
        End the program.
        """
        text = f"twistd myapp: {self._option}: {whyNotListening(failure.value)}"
        if not self.running:
            self._failed = CannotStart(text)
        elif not failure.check(CancelledError):
            self._log.critical("{text}", text=text)
            self._reactor.stop()


def whyNotListening(error: BaseException | None) -> str:
    """
    Say why an endpoint can't listen, and what to do.
    """
    cause: Any = getattr(error, "socketError", error)
    number = getattr(cause, "errno", None)
    if cause == "Cannot acquire lock" or number == errno.EADDRINUSE:
        return (
            "that is in use; end the program that listens there, or write another port "
            "or path (tcp:0 takes a port that is free)"
        )
    if isinstance(cause, gaierror) or number == errno.EADDRNOTAVAIL:
        return (
            "this machine has no such address; write one of its own after interface= "
            '("ip address" lists them), or none for all of them'
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            "this user may not listen there; write a port from 1024 on, or a path that "
            "they can write, or start as root (twistd --uid=NAME then becomes NAME)"
        )
    if number in (errno.ENOENT, errno.ENOTDIR):
        return "there is no such directory; make it, or write another path"
    if isinstance(error, CannotListenError) or not isinstance(cause, OSError):
        return str(cause) or type(cause).__name__
    return cause.strerror or str(cause)


__all__ = ["CannotStart", "Listening", "whyNotListening"]
