"""
Workers that a test steps: nothing is done before the test says so, and then in the
test's own thread.  Queue, deadline and sharing are those of the real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock

from mycred.workers import Workers


class HandReactor(Clock):
    """
    As much of a reactor as L{Workers} knows, run by hand.

    @ivar running: whether it runs.
    """

    def __init__(self, running: bool = True) -> None:
        super().__init__()
        self.running = running
        self._atShutdown: dict[str, list[Callable[[], Any]]] = {"before": [], "after": []}

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """
        Call at once: the test's thread is the reactor's.
        """
        function(*args)

    def addSystemEventTrigger(
        self, phase: str, event: str, function: Callable[..., Any], *args: object
    ) -> None:
        """
        Remember what to do at the end.
        """
        assert event == "shutdown"
        self._atShutdown[phase].append(lambda: function(*args))

    def stop(self) -> list[Any]:
        """
        Begin to stop, once.

        @return: what the stop waits for.
        """
        return self._fire("before")

    def stopped(self) -> None:
        """
        Have stopped.
        """
        self._fire("after")

    def _fire(self, phase: str) -> list[Any]:
        """
        Do what is to be done in a phase of the end, once.
        """
        calls, self._atShutdown[phase] = self._atShutdown[phase], []
        return [call() for call in calls]


class SteppedPool:
    """
    A pool without threads.

    @ivar jobs: what waits to be done.
    """

    def __init__(self) -> None:
        self.jobs: list[Callable[[], object]] = []

    def stop(self) -> None:
        """
        End, with everything done.
        """
        assert not self.jobs

    def lost(self) -> list[Callable[[], object]]:
        """
        Lose no job.
        """
        return []

    def callInThread(self, job: Callable[[], object]) -> None:
        """
        Take a job.
        """
        self.jobs.append(job)


class SteppedWorkers(Workers):
    """
    Workers that do a job when the test says so.

    @ivar reactor: their reactor, which is a clock.
    @ivar pool: their pool.
    """

    def __init__(self, running: bool = True, **arguments: Any) -> None:
        """
        @param running: whether the reactor runs; while it doesn't, everything is
            done at once.
        @param arguments: what L{Workers} takes.
        """
        self.reactor = HandReactor(running)
        self.pool = SteppedPool()
        super().__init__(self.reactor, 1, pool=self.pool, **arguments)

    def step(self, jobs: int = 1) -> None:
        """
        Do the oldest jobs.
        """
        for _ in range(jobs):
            self.pool.jobs.pop(0)()


__all__ = ["HandReactor", "SteppedPool", "SteppedWorkers"]
