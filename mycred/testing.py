"""
What tests of checkers need: workers and a reactor that the test steps by hand.

A checker that does its work in L{Workers<mycred.workers.Workers>} takes them as an
argument.  Given L{SteppedWorkers} it waits for the test, which decides what is done, and
what time it is; nothing runs in a thread, and no test sleeps::

    workers = SteppedWorkers()
    checker = JSONChecker("users.json", workers=workers)
    login = checker.requestAvatarId(UsernamePassword(b"alice", b"sesame"))

    self.assertNoResult(login)
    workers.step()
    self.assertEqual(self.successResultOf(login), b"alice")

Queue, deadline and sharing are those of real workers: after
C{workers.reactor.advance(30)} a login that still waits fails with L{TemporaryFailure
<mycred.error.TemporaryFailure>}.

Where a test has no use for that it needs nothing of this module: while no reactor runs,
as in a L{SynchronousTestCase<twisted.trial.unittest.SynchronousTestCase>}, workers do
their work at once, and the L{Deferred<twisted.internet.defer.Deferred>} has its result
when it is returned.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock

from .workers import Workers


class HandReactor(Clock):
    """
    As much of a reactor as L{Workers<mycred.workers.Workers>} use.  It is a
    L{Clock<twisted.internet.task.Clock>}: C{advance(seconds)} makes time pass.

    @ivar running: whether it runs.  While it doesn't, workers do everything at once.
    """

    def __init__(self, running: bool = True) -> None:
        """
        @param running: whether it runs.
        """
        super().__init__()
        self.running = running
        self._atShutdown: dict[str, list[Callable[[], object]]] = {
            "before": [],
            "after": [],
        }

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """
        Call a function at once: the test's thread is the reactor's.
        """
        function(*args)

    def addSystemEventTrigger(
        self, phase: str, event: str, function: Callable[..., object], *args: object
    ) -> None:
        """
        Have a function called when the reactor stops.

        @param phase: C{before}, for L{stop}, or C{after}, for L{stopped}.
        @param event: C{shutdown}; there is no other.
        """
        if event != "shutdown":
            raise ValueError(event)
        self._atShutdown[phase].append(lambda: function(*args))

    def stop(self) -> list[object]:
        """
        Begin to stop: call what is to be called before that, once.

        @return: what these functions returned; a real reactor waits for those that are
            L{Deferred<twisted.internet.defer.Deferred>}s.
        """
        return self._fire("before")

    def stopped(self) -> None:
        """
        Have stopped: call what is to be called after that, once.
        """
        self._fire("after")

    def _fire(self, phase: str) -> list[object]:
        """
        Call what is to be called in a phase, and return what that returned.
        """
        calls, self._atShutdown[phase] = self._atShutdown[phase], []
        return [call() for call in calls]


class SteppedPool:
    """
    A pool of threads that has none: its jobs wait for the test.

    @ivar jobs: the jobs that wait, the oldest first.
    """

    def __init__(self) -> None:
        self.jobs: list[Callable[[], object]] = []

    def callInThread(self, job: Callable[[], object]) -> None:
        """
        Have a job wait.
        """
        self.jobs.append(job)

    def lost(self) -> list[Callable[[], object]]:
        """
        Return the jobs whose thread has died: none.
        """
        return []

    def stop(self) -> None:
        """
        End.  No job may wait then.
        """
        if self.jobs:
            raise AssertionError("a job waits for step()")


class SteppedWorkers(Workers):
    """
    Workers that do a job when the test says so, in the test's own thread.

    @ivar reactor: their L{HandReactor}.
    @ivar pool: their L{SteppedPool}.
    """

    def __init__(
        self, running: bool = True, queueLimit: int = 1000, deadline: float = 30.0
    ) -> None:
        """
        @param running: whether the reactor runs; while it doesn't, everything is done
            at once.
        @param queueLimit: how many callers may wait at a time.
        @param deadline: for how long a caller waits at most, in seconds.
        """
        self.reactor = HandReactor(running)
        self.pool = SteppedPool()
        super().__init__(self.reactor, 1, queueLimit, deadline, pool=self.pool)

    def step(self, jobs: int = 1) -> None:
        """
        Do the oldest jobs.

        @param jobs: how many.  So many must wait, or come while the others are done.
        """
        for _ in range(jobs):
            if not self.pool.jobs:
                raise AssertionError("no job waits")
            self.pool.jobs.pop(0)()


__all__ = ["HandReactor", "SteppedPool", "SteppedWorkers"]
