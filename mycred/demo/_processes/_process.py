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

from ..._secrets import printable
from ._logreader import LogReader
from ._relay import LONGEST_LINE, READY, RelayError, decodeEvent
from ._start import LOG

# How much of a line is logged that a worker has written elsewhere, in bytes.
_LONGEST_WORDS = 2**12


class WorkerProcess(ProcessProtocol):
    """
    A worker that runs, or has ended.

    @ivar number: which of the workers it is, from 1.
    @ivar startedAt: when it was started, by the reactor's clock.
    @ivar isReady: whether it has served clients.
    @ivar lastWords: the line that it has written to its standard error last.
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
        self._isUnreadable = False
        self._events = LogReader(reactor, self._eventReceived, LONGEST_LINE)
        self._words = LogReader(reactor, self._wordsReceived, _LONGEST_WORDS)

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
        ends: list[int] = []
        try:
            for reader in (self._events, self._words):
                ends.append(reader.begin())
            log, words = ends
            self._reactor.spawnProcess(
                self,
                command[0],
                command,
                env=None,
                path=directory,
                childFDs={0: "w", 1: words, 2: words, LOG: log, **sockets},
            )
        except OSError:
            self._endReading()
            raise
        finally:
            for end in ends:
                os.close(end)

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

    def _wordsReceived(self, line: bytes) -> None:
        """
        Log what it writes to its standard output or standard error.
        """
        if line:
            self.lastWords = printable(line.decode("utf-8", "backslashreplace"))
            self._log.warn(
                "Worker {number} has written: {words}",
                number=self.number,
                words=self.lastWords,
            )

    def _eventReceived(self, line: bytes) -> None:
        """
        Log what it logs.  What can't be read is told once: lines about it would be many
        times as long as the lines themselves.
        """
        if line == READY:
            self.isReady = True
            self._ready()
            return
        try:
            globalLogPublisher(decodeEvent(line))
        except RelayError as error:
            if not self._isUnreadable:
                self._isUnreadable = True
                self._log.warn(
                    "Worker {number} has logged what can't be read: {why}",
                    number=self.number,
                    why=str(error),
                )

    def processExited(self, reason: Failure) -> None:
        """
        Close its standard input, which processes that it has started may still have.
        """
        transport: Any = self.transport
        transport.closeStdin()

    def processEnded(self, reason: Failure) -> None:
        """
        Log what it has logged last, and say that it has ended.
        """
        self._endReading()
        self._ended(self, _howEnded(reason))

    def _endReading(self) -> None:
        """
        Read what it has written last, and close the pipes.
        """
        self._events.end()
        self._wordsReceived(self._words.end())


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
