"""
Tests for L{mycred.workers} and L{mycred._threads}.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from queue import Queue
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred import workers as _workers
from mycred._threads import processorCount
from mycred.error import TemporaryFailure
from mycred.testing import HandReactor, SteppedPool, SteppedWorkers
from mycred.workers import Workers, workersOf

#: For how many seconds a test waits for another thread before it gives up.
PATIENCE = 10


class ThreadedReactor(HandReactor):
    """
    A reactor for real threads, whose calls it does when the test says so.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: Queue[Callable[[], object]] = Queue()

    def callFromThread(self, function: Callable[..., object], *args: object) -> None:
        """
        Take a call from any thread.
        """
        self._calls.put(lambda: function(*args))

    def step(self, calls: int = 1) -> None:
        """
        Wait for calls from threads, and do them.
        """
        for _ in range(calls):
            self._calls.get(timeout=PATIENCE)()

    def finish(self) -> None:
        """
        Stop, and do what calls threads make until that has ended.
        """
        for ended in self.stop():
            while not ended.called:
                self.step()


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
        self.reactor = ThreadedReactor()
        self.addCleanup(self.joined)

    def joined(self) -> None:
        """
        Stop the reactor and make sure that no thread is left behind.
        """
        self.reactor.finish()
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
        return Workers(self.reactor, threads, queueLimit)

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

    def test_forgotten(self) -> None:
        """
        A thread that waits for something to do holds on to nothing that it did, which
        may have been about a password.
        """

        class Login:
            """
            What a job is about.
            """

        login = Login()
        gone = weakref.ref(login)
        result = self.running().run(lambda login: None, login)
        self.reactor.step()
        self.successResultOf(result)
        del login, result
        end = time.monotonic() + PATIENCE
        while gone() is not None and time.monotonic() < end:
            gc.collect()
        self.assertIsNone(gone())

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

    def test_whileTheReactorDoesNotRun(self) -> None:
        """
        While the reactor doesn't run, nothing can be stalled: a job is done at
        once, in the caller's thread, and no thread is started.
        """
        workers = self.running()
        self.reactor.running = False
        here = threading.get_ident()
        self.assertEqual(self.successResultOf(workers.run(threading.get_ident)), here)
        self.assertEqual(self.successResultOf(workers.share(len, "abc")), 3)
        self.failureResultOf(workers.run(int, "no number"), ValueError)
        self.successResultOf(workers.pause(1000))
        self.assertEqual(self.threads(), 0)

    def test_interrupted(self) -> None:
        """
        Ctrl-C isn't swallowed there.
        """

        def interrupted() -> None:
            raise KeyboardInterrupt

        workers = self.running()
        self.reactor.running = False
        self.assertRaises(KeyboardInterrupt, workers.run, interrupted)

    def test_startedAtTheFirstJob(self) -> None:
        """
        No thread is started before there is something to do.
        """
        workers = self.running(threads=3)
        self.assertEqual(self.threads(), 0)
        workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.threads(), 1)


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

    def test_onePerProcessor(self) -> None:
        """
        If nothing else is said there is a thread for each processor.
        """
        workers = self.running(threads=None)
        for _ in range(processorCount()):
            self.hold(workers)
        self.assertEqual(self.threads(), processorCount())
        waiting = workers.run(len, "abc")
        self.assertEqual(self.threads(), processorCount())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_slowJobs(self) -> None:
        """
        Of slow jobs no more are done at a time than there are processors.
        """
        reactor, pool = HandReactor(), SteppedPool()
        workers = Workers(reactor, pool=pool)
        quick = 2 * processorCount()
        for seconds, most in ((0.03, processorCount()), (0.001, quick)):
            first = workers.run(reactor.advance, seconds)
            pool.jobs.pop(0)()
            waiting = [workers.run(len, "abc") for _ in range(quick)]
            self.assertEqual(len(pool.jobs), most)
            while pool.jobs:
                pool.jobs.pop(0)()
            for result in (first, *waiting):
                self.successResultOf(result)

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

    def test_queueFullLogged(self) -> None:
        """
        The log is told, once a second, and how many were refused since.
        """
        workers = self.running(queueLimit=1)
        first = workers.run(len, "abc")
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for refused in (1, 100, 100):
            for _ in range(100):
                self.failureResultOf(workers.run(len, "abc"), TemporaryFailure)
            self.assertEqual([event["refused"] for event in events], [refused])
            del events[:]
            self.reactor.advance(1)
        self.reactor.step()
        self.assertEqual(self.successResultOf(first), 3)

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

    def test_noThread(self) -> None:
        """
        Where no thread can be started the login is a temporary failure; as soon as
        one can, jobs are done, and one thread is enough.
        """

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        workers = self.running(threads=2)
        patch = self.patch(threading.Thread, "start", refuse)
        for _ in range(3):
            self.failureResultOf(workers.run(len, "abc"), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)
        self.assertEqual((workers._callers, len(workers._dispatched)), (0, 0))
        patch.restore()
        results = [workers.run(len, "abc")]
        self.patch(threading.Thread, "start", refuse)
        results += [workers.run(len, "abcd") for _ in range(5)]
        self.reactor.step(6)
        self.assertEqual([self.successResultOf(r) for r in results], [3, *[4] * 5])
        self.assertEqual(self.reactor.getDelayedCalls(), [])


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

    def test_placeInTheQueue(self) -> None:
        """
        Who hangs up in the queue gives his place back at once.
        """
        workers = self.running(queueLimit=2)
        held, first = self.hold(workers)
        for _ in range(100):
            waiting = workers.run(len, "abc")
            self.failureResultOf(workers.run(len, "abc"), TemporaryFailure)
            waiting.cancel()
            self.failureResultOf(waiting, CancelledError)
            self.assertLess(len(workers._queue) + len(workers._dispatched), 4)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        result = workers.run(str, 3)
        held.release.set()
        while not result.called:
            self.reactor.step()
        self.assertEqual(self.successResultOf(result), "3")
        self.assertEqual((len(workers._queue), workers._shared), (0, {}))


class StopTests(WorkersTestCase):
    """
    The threads end with the reactor.
    """

    def test_waitingJobs(self) -> None:
        """
        A job that is under way ends well; those that wait are not begun, and
        their users are told at once that nothing is known.
        """
        workers = self.running()
        held, first = self.hold(workers)
        called: list[int] = []
        waiting = [workers.run(called.append, number) for number in range(5)]
        [ended] = self.reactor.stop()
        for result in waiting:
            self.failureResultOf(result, TemporaryFailure)
        self.assertNoResult(first)
        self.assertNoResult(ended)
        held.release.set()
        while not ended.called:
            self.reactor.step()
        self.assertEqual(self.successResultOf(first), "done")
        self.assertEqual(called, [])
        self.assertEqual(self.threads(), 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_goesOn(self) -> None:
        """
        A reactor of which tests say that it stops, and that goes on, has jobs done again,
        and ends their threads when it stops.
        """
        workers = self.running()
        for number in range(2):
            done = workers.run(int, number)
            while not done.called:
                self.reactor.step()
            self.assertEqual(self.successResultOf(done), number)
            [ended] = self.reactor.stop()
            self.successResultOf(ended)
            self.assertEqual(self.threads(), 0)
            self.failureResultOf(workers.run(int, number), TemporaryFailure)
            self.reactor.stopped()

    def test_hangs(self) -> None:
        """
        A job that never ends doesn't keep the server from stopping: after a while
        its user is told, and its thread is left behind, which doesn't keep the
        process from ending.
        """
        workers = self.running()
        held, first = self.hold(workers)
        [ended] = self.reactor.stop()
        self.reactor.advance(Workers.GRACE - 1)
        self.assertNoResult(ended)
        self.reactor.advance(1)
        self.successResultOf(ended)
        self.failureResultOf(first, TemporaryFailure)
        [thread] = [t for t in threading.enumerate() if t not in self.before]
        self.assertTrue(thread.daemon)
        held.release.set()
        self.reactor.step()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_afterwards(self) -> None:
        """
        After the stop a login fails at once.
        """
        workers = self.running()
        workers.run(len, "abc")
        self.reactor.step()
        self.reactor.finish()
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
        held.release.set()
        self.reactor.finish()
        self.assertEqual(self.threads(), 0)

    def test_processEnds(self) -> None:
        """
        A process whose job hangs in a system call ends when it is told to.
        """
        program = (
            "import os, sys\n"
            "from twisted.internet import reactor\n"
            "from mycred.workers import Workers\n"
            "Workers.GRACE = 0.1\n"
            "workers = Workers(reactor)\n"
            "never, _ = os.pipe()\n"
            "reactor.callWhenRunning(lambda: workers.run(os.read, never, 1).addErrback(\n"
            "    lambda failure: print(failure.type.__name__)))\n"
            "reactor.callWhenRunning(reactor.callLater, 0, reactor.stop)\n"
            "reactor.run()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual((done.stdout, done.returncode), ("TemporaryFailure\n", 0), done)


class DeadlineTests(SynchronousTestCase):
    """
    Nobody waits for ever.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers(deadline=30, queueLimit=10)
        self.clock = self.workers.reactor

    def test_inTheQueue(self) -> None:
        """
        Who has waited too long is told that nothing is known, and his job isn't
        done any more.
        """
        called: list[int] = []
        early = self.workers.run(called.append, 1)
        self.clock.advance(20)
        late = self.workers.run(called.append, 2)
        self.clock.advance(9)
        self.assertNoResult(early)
        self.clock.advance(1)
        self.failureResultOf(early, TemporaryFailure)
        self.workers.step(2)
        self.assertEqual(called, [2])
        self.successResultOf(late)

    def test_underWay(self) -> None:
        """
        The same holds for a job that is under way; what comes of it is dropped.
        """

        def slow() -> str:
            self.clock.advance(30)
            return "too late"

        result = self.workers.run(slow)
        self.workers.step()
        self.failureResultOf(result, TemporaryFailure)
        self.assertEqual(len(self.workers._dispatched), 0)

    def test_places(self) -> None:
        """
        While all threads hang, those who are given up leave their places to
        others.
        """
        for _ in range(3):
            waiting = [self.workers.run(int) for _ in range(10)]
            self.failureResultOf(self.workers.run(int), TemporaryFailure)
            self.clock.advance(30)
            for result in waiting:
                self.failureResultOf(result, TemporaryFailure)
        self.assertEqual(len(self.workers.pool.jobs), 2)

    def test_inTime(self) -> None:
        """
        What is answered in time leaves no timer behind.
        """
        for run in (self.workers.run, self.workers.share):
            result = run(int)
            self.workers.step()
            self.assertEqual(self.successResultOf(result), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_pause(self) -> None:
        """
        A pause takes no thread, and can be cancelled.
        """
        pause = self.workers.pause(5)
        self.clock.advance(4)
        self.assertNoResult(pause)
        self.clock.advance(1)
        self.successResultOf(pause)
        pause = self.workers.pause(5)
        pause.cancel()
        self.failureResultOf(pause, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.workers.pool.jobs, [])


class ShareTests(SynchronousTestCase):
    """
    Who asks for the same is served by one run.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers(queueLimit=10)
        self.called: list[object] = []

    def share(self, *args: object) -> Deferred[int]:
        """
        Ask for something that counts how often it is done.
        """
        return self.workers.share(self.count, *args)  # type: ignore[arg-type]

    def count(self, *args: object) -> int:
        """
        Be done once more.
        """
        self.called.append(args)
        return len(self.called)

    def test_shared(self) -> None:
        """
        While it waits, a job serves all who ask for the same, and nobody else.
        """
        same = [self.share("alice", "sesame") for _ in range(5)]
        other = self.share("alice", "tulip")
        self.workers.step(2)
        self.assertEqual(self.successResultOf(gatherResults(same)), [1] * 5)
        self.assertEqual(self.successResultOf(other), 2)
        self.assertEqual(self.called, [("alice", "sesame"), ("alice", "tulip")])

    def test_notOnceBegun(self) -> None:
        """
        Who asks when a job has begun gets an answer of his own, since what it has
        looked up by then may be different now.
        """
        late: list[Deferred[int]] = []

        def count() -> int:
            if not late:
                late.append(self.workers.share(count))
            return self.count()

        first = self.workers.share(count)
        self.workers.step()
        self.assertEqual(self.successResultOf(first), 1)
        self.assertNoResult(late[0])
        self.workers.step()
        self.assertEqual(self.successResultOf(late[0]), 2)

    def test_notAfterwards(self) -> None:
        """
        An answer isn't kept.
        """
        for expected in (1, 2):
            result = self.share()
            self.workers.step()
            self.assertEqual(self.successResultOf(result), expected)

    def test_oneLeaves(self) -> None:
        """
        One who leaves takes nothing from the others; when all have left, it isn't
        done.
        """
        first, second = self.share(), self.share()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.workers.step()
        self.assertEqual(self.successResultOf(second), 1)
        left = self.share()
        left.cancel()
        self.failureResultOf(left, CancelledError)
        after = self.share()
        self.workers.step(2)
        self.assertEqual(self.successResultOf(after), 2)

    def test_eachCounts(self) -> None:
        """
        Each who waits takes a place, so that nobody fills the memory by asking
        for the same.
        """
        waiting = [self.share() for _ in range(10)]
        self.failureResultOf(self.share(), TemporaryFailure)
        self.workers.step()
        self.successResultOf(gatherResults(waiting))
        again = self.share()
        self.workers.step()
        self.successResultOf(again)

    def test_answersCancelOthers(self) -> None:
        """
        One who is answered may make others leave.
        """
        first, second = self.share(), self.share()
        first.addCallback(lambda _: second.cancel())
        self.workers.step()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)


class WorkersOfTests(WorkersTestCase):
    """
    Tests for L{workersOf}.
    """

    def test_released(self) -> None:
        """
        They go with their reactor.
        """
        reactor = HandReactor()
        gone = weakref.ref(workersOf(reactor))
        del reactor
        gc.collect()
        self.assertIsNone(gone())

    def test_shared(self) -> None:
        """
        All checkers that use one reactor share its threads.
        """
        self.assertIs(workersOf(self.reactor), workersOf(self.reactor))

    def test_ofEachReactor(self) -> None:
        """
        Another reactor has threads of its own.
        """
        self.assertIsNot(workersOf(HandReactor()), workersOf(self.reactor))

    def test_usable(self) -> None:
        """
        The shared threads work for the reactor that they were asked for.
        """
        result = workersOf(self.reactor).run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), 3)


class FairTests(WorkersTestCase):
    """
    One client can't keep the others waiting.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers(queueLimit=10)
        self.done: list[str] = []

    def run_(self, name: str, *source: object) -> Deferred[None]:
        """
        Have a name noted for a source.
        """
        return self.workers.run(self.done.append, name, source=source)

    def finish(self) -> None:
        """
        Do all that waits.
        """
        while self.workers.pool.jobs:
            self.workers.step()

    def test_turns(self) -> None:
        """
        While one source has very much waiting, another one's job is done as soon as
        those are that the threads have.
        """
        flood = [self.run_(f"flood{n}", "net", "host", n) for n in range(9)]
        guest = self.run_("guest", "other", "host", 1)
        self.finish()
        self.successResultOf(guest)
        for one in flood:
            self.successResultOf(one)
        self.assertLess(self.done.index("guest"), 4)

    def test_slow(self) -> None:
        """
        As long as jobs take their time, no more are promised to the threads than they
        work on, so that whoever comes next is really next.
        """

        def slow(name: str, seconds: float) -> None:
            self.workers.reactor.advance(seconds)
            self.done.append(name)

        def flood(seconds: float) -> None:
            for _ in range(6):
                self.workers.run(slow, "flood", seconds, source=("net",))

        for seconds, place in ((1.0, 2), (0.001, 3)):
            self.workers.run(slow, "first", seconds)
            self.finish()
            flood(seconds)
            del self.done[:]
            self.workers.run(slow, "guest", seconds, source=("other",))
            self.finish()
            self.assertEqual(self.done.index("guest"), place)

    def test_full(self) -> None:
        """
        When the queue is full, whoever has most waiting makes room for others, and is
        told so.
        """
        flood = [self.run_(f"flood{n}", "net", "host", n) for n in range(10)]
        guest = self.run_("guest", "other", "host", 1)
        self.assertNoResult(guest)
        self.workers.reactor.advance(0)
        failures = [one for one in flood if one.called]
        self.assertEqual(failures, [flood[-1]])
        self.failureResultOf(flood[-1], TemporaryFailure)
        self.finish()
        self.successResultOf(guest)
        self.assertEqual(len(self.done), 10)

    def test_fullOfOne(self) -> None:
        """
        One that has most waiting is refused at once itself, however many connections it
        has.
        """
        for n in range(9):
            self.run_(f"flood{n}", "net", "host", n)
        self.run_("guest", "other", "host", 1)
        for n in range(100):
            self.failureResultOf(self.run_("more", "net", "host", n), TemporaryFailure)
        self.finish()
        self.assertIn("guest", self.done)
        self.assertEqual(len(self.done), 10)

    def test_crowd(self) -> None:
        """
        Very many who ask for the same, which a thread has already, keep nobody else out:
        the last of them are refused.
        """
        share, source = self.workers.share, ("net", "host")
        crowd = [share(self.done.append, "same", source=source) for _ in range(10)]
        guest = self.run_("guest", "other", "host", 1)
        self.workers.reactor.advance(0)
        self.failureResultOf(crowd[-1], TemporaryFailure)
        more = share(self.done.append, "same", source=source)
        self.failureResultOf(more, TemporaryFailure)
        self.finish()
        self.successResultOf(guest)
        for one in crowd[:-1]:
            self.successResultOf(one)
        self.assertEqual(self.done, ["same", "guest"])

    def test_unknownSource(self) -> None:
        """
        Those of whom nothing is known have their turn as others have.
        """
        for n in range(9):
            self.run_(f"flood{n}", "net", "host", n)
        self.run_("guest")
        self.finish()
        self.assertLess(self.done.index("guest"), 4)

    def test_manySources(self) -> None:
        """
        When each of very many has one job waiting, those who came first are served.
        """
        first = [self.run_(f"first{n}", n) for n in range(10)]
        for n in range(100, 200):
            self.failureResultOf(self.run_("late", n), TemporaryFailure)
        self.finish()
        for one in first:
            self.successResultOf(one)

    def test_leavesWhileToldToGo(self) -> None:
        """
        Who stops waiting before they are told to is told nothing else.
        """
        flood = [self.run_(f"flood{n}", "net", "host", n) for n in range(10)]
        self.run_("guest", "other", "host", 1)
        flood[-1].cancel()
        self.failureResultOf(flood[-1], CancelledError)
        self.workers.reactor.advance(0)
        self.finish()
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_sharedByTwoSources(self) -> None:
        """
        What two sources ask for is done once, at the turn of the first that has one.
        """
        for n in range(5):
            self.run_(f"flood{n}", "net", "host")
        share = self.workers.share
        first = share(self.done.append, "same", source=("net", "host"))
        second = share(self.done.append, "same", source=("other", "host"))
        self.finish()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.done.count("same"), 1)
        self.assertLess(self.done.index("same"), 4)
        self.assertEqual(len(self.workers._queue), 0)

    def test_nothingIsKept(self) -> None:
        """
        Nothing is remembered of sources that have come and gone.
        """
        for n in range(100):
            result = self.run_("job", n, n, n)
            self.finish()
            self.successResultOf(result)
        self.assertEqual(self.workers._queue._parts, {})

    def test_stop(self) -> None:
        """
        At the end all are told that nothing more is done.
        """
        waiting = [self.run_(f"job{n}", n % 3, n) for n in range(9)]
        self.workers.reactor.stop()
        for one in waiting:
            self.failureResultOf(one, TemporaryFailure)
        self.finish()
        self.assertEqual(self.done, [])


class LostThreadTests(WorkersTestCase):
    """
    Threads that die are replaced.
    """

    def test_exit(self) -> None:
        """
        What ends a Python thread ends the job, and not the thread.
        """
        workers = self.running(threads=1)
        for error in (SystemExit, KeyboardInterrupt, GeneratorExit):
            failing = workers.run(exec, f"raise {error.__name__}")
            self.reactor.step()
            self.failureResultOf(failing, error)
        result = workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), 3)
        self.assertEqual(self.threads(), 1)

    def test_noMemoryToTell(self) -> None:
        """
        A job that fails so that nobody can tell how is a temporary failure.
        """

        class Failing:
            def __init__(self) -> None:
                raise MemoryError

        workers = self.running(threads=1)
        self.patch(_workers, "Failure", Failing)
        failing = workers.run(int, "no number")
        self.reactor.step()
        self.failureResultOf(failing, TemporaryFailure)
        result = workers.run(len, "abc")
        self.reactor.step()
        self.assertEqual(self.successResultOf(result), 3)

    def test_died(self) -> None:
        """
        Threads that a library has ended are noticed when their jobs take too long.
        Others do what comes next, and what they had is given up.
        """
        script = """
import ctypes
from twisted.internet import task
from twisted.internet.defer import Deferred
from mycred.workers import Workers

async def main(reactor):
    # A job before the reactor runs would be the main thread's.
    await task.deferLater(reactor, 0)
    workers = Workers(reactor, 2, deadline=0.2)
    told = []
    for _ in range(6):
        try:
            await workers.run(ctypes.CDLL(None).pthread_exit, None)
        except Exception as error:
            told.append(type(error).__name__)
    print(set(told), await workers.run(len, "abc"))

task.react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
"""
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, timeout=60, text=True
        )
        self.assertEqual(ran.stdout, "{'TemporaryFailure'} 3\n", ran.stderr)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_whatWaits(self) -> None:
        """
        What waits for a thread that has died gets another one, also if nobody asks for
        more.
        """
        script = """
import ctypes, threading, time
from mycred._threads import ThreadPool

threads, done = ThreadPool(1), threading.Event()
threads.callInThread(lambda: ctypes.CDLL(None).pthread_exit(None))
threads.callInThread(done.set)
while not threads.lost():
    time.sleep(0.01)
print(done.wait(30))
"""
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, timeout=60, text=True
        )
        self.assertEqual(ran.stdout, "True\n", ran.stderr)
