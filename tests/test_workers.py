"""
Tests for L{mycred._workers}.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._workers import Workers, workersOf
from mycred.error import TemporaryFailure

#: For how many seconds a test waits for another thread before it gives up.
PATIENCE = 10


class FakeReactor:
    """
    As much of a reactor as L{Workers} knows, run by hand.
    """

    def __init__(self) -> None:
        self._atStart: list[Callable[[], object]] = []
        self._atShutdown: list[Callable[[], object]] = []
        self._calls: Queue[Callable[[], object]] = Queue()

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> None:
        """
        Remember what to do at the start.
        """
        self._atStart.append(lambda: function(*args))

    def addSystemEventTrigger(
        self, phase: str, event: str, function: Callable[..., object], *args: object
    ) -> None:
        """
        Remember what to do at the end.
        """
        assert event == "shutdown"
        self._atShutdown.append(lambda: function(*args))

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """
        Take a call from any thread.
        """
        self._calls.put(lambda: function(*args))

    def start(self) -> None:
        """
        Begin to run.
        """
        for call in self._atStart:
            call()

    def step(self, calls: int = 1) -> None:
        """
        Wait for calls from threads, and do them.
        """
        for _ in range(calls):
            self._calls.get(timeout=PATIENCE)()

    def stop(self) -> None:
        """
        Stop running, once.
        """
        while self._atShutdown:
            self._atShutdown.pop()()


class Held:
    """
    A job that is under way until it is let go.

    @ivar begun: set when the job has begun.
    @ivar release: to be set to let it go.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.release.wait(PATIENCE)
        return "done"


class WorkersTestCase(SynchronousTestCase):
    """
    Base of the tests for L{Workers}.
    """

    def setUp(self) -> None:
        """
        Make a reactor, and end its threads after the test.
        """
        self.before = threading.enumerate()
        self.reactor = FakeReactor()
        self.addCleanup(self.joined)

    def joined(self) -> None:
        """
        Stop the reactor and make sure that no thread is left behind.
        """
        self.reactor.stop()
        self.assertEqual(self.threads(), 0)

    def threads(self) -> int:
        """
        Count the threads that were started since the test began.
        """
        return sum(thread not in self.before for thread in threading.enumerate())

    def running(self, threads: int | None = 1, queueLimit: int = 100) -> Workers:
        """
        Make workers of a reactor that is running.
        """
        workers = Workers(self.reactor, threads, queueLimit)
        self.reactor.start()
        return workers

    def hold(self, workers: Workers) -> tuple[Held, Deferred[str]]:
        """
        Keep a thread busy.
        """
        held = Held()
        self.addCleanup(held.release.set)
        result = workers.run(held)
        self.assertTrue(held.begun.wait(PATIENCE))
        return held, result


class RunTests(WorkersTestCase):
    """
    Tests for L{Workers.run}.
    """

    def test_result(self) -> None:
        """
        What the function returns is what the caller gets, in the reactor's own
        time.
        """
        result = self.running().run(lambda *args: args, 1, "two")
        self.assertNoResult(result)
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), (1, "two"))

    def test_exception(self) -> None:
        """
        What the function raises is what the caller's L{Deferred} fails with.
        """
        result = self.running().run(int, "no number")
        self.reactor.step()
        self.failureResultOf(result, ValueError)

    def test_exit(self) -> None:
        """
        Work that tries to exit ends nothing but itself.
        """

        def leave() -> None:
            raise SystemExit

        workers = self.running()
        result = workers.run(leave)
        self.reactor.step()
        self.failureResultOf(result, SystemExit)
        after = workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.successResultOf(after), 3)

    def test_otherThread(self) -> None:
        """
        Nothing is done in the caller's thread.
        """
        result = self.running().run(threading.get_ident)
        self.reactor.step()
        self.assertNotEqual(self.successResultOf(result), threading.get_ident())

    def test_order(self) -> None:
        """
        Those who wait are served in the order that they came in.
        """
        workers = self.running()
        held, _ = self.hold(workers)
        served: list[int] = []
        for number in range(5):
            workers.run(served.append, number)
        held.release.set()
        self.reactor.step(6)
        self.assertEqual(served, list(range(5)))

    def test_beforeTheReactorRuns(self) -> None:
        """
        What is asked for before the reactor runs is done once it does.
        """
        workers = Workers(self.reactor, 2)
        results = [workers.run(len, "abc") for _ in range(5)]
        self.assertEqual(self.threads(), 0)
        self.reactor.start()
        self.reactor.step(5)
        self.assertEqual([self.successResultOf(result) for result in results], [3] * 5)


class BoundTests(WorkersTestCase):
    """
    The threads and the queue are bounded.
    """

    def test_threads(self) -> None:
        """
        However many jobs there are, no more threads work on them than may be.
        """
        workers = self.running(threads=2)
        first, _ = self.hold(workers)
        second, _ = self.hold(workers)
        results = [workers.run(threading.get_ident) for _ in range(10)]
        self.assertEqual(self.threads(), 2)
        first.release.set()
        second.release.set()
        self.reactor.step(12)
        used = {self.successResultOf(result) for result in results}
        self.assertLessEqual(len(used), 2)

    def test_together(self) -> None:
        """
        As many jobs as there are threads are done at the same time.
        """
        workers = self.running(threads=3)
        meeting = threading.Barrier(3)
        results = [workers.run(meeting.wait, PATIENCE) for _ in range(3)]
        self.reactor.step(3)
        places = {self.successResultOf(result) for result in results}
        self.assertEqual(places, {0, 1, 2})

    def test_queueFull(self) -> None:
        """
        When too many logins wait, the next one fails at once, and as a
        temporary failure.
        """
        workers = self.running(queueLimit=2)
        held, first = self.hold(workers)
        second = workers.run(len, "abc")
        refused: list[str] = []
        self.failureResultOf(workers.run(refused.append, "called"), TemporaryFailure)
        held.release.set()
        self.reactor.step(2)
        self.assertEqual(self.successResultOf(first), "done")
        self.assertEqual(self.successResultOf(second), 3)
        self.assertEqual(refused, [])

    def test_roomAgain(self) -> None:
        """
        Each job that ends, well or not, makes room for another.
        """
        workers = self.running(queueLimit=1)
        for _ in range(3):
            result = workers.run(int, "no number")
            self.failureResultOf(workers.run(len, "abc"), TemporaryFailure)
            self.reactor.step()
            self.failureResultOf(result, ValueError)
        result = workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), 3)


class CancelTests(WorkersTestCase):
    """
    Who has left is not worked for.
    """

    def test_waiting(self) -> None:
        """
        A job that is cancelled before it begins is not done, and those behind
        it are.
        """
        workers = self.running()
        held, _ = self.hold(workers)
        called: list[str] = []
        result = workers.run(called.append, "cancelled")
        workers.run(called.append, "next")
        result.cancel()
        self.failureResultOf(result, CancelledError)
        held.release.set()
        self.reactor.step(3)
        self.assertEqual(called, ["next"])

    def test_underWay(self) -> None:
        """
        The result of a job that is cancelled while it is under way is dropped.
        """
        workers = self.running()
        held, result = self.hold(workers)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        outcomes: list[object] = []
        result.addBoth(outcomes.append)
        held.release.set()
        self.reactor.step()
        self.assertEqual(outcomes, [None])

    def test_roomAgain(self) -> None:
        """
        A cancelled job gives its place back, once it has left its thread.
        """
        workers = self.running(queueLimit=1)
        held, result = self.hold(workers)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.failureResultOf(workers.run(len, "abc"), TemporaryFailure)
        held.release.set()
        self.reactor.step()
        result = workers.run(str, 3)
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), "3")


class StopTests(WorkersTestCase):
    """
    The threads end with the reactor.
    """

    def stopReleasing(self, workers: Workers, *held: Held) -> None:
        """
        Stop the reactor while jobs are under way, and let them go as soon as
        the stop waits for them.
        """
        pool: Any = workers._pool
        join = pool.stop

        def stop() -> None:
            for job in held:
                job.release.set()
            join()

        self.patch(pool, "stop", stop)
        self.reactor.stop()

    def test_waitingJobs(self) -> None:
        """
        A job that is under way ends well; those that wait are not begun, and
        their users are told that nothing is known.
        """
        workers = self.running()
        held, first = self.hold(workers)
        called: list[int] = []
        waiting = [workers.run(called.append, number) for number in range(3)]
        self.stopReleasing(workers, held)
        self.reactor.step(4)
        self.assertEqual(self.successResultOf(first), "done")
        for result in waiting:
            self.failureResultOf(result, TemporaryFailure)
        self.assertEqual(called, [])

    def test_afterwards(self) -> None:
        """
        After the stop a login fails at once.
        """
        workers = self.running()
        self.reactor.stop()
        called: list[str] = []
        self.failureResultOf(workers.run(called.append, "called"), TemporaryFailure)
        self.assertEqual(called, [])

    def test_threadsEnd(self) -> None:
        """
        No thread outlives the stop, idle or busy.
        """
        workers = self.running(threads=2)
        held, _ = self.hold(workers)
        workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.threads(), 2)
        self.stopReleasing(workers, held)
        self.assertEqual(self.threads(), 0)


class WorkersOfTests(WorkersTestCase):
    """
    Tests for L{workersOf}.
    """

    def test_shared(self) -> None:
        """
        All checkers that use one reactor share its threads.
        """
        self.assertIs(workersOf(self.reactor), workersOf(self.reactor))

    def test_ofEachReactor(self) -> None:
        """
        Another reactor has threads of its own.
        """
        self.assertIsNot(workersOf(FakeReactor()), workersOf(self.reactor))

    def test_usable(self) -> None:
        """
        The shared threads work for the reactor that they were asked for.
        """
        result = workersOf(self.reactor).run(len, "abc")
        self.reactor.start()
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), 3)
