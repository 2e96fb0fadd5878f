"""
Start the workers, start others for those that end, and end them.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

from ..._types import Timer
from ...workers import Workers
from ._command import PROGRAM, Command
from ._process import WorkerProcess
from ._sockets import HoldingReactor
from ._start import encodeStart


class Supervisor(Service):
    """
    The service that keeps the workers running.

    @cvar firstDelay: how long to wait until another worker is started in place of one
        that has ended, in seconds; each time twice as long.
    @cvar longestDelay: how long that is at most.
    @cvar steady: how long a worker must have run for the next one to be started after
        the first delay again, in seconds.
    @cvar grace: how long the workers may take to end, in seconds: a bit more than a
        single process.
    """

    firstDelay = 0.5
    longestDelay = 8.0
    steady = 60.0
    grace = Workers.GRACE + 2

    _log = Logger()
    _stopped: Deferred[None] | None = None

    def __init__(
        self,
        processes: int,
        command: Command,
        holding: Mapping[str, HoldingReactor],
        reactor: Any,
        failed: Callable[[], object] | None = None,
    ) -> None:
        """
        @param processes: how many workers there are.
        @param command: what they are told.
        @param holding: what has opened the sockets of each protocol.
        @param reactor: what starts processes.
        @param failed: what is called when the program ends since no worker can start;
            L{None} has it end with the status of a failure.
        """
        self._ready: Deferred[None] = Deferred()
        self._numbers = range(1, processes + 1)
        self._command = command
        self._holding = holding
        self._reactor = reactor
        self._failed = failed or _failAtExit
        self._running: dict[int, WorkerProcess] = {}
        self._waiting: dict[int, Timer] = {}
        self._delays: dict[int, float] = {}
        self._unready = set(self._numbers)

    def begin(self) -> Deferred[None]:
        """
        Start the workers when the reactor runs: before that nothing can be read of them.

        @return: a L{Deferred} that fires when all of them serve clients.
        """
        self._reactor.callWhenRunning(self._startAll)
        return self._ready

    def stopService(self) -> Deferred[None] | None:
        """
        End the workers.

        @return: a L{Deferred} that fires when they have ended.
        """
        super().stopService()
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        if not self._running:
            return None
        self._stopped = Deferred()
        for worker in self._running.values():
            worker.stop()
        killer = self._reactor.callLater(self.grace, self._kill)
        self._stopped.addCallback(lambda _: killer.active() and killer.cancel())
        return self._stopped

    def _kill(self) -> None:
        """
        Kill the workers that don't end.
        """
        for number, worker in self._running.items():
            self._log.error("Worker {number} doesn't end; it is killed", number=number)
            worker.kill()

    def _startAll(self) -> None:
        """
        Start all workers.
        """
        if not self.running:
            return
        for number in self._numbers:
            self._start(number)
        self._log.info(
            "--processes={processes}: workers {pids}",
            processes=len(self._numbers),
            pids=", ".join(str(worker.pid) for worker in self._running.values()),
        )

    def _start(self, number: int) -> None:
        """
        Start a worker, or another one in its place.
        """
        isFirst = self._waiting.pop(number, None) is None
        start, sockets = self._command.startOf(number, self._holding)
        worker = WorkerProcess(
            number,
            self._reactor,
            encodeStart(start, self._command.directories, self._command.reactor),
            lambda: self._serves(number),
            self._ended,
        )
        self._running[number] = worker
        # As is seen in the list of processes.
        title = f"myapp: worker {number} of {len(self._numbers)}"
        try:
            worker.start(
                [*PROGRAM, title],
                self._command.directory,
                sockets,
            )
        except OSError as error:
            self._ended(worker, error.strerror or str(error))
            return
        if not isFirst:
            self._log.info(
                "Worker {number} is process {pid} now", number=number, pid=worker.pid
            )

    def _serves(self, number: int) -> None:
        """
        Take note that a worker serves clients.
        """
        self._unready.discard(number)
        if not (self._unready or self._ready.called):
            self._ready.callback(None)

    def _ended(self, worker: WorkerProcess, how: str) -> None:
        """
        Start another worker in a while, or end the program if none has ever served.
        """
        del self._running[worker.number]
        if not self.running:
            if self._stopped is not None and not self._running:
                self._stopped.callback(None)
        elif len(self._unready) == len(self._numbers):
            self._giveUp(worker, how)
        else:
            self._startLater(worker, how)

    def _startLater(self, worker: WorkerProcess, how: str) -> None:
        """
        Start another worker in a while.
        """
        number = worker.number
        ran = self._reactor.seconds() - worker.startedAt
        before = 0.0 if ran >= self.steady else self._delays.get(number, 0.0)
        delay = min(max(2 * before, self.firstDelay), self.longestDelay)
        self._delays[number] = delay
        self._log.error(
            "Worker {number} has ended ({how}); another starts in {delay} s",
            number=number,
            how=how,
            delay=delay,
        )
        self._waiting[number] = self._reactor.callLater(delay, self._start, number)

    def _giveUp(self, worker: WorkerProcess, how: str) -> None:
        """
        End the program, whose workers can't start.
        """
        self._log.critical(
            "twistd myapp: no worker can start ({how}): {words}",
            how=how,
            words=worker.lastWords,
        )
        self._failed()
        with suppress(ReactorNotRunning):
            self._reactor.stop()


def _failAtExit() -> None:
    """
    Have the process end with the status of a failure: twistd's own would be that of a
    program that was told to end.
    """
    atexit.register(_fail)


def _fail() -> None:
    """
    End the process with the status of a failure.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


__all__ = ["Supervisor"]
