"""
A worker, as the process of C{twistd} sees it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, globalLogPublisher
from twisted.python.failure import Failure

from ._logreader import Lines, LogReader
from ._relay import READY, RelayError, decodeEvent
from ._start import LOG

# How much of a line is logged that a worker has written elsewhere, in bytes.
_LONGEST_WORDS = 2**12

# How long pipes may stay open that a worker has left to other processes, in seconds.
_PIPES_WAIT = 1.0


class WorkerProcess(ProcessProtocol):
    """
    A worker that runs, or has ended.

    @ivar number: which of the workers it is, from 1.
    @ivar startedAt: when it was started, by the reactor's clock.
    @ivar isReady: whether it has served clients.
    @ivar lastWords: what it has written to its standard error last.
    """

    _log = Logger()

    def __init__(
        self,
        number: int,
        reactor: Any,
        told: bytes,
        ready: Callable[[], object],
        ended: Callable[[WorkerProcess, str], object],
    ) -> None:
        """
        @param reactor: what waits for its log.
        @param told: what is written to its standard input.
        @param ready: what is called when it serves clients.
        @param ended: what is called with it when it has ended, and how that came.
        """
        self.number = number
        self.startedAt = reactor.seconds()
        self.isReady = False
        self.lastWords = ""
        self._reactor = reactor
        self._told = told
        self._ready = ready
        self._ended = ended
        self._events = LogReader(reactor, self._eventReceived)
        self._words = Lines(_LONGEST_WORDS)

    @property
    def pid(self) -> int | None:
        """
        Its process ID; L{None} when it has ended.
        """
        transport: Any = self.transport
        pid: int | None = transport.pid
        return pid

    def start(self, command: list[str], directory: str, sockets: dict[int, int]) -> None:
        """
        Start it.

        @param command: the program and its arguments.
        @param directory: where it runs.
        @param sockets: the descriptors that it gets, by what they are there.

        @raise OSError: if that can't be done now.
        """
        descriptor = self._events.begin()
        try:
            self._reactor.spawnProcess(
                self,
                command[0],
                command,
                env=None,
                path=directory,
                childFDs={0: "w", 1: "r", 2: "r", LOG: descriptor, **sockets},
            )
        except OSError:
            self._events.end()
            raise
        finally:
            os.close(descriptor)

    def connectionMade(self) -> None:
        """
        Tell it what to do.  Its standard input stays open.
        """
        transport: Any = self.transport
        transport.writeToChild(0, self._told)

    def stop(self) -> None:
        """
        Have it end as soon as logins that are under way are answered.
        """
        self._signal("TERM")

    def kill(self) -> None:
        """
        End it at once.
        """
        self._signal("KILL")

    def _signal(self, name: str) -> None:
        """
        Send it a signal, unless it has ended.
        """
        transport: Any = self.transport
        with suppress(ProcessExitedAlready):
            transport.signalProcess(name)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """
        Log what it writes to its standard output or standard error.
        """
        for line in filter(None, self._words.feed(data)):
            self.lastWords = line.decode("utf-8", "backslashreplace")
            self._log.warn(
                "Worker {number} has written: {words}",
                number=self.number,
                words=self.lastWords,
            )

    def _eventReceived(self, line: bytes) -> None:
        """
        Log what it logs.
        """
        if line == READY:
            self.isReady = True
            self._ready()
            return
        try:
            globalLogPublisher(decodeEvent(line))
        except RelayError as error:
            self._log.warn(
                "Worker {number} has logged what can't be read: {why}",
                number=self.number,
                why=str(error),
            )

    def processExited(self, reason: Failure) -> None:
        """
        Wait no longer for the end of its pipes than it takes to read what is in them:
        processes that it has started may still have them.
        """
        self._reactor.callLater(_PIPES_WAIT, self._closePipes)

    def _closePipes(self) -> None:
        """
        Close the pipes.
        """
        transport: Any = self.transport
        for descriptor in list(transport.pipes):
            transport.closeChildFD(descriptor)

    def processEnded(self, reason: Failure) -> None:
        """
        Log what it has logged last, and say that it has ended.
        """
        self._events.end()
        # The last line may have no end.
        self.childDataReceived(2, b"\n")
        self._ended(self, _howEnded(reason))


def _howEnded(reason: Failure) -> str:
    """
    Return how a process has ended, in words.
    """
    if not reason.check(ProcessTerminated):
        return "status 0"
    error: Any = reason.value
    if error.signal is None:
        return f"status {error.exitCode}"
    with suppress(ValueError):
        return signal.Signals(error.signal).name
    return f"signal {error.signal}"


__all__ = ["WorkerProcess"]
