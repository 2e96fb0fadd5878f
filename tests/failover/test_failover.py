"""
Tests for L{mycred._failover._failover} and L{mycred._failover._terms}: whatever happens
to servers, and in whatever order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mycred._failover import Backoff, Brief, Failover, Fault, Slow, Terms

from ..kit.fakeservers import (
    HANGS,
    MOODS,
    MUTE,
    REFUSES,
    ROLES,
    WELL,
    FakeClock,
    FakeCondition,
    FakeConnection,
    FakeServer,
    FakeServersTestCase,
    FakeThreads,
)

ROLE = ROLES[0]
TIMEOUT = 10.0
COUNT = 3

numbers = st.integers(0, COUNT - 1)


def failoverOf(
    names: str, clock: FakeClock, **more: Any
) -> Failover[str, FakeConnection]:
    """
    Return servers, each with a letter for its name.
    """
    makers = [partial(FakeServer, name, clock) for name in names]
    return Failover(makers, "server of the tests", timeout=TIMEOUT, **more)


class FailoverTests(FakeServersTestCase):
    """
    Tests for L{Failover}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.failover = failoverOf("ab", self.clock, note=self.notes.append)
        self.first, self.second = self.servers = self.failover.servers

    def ask(self, seconds: float = TIMEOUT) -> str:
        """
        Return the name of the server that answers.
        """
        until = self.clock.now + seconds
        return self.failover.use(ROLE, until, FakeConnection.ask)

    def test_shares(self) -> None:
        """
        A server that hangs has a part of the time while others are left, and all of it
        if there are none.
        """
        began = self.clock.now
        self.first.mood = HANGS
        self.assertEqual(self.ask(), "b")
        self.assertEqual(self.clock.now, began + TIMEOUT * Failover.longestShare)
        alone = failoverOf("c", self.clock)
        alone.servers[0].mood = HANGS
        began = self.clock.now
        self.assertRaises(
            Fault, alone.use, ROLE, began + TIMEOUT, lambda *_: self.fail("opened")
        )
        self.assertEqual(self.clock.now, began + TIMEOUT)

    def test_terms(self) -> None:
        """
        Servers are made with how long they are waited for.
        """
        made: list[Terms] = []

        def make(terms: Terms) -> FakeServer:
            made.append(terms)
            return FakeServer("a", self.clock, terms)

        Failover([make], "kind", timeout=8.0)
        Failover([make] * 2, "kind", timeout=8.0)
        self.assertEqual([each.kind for each in made], ["kind"] * 3)
        self.assertEqual([each.timeout for each in made], [8.0] * 3)
        self.assertEqual([each.longest for each in made], [8.0, 2.4, 2.4])

    def test_told(self) -> None:
        """
        Each fault is told, and all together are what is raised.
        """
        told: list[str] = []
        for server in self.servers:
            server.mood = REFUSES
        until = self.clock.now + TIMEOUT
        error = self.assertRaises(
            Fault, self.failover.use, ROLE, until, FakeConnection.ask, told.append
        )
        self.assertEqual(told, ["a can't be reached", "b can't be reached"])
        self.assertEqual(str(error), "; ".join(told))
        error = self.assertRaises(Fault, self.ask)
        self.assertEqual(str(error), f"no server of the tests works: {'; '.join(told)}")
        self.assertEqual(
            self.notes, [f"A server of the tests fails: {each}" for each in told]
        )

    def test_kind(self) -> None:
        """
        What is raised is of the kind that all faults have, if there is one.
        """

        class Refused(Fault):
            """
            A kind that this room doesn't know.
            """

        kinds = {"a": Refused, "b": Refused}

        def work(connection: FakeConnection, until: float) -> None:
            name = connection.ask(until)
            raise kinds[name](name)

        for raised in (Refused, Fault):
            until = self.clock.now + TIMEOUT
            error = self.assertRaises(Fault, self.failover.use, ROLE, until, work)
            self.assertIs(type(error), raised)
            self.threads.run()
            kinds["b"] = Slow

    def test_noTime(self) -> None:
        """
        Where no time is left none is asked.
        """
        self.assertRaises(Slow, self.ask, 0.0)
        self.assertEqual((self.first.opened, self.threads.waiting), (0, []))

    def test_back(self) -> None:
        """
        Where all are down, the login that comes when a pause is over waits for the probe,
        and is answered by the one that is back.
        """
        for server in self.servers:
            server.mood = REFUSES
        self.assertRaises(Fault, self.ask)
        self.clock.now += Backoff.firstPause
        self.second.restart()
        self.patch(Failover, "longestWait", 1.0)
        self.failover._probed = FakeCondition(self.clock, self.threads.run)  # type: ignore[assignment]
        self.assertEqual(self.ask(), "b")

    def test_notBack(self) -> None:
        """
        It waits for that probe alone: not for the pause after it.
        """
        for server in self.servers:
            server.mood = REFUSES
        self.assertRaises(Fault, self.ask)
        self.clock.now += Backoff.firstPause
        began = self.clock.now
        self.patch(Failover, "longestWait", 1.0)
        self.failover._probed = FakeCondition(self.clock, self.threads.run)  # type: ignore[assignment]
        self.assertRaises(Fault, self.ask)
        self.assertEqual(self.clock.now, began)

    def test_brief(self) -> None:
        """
        Where pauses are short all who come wait for the end of a pause, and of a probe
        that has begun since: what an older one finds out may be true no more.
        """
        alone = failoverOf("c", self.clock, pauses=Brief)
        [server] = alone.servers
        self.patch(Failover, "longestWait", 1.0)
        alone._probed = FakeCondition(self.clock, self.threads.run)  # type: ignore[assignment]

        def ask(seconds: float) -> str:
            return alone.use(ROLE, self.clock.now + seconds, FakeConnection.ask)

        server.mood = REFUSES
        self.assertRaises(Fault, ask, 10)
        began = self.clock.now
        self.assertRaises(Fault, ask, 10)
        self.assertEqual(self.clock.now, began + Brief.longestPause)
        server.restart()
        self.clock.now += 0.01
        self.assertEqual(ask(10), "c")
        self.assertAlmostEqual(self.clock.now, began + 2 * Brief.longestPause)

        server.mood = REFUSES
        self.assertRaises(Fault, ask, 10)
        self.clock.now += Brief.longestPause
        # Another login has begun the probe, which fails; the server is back then.
        self.assertEqual(list(alone._startRetries([server])), [server])
        self.clock.now += 0.01

        def fail() -> None:
            self.threads.run()
            server.restart()

        alone._probed = FakeCondition(self.clock, fail)  # type: ignore[assignment]
        self.assertEqual(ask(10), "c")

    def test_hangs(self) -> None:
        """
        A probe that takes long isn't waited for.
        """
        alone = failoverOf("c", self.clock, pauses=Brief)
        [server] = alone.servers
        self.patch(Failover, "longestWait", 1.0)
        alone._probed = FakeCondition(self.clock, lambda: None)  # type: ignore[assignment]
        server.mood = REFUSES
        for seconds in (0, 1, Brief.longestPause, 0):
            began = self.clock.now
            self.assertRaises(
                Fault, alone.use, ROLE, began + 10, FakeConnection.ask, lambda fault: None
            )
            self.assertAlmostEqual(self.clock.now, began + seconds)

    def test_closed(self) -> None:
        """
        At the end all idle connections are closed.
        """
        self.ask()
        self.first.mood = REFUSES
        self.ask()
        self.failover.close()
        self.assertEqual([each.connections for each in self.servers], [[], []])


class FailoverMachine(RuleBasedStateMachine):
    """
    Servers that fail, hang and come back, those who ask them, and the threads that probe
    them.

    @cvar clock: the time for all of them.
    @cvar threads: the threads of all of them.
    """

    clock: FakeClock
    threads: FakeThreads
    pauses: type[Backoff] = Backoff

    def __init__(self) -> None:
        super().__init__()
        self.failover = failoverOf("abc", self.clock, pauses=self.pauses)
        self.failover._probed = FakeCondition(self.clock, self.goOn)  # type: ignore[assignment]
        self.servers: list[Any] = self.failover.servers

    def goOn(self) -> None:
        """
        Have those threads go on that don't hang.
        """
        self.threads.run(lambda name: self.named(name[-1]).mood not in (HANGS, MUTE))

    def up(self) -> list[Any]:
        """
        Return the servers that aren't known to be down.
        """
        return [each for each in self.servers if not each.health.isDown]

    def ask(self, role: str, seconds: float, depth: int = 0) -> str | None:
        """
        Ask for something, and meanwhile for more.

        @return: the name of the server that has answered, if one has.
        """
        if self.pauses.areAwaited and not depth:
            # They don't stop because the test does something else.
            self.goOn()
        down = {each.name: each for each in self.servers if each.health.isDown}
        works = [each for each in self.up() if each.mood == WELL]
        until = self.clock.now + seconds

        def work(connection: FakeConnection, soon: float) -> str:
            assert soon <= until
            if depth:
                self.ask(role, until - self.clock.now, depth - 1)
            return connection.ask(soon)

        before = {name: each.touched for name, each in down.items()}
        isBack = len(down) == COUNT and any(map(self.isDue, down.values()))
        try:
            name = self.failover.use(role, until, work)
        except Fault:
            name = None
        # No login waits for a server that is known to be down.
        for each in down.values():
            assert before[each.name] == each.touched or each.mood == WELL
        # The one that works is found, wherever it stands, and before it is too late.
        assert name is not None or not works or depth
        # Where pauses are short it is found when it is back, though all are down.
        isLong = seconds >= Failover.longestWait and not depth
        assert name is not None or not (isBack and isLong and self.pauses.areAwaited)
        assert name is None or self.named(name).mood == WELL
        assert self.clock.now <= until
        return name

    def isDue(self, server: Any) -> bool:
        """
        Return whether a server that is down works, and its pause is over.
        """
        isPaused = self.clock.now < server.health._retryAt
        return bool(server.mood == WELL and not isPaused)

    def named(self, name: str) -> Any:
        """
        Return a server.
        """
        return self.servers["abc".index(name)]

    @rule(
        role=st.sampled_from(ROLES),
        seconds=st.sampled_from([0.1, 1.0, TIMEOUT]),
        depth=st.integers(0, 2),
    )
    def login(self, role: str, seconds: float, depth: int) -> None:
        """
        Somebody logs in, and others do at the same time.
        """
        self.ask(role, seconds, depth)

    @rule(number=numbers, mood=st.sampled_from(MOODS))
    def change(self, number: int, mood: str) -> None:
        """
        A server does something else from now on.
        """
        self.servers[number].mood = mood

    @rule(number=numbers)
    def restart(self, number: int) -> None:
        """
        A server is started again: those who have idle connections to it don't know yet.
        """
        self.servers[number].restart()

    @rule(number=numbers)
    def wait(self, number: int) -> None:
        """
        Somebody has waited for long.
        """
        assert self.servers[number].isHopeless() is self.servers[number].health.isDown

    @rule(seconds=st.sampled_from([0.1, 0.5, 10.0, 100.0]))
    def sleep(self, seconds: float) -> None:
        """
        Time passes.
        """
        self.clock.now += seconds

    @precondition(lambda self: self.threads.waiting)
    @rule(which=st.integers(0, 9))
    def probe(self, which: int) -> None:
        """
        A thread finds out how a server is doing.
        """
        waiting = self.threads.waiting
        waiting.pop(which % len(waiting))[1]()

    @rule(number=numbers, role=st.sampled_from(ROLES))
    def comeBack(self, number: int, role: str) -> None:
        """
        A server works again, after however many failures: it is asked in turn soon.
        """
        for each in self.servers:
            each.mood = WELL if each is self.servers[number] else REFUSES
        for _ in range(2):
            self.threads.run()
            self.clock.now += 2 * Backoff.longestPause
            self.ask(role, TIMEOUT)
        self.threads.run()
        assert self.ask(role, TIMEOUT) == self.servers[number].name

    def teardown(self) -> None:
        """
        Leave nothing to do.
        """
        self.threads.run()

    @invariant()
    def oneProbe(self) -> None:
        """
        No server is probed twice for the same reason.
        """
        flags = [each.health.isProbed + each.health.isRetried for each in self.servers]
        assert len(self.threads.waiting) == sum(flags)

    @invariant()
    def noneLeft(self) -> None:
        """
        Each connection that is open is idle, and can be used again.
        """
        for each in self.servers:
            idle = [c for pool in each._pools.values() for c in pool._connections]
            assert sorted(map(id, idle)) == sorted(map(id, each.connections))
            assert all(not pool._taken for pool in each._pools.values())


class BriefMachine(FailoverMachine):
    """
    The same, with short pauses.
    """

    pauses = Brief


class MachineTests(FakeServersTestCase):
    """
    Tests for L{FailoverMachine}.
    """

    def test_anyOrder(self) -> None:
        """
        Whatever happens, and in whatever order: no server is probed twice at once, nobody
        waits for one that is known to be down, and one that works is found.
        """
        self.run_(FailoverMachine)

    def test_brief(self) -> None:
        """
        So it is with short pauses; and after them nobody fails when a server is back.
        """
        self.patch(Failover, "longestWait", 1.0)
        self.run_(BriefMachine)

    def run_(self, machine: type[FailoverMachine]) -> None:
        """
        Run a machine.
        """
        machine.clock, machine.threads = self.clock, self.threads
        few = settings(max_examples=60, stateful_step_count=40, deadline=None)
        run_state_machine_as_test(machine, settings=few)
