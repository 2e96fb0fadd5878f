"""
Listen for clients, or end the program with one line that says why not.
"""

from __future__ import annotations

import errno
from socket import gaierror

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure


class CannotStart(SystemExit, Exception):
    """
    The server can't listen where it was told to.

    C{twistd} tidies up after an L{Exception}, and reports it to the process that waits
    for a daemon to start; Python prints only the text of a L{SystemExit}.
    """


class Listening(Service):
    """
    The service that listens for the clients of one protocol.

    @ivar listening: a L{Deferred} that fires with the port once it listens.
    """

    _log = Logger()
    _port: Deferred[IListeningPort | None] | None = None
    _failed: CannotStart | None = None

    def __init__(
        self,
        option: str,
        endpoint: IStreamServerEndpoint,
        factory: IProtocolFactory,
        reactor: IReactorCore,
    ) -> None:
        """
        @param option: the option as it was written on the command line.
        @param endpoint: the endpoint to listen at.
        @param factory: the factory of the protocols.
        @param reactor: the reactor, which is stopped if listening fails after the start.
        """
        self.listening: Deferred[IListeningPort] = Deferred()
        self._option = option
        self._endpoint = endpoint
        self._factory = factory
        self._reactor = reactor

    def privilegedStartService(self) -> None:
        """
        Listen, before C{twistd} gives up root's rights.

        @raise CannotStart: if that fails.
        """
        super().privilegedStartService()
        listening: Deferred[IListeningPort]
        listening = maybeDeferred(self._endpoint.listen, self._factory)
        self._port = listening.addCallbacks(self._cbListening, self._ebListening)
        if self._failed is not None:
            raise self._failed

    def startService(self) -> None:
        """
        Listen, unless it listens already.
        """
        if self._port is None:
            self.privilegedStartService()
        super().startService()

    def stopService(self) -> Deferred[None] | None:
        """
        Listen no more.
        """
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return None
        port.cancel()
        return port.addCallback(_stopListening)

    def _cbListening(self, port: IListeningPort) -> IListeningPort:
        """
        Fire L{listening}.
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


def _stopListening(port: IListeningPort | None) -> Deferred[None] | None:
    """
    Close a port, if there is one.
    """
    return None if port is None else port.stopListening()


def whyNotListening(error: BaseException | None) -> str:
    """
    Return why an endpoint can't listen, and what to do.
    """
    cause = getattr(error, "socketError", error)
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
