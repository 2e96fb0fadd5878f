"""
Whatever happens to workers, and in whatever order: everybody is answered once, and
nothing is done twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._fairqueue import FairQueue, Source
from mycred.testing import HandReactor
from mycred.workers import Workers

places = st.integers(0, 2)


class MortalPool:
    """
    Two threads that a test steps, and has die.

    @ivar jobs: what waits for a thread.
    @ivar begun: what threads are at.
    @ivar dead: what threads have died at, which nobody has noticed.
    """

    def __init__(self) -> None:
        self.jobs: list[Any] = []
        self.begun: list[Any] = []
        self.dead: list[Any] = []

    def callInThread(self, job: Callable[[], object]) -> None:
        """
        Take a job.
        """
        self.jobs.append(job)

    def begin(self) -> bool:
        """
        Have a thread begin with something.

        @return: whether there is one, and something to do.
        """
        if not self.jobs or len(self.begun) + len(self.dead) == 2:
            return False
        self.begun.append(self.jobs.pop(0))
        # The job of a partial of Workers._perform.
        self.begun[-1].args[0].isBegun = True
        return True

    def lost(self) -> list[Any]:
        """
        Replace the threads that have died.
        """
        lost, self.dead = self.dead, []
        return lost

    def stop(self) -> None:
        """
        End.
        """


class WorkersMachine(RuleBasedStateMachine):
    """
    Workers, their clients and their threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reactor = HandReactor()
        self.pool = MortalPool()
        self.workers = Workers(self.reactor, 2, queueLimit=6, pool=self.pool)
        self.asked: list[tuple[Deferred[Any], list[Any]]] = []
        self.done: Counter[int] = Counter()

    def ask(self, answer: Deferred[Any]) -> None:
        """
        Remember what is asked for.
        """
        told: list[Any] = []
        answer.addBoth(told.append)
        self.asked.append((answer, told))

    def waiting(self) -> list[Deferred[Any]]:
        """
        Return what isn't answered.
        """
        return [answer for answer, told in self.asked if not told]

    @rule(source=st.lists(places, min_size=2, max_size=2).map(tuple) | st.just(()))
    def run_(self, source: Source) -> None:
        """
        Somebody asks for something.
        """
        number = len(self.asked)
        self.ask(self.workers.run(self.done.update, [number], source=source))

    @rule(what=places, place=places, within=st.sampled_from([None, 5.0, 0.0]))
    def share(self, what: int, place: int, within: float | None) -> None:
        """
        Somebody asks for what others may ask for, too.
        """
        asked = self.workers.share(str, what, source=(place, 0), within=within)
        self.ask(asked)

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        """
        Somebody leaves.
        """
        waiting = self.waiting()
        if waiting:
            waiting[which % len(waiting)].cancel()

    @rule()
    def begin(self) -> None:
        """
        A thread begins with something.
        """
        self.pool.begin()

    @rule(isSlow=st.booleans())
    def finish(self, isSlow: bool) -> None:
        """
        A thread is done with something.
        """
        if self.pool.begun:
            self.pool.begun.pop(0)()
            self.workers._isSlow = isSlow

    @rule()
    def die(self) -> None:
        """
        A thread dies of something.
        """
        if self.pool.begun:
            self.pool.dead.append(self.pool.begun.pop(0))

    @rule(seconds=st.sampled_from([0, 10, 31]))
    def wait(self, seconds: float) -> None:
        """
        Time goes by.
        """
        self.reactor.advance(seconds)

    @invariant()
    def counted(self) -> None:
        """
        Those who wait are those who are counted, and no more than may be.
        """
        toBeTold = [
            call
            for call in self.reactor.getDelayedCalls()
            if call.func.__name__ == "_fail" and not call.args[0].called
        ]
        callers = self.workers._callers
        assert callers + len(toBeTold) == len(self.waiting())
        assert 0 <= callers <= self.workers.queueLimit
        assert sizeOf(self.workers._queue) == len(self.workers._queue)

    @invariant()
    def once(self) -> None:
        """
        Nobody is told twice, and nothing is done twice.
        """
        assert all(len(told) <= 1 for _, told in self.asked)
        assert all(times == 1 for times in self.done.values())

    def teardown(self) -> None:
        """
        In the end everybody is answered, nothing is kept, and more can be done.
        """
        self.ask(self.workers.run(len, ""))
        while self.pool.begun or self.pool.begin() or self.waiting():
            if self.pool.begun:
                self.pool.begun.pop(0)()
            else:
                self.reactor.advance(31)
        assert self.workers._callers == len(self.workers._queue) == 0
        assert not self.workers._shared


def sizeOf(queue: FairQueue[Any]) -> int:
    """
    Count what waits.
    """
    return len(queue._items) + sum(map(sizeOf, queue._parts.values()))


class MachineTests(SynchronousTestCase):
    """
    Run the machine.
    """

    def test_run(self) -> None:
        """
        Nothing is found.
        """
        few = settings(max_examples=60, stateful_step_count=40, deadline=None)
        run_state_machine_as_test(WorkersMachine, settings=few)
