"""
Tests for L{mycred._failover._server} and L{mycred._failover._errors}.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from mycred._failover import Elsewhere, Fault, Lost, Server, Slow, Unsure, _server

from ..kit.fakeservers import (
    BREAKS,
    HANGS,
    MUTE,
    REFUSES,
    ROLES,
    FakeConnection,
    FakeServer,
    FakeServersTestCase,
)

ROLE = ROLES[0]


class ServerTests(FakeServersTestCase):
    """
    Tests for L{Server}.
    """

    def ask(self, server: FakeServer, seconds: float = 2.0) -> str:
        """
        Ask a server something.
        """
        return server.use(ROLE, self.clock.now + seconds, FakeConnection.ask)

    def nested(self, server: FakeServer, depth: int) -> None:
        """
        Use a server, and meanwhile more connections.
        """

        def work(*_: object) -> None:
            if depth:
                self.nested(server, depth - 1)

        server.use(ROLE, self.clock.now, work)

    def test_kept(self) -> None:
        """
        A connection is used again.
        """
        server = self.server()
        for _ in range(5):
            self.assertEqual(self.ask(server), "a")
        self.assertEqual(server.opened, 1)

    def test_replaced(self) -> None:
        """
        An idle connection that was lost is replaced, unseen, and all others are given up
        with it.
        """
        server = self.server(3)
        self.nested(server, 2)
        server.restart()
        self.assertEqual(self.ask(server), "a")
        self.assertEqual((server.opened, len(server.connections)), (4, 1))
        self.assertEqual((self.notes, self.threads.waiting), ([], []))

    def test_replacedOnce(self) -> None:
        """
        A new connection that is lost, too, is a fault, which a probe looks into.
        """
        server = self.server()
        self.ask(server)
        server.mood = BREAKS
        self.assertRaises(Lost, self.ask, server)
        self.assertEqual(server.opened, 2)
        self.threads.run()
        self.assertTrue(server.health.isDown)
        self.assertEqual(
            self.notes,
            [
                "A server of the tests fails: a: the connection is lost;"
                " before that: a: the connection is lost"
            ],
        )

    def test_swallowed(self) -> None:
        """
        Where one idle connection isn't answered in time no other idle one is used,
        either; the probe finds that the server works.
        """
        server = self.server()
        self.nested(server, 2)
        server.mood = MUTE
        self.assertRaises(Slow, self.ask, server)
        self.assertEqual(server.connections, [])
        server.restart()
        self.threads.run()
        self.assertFalse(server.health.isDown)
        self.assertEqual(len(server.connections), len(ROLES))

    def test_refused(self) -> None:
        """
        A server that takes no connection is down at once; what was known of it is
        forgotten, and its address looked for anew.
        """
        server = self.server()
        told: list[str] = []
        for name in ("forget", "expire"):
            self.patch(server, name, partial(told.append, name))
        server.mood = REFUSES
        self.assertRaises(Fault, self.ask, server)
        self.assertTrue(server.health.isDown)
        self.assertEqual(self.threads.waiting, [])
        self.assertEqual(told, ["forget", "forget", "expire"])

    def test_servesOthers(self) -> None:
        """
        A server that takes no more connections, and serves those that it has, isn't down.
        """
        server = self.server()
        server.health.markUp(ROLE)

        def work(*_: object) -> None:
            server.mood = REFUSES
            for _ in range(2):
                self.assertRaises(Fault, self.ask, server)
                self.assertFalse(server.health.isDown)
                self.threads.run()

        server.use(ROLE, self.clock.now + 2, work)
        self.assertRaises(Fault, self.ask, server)
        self.assertTrue(server.health.isDown)

    def test_hasty(self) -> None:
        """
        Who had hardly any time casts no doubt on a server; who had enough does.
        """
        server = self.server()
        for seconds, isInTurn in ((0.9, True), (1.0, False)):
            server.mood = MUTE
            self.assertRaises(Slow, self.ask, server, seconds)
            server.restart()
            self.threads.run()
            self.assertIs(server.health.claimTurn(ROLE), isInTurn)

    def test_roomMade(self) -> None:
        """
        Idle connections for the other role may be all that the server allows: they make
        room.
        """
        server = self.server()
        self.ask(server)
        usual = server.open

        def openOne(role: str, until: float) -> FakeConnection:
            if server.connections:
                raise Fault("too many connections")
            return usual(role, until)

        self.patch(server, "open", openOne)
        asked = server.use(ROLES[1], self.clock.now + 2, FakeConnection.ask)
        self.assertEqual((asked, self.notes), ("a", []))

    def test_allowsFewer(self) -> None:
        """
        Where a server allows fewer connections than there may be, a login makes do with
        one that another is done with, and the server isn't taken for dead.
        """
        server = self.server(most=4)
        pool = server._pools[ROLE]
        until = self.clock.now + 2
        pool.take(until)
        other = pool.fill(lambda: server.open(ROLE, until))

        def refuse(*_: object) -> FakeConnection:
            # Meanwhile the other login is done.
            pool.keep(other)
            raise Fault("too many connections")

        self.patch(server, "open", refuse)
        self.assertEqual(self.ask(server), "a")
        self.assertEqual((self.notes, server.connections), ([], [other]))

    def test_refusesMany(self) -> None:
        """
        Of many who find at the same time that a server refuses connections each tries
        once, and none waits for the others' connections in vain.
        """
        server = self.server(most=4)
        together = Barrier(4)
        tries = []

        def refuse(*_: object) -> FakeConnection:
            tries.append(together.wait())
            raise Fault("refused")

        self.patch(server, "open", refuse)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(self.ask, server) for _ in range(4)]
        self.assertEqual({type(each.exception()) for each in asked}, {Fault})
        self.assertEqual((len(tries), server.health.isDown), (4, True))

    def test_answers(self) -> None:
        """
        An answer that is neither yes nor no takes no server down, and isn't looked into.
        """
        server = self.server()
        for kind in (Unsure, Elsewhere):

            def work(*_: object, kind: type[Exception] = kind) -> None:
                raise kind("come again")

            self.assertRaises(kind, server.use, ROLE, self.clock.now + 2, work)
        self.assertEqual(self.threads.waiting, [])
        self.assertTrue(server.health.answeredSince(ROLE, self.clock.now - 1))
        self.assertEqual(server.connections, [])

    def test_oneProbe(self) -> None:
        """
        However many fail, one probe looks into it, and while it does others are asked
        first.
        """
        server = self.server()
        server.mood = MUTE
        for _ in range(5):
            self.assertRaises(Slow, self.ask, server)
        self.assertEqual(len(self.threads.waiting), 1)
        self.assertFalse(server.health.claimTurn(ROLE))
        self.threads.run()
        self.assertTrue(server.health.isDown)

    def test_hopeless(self) -> None:
        """
        Who has waited for long has the server probed, and gives up when it is known to be
        down.
        """
        server = self.server()
        self.assertFalse(server.isHopeless())
        server.mood = HANGS
        self.threads.run()
        self.assertTrue(server.isHopeless())
        self.assertEqual(self.threads.waiting, [])

    def test_probeWithoutPlace(self) -> None:
        """
        A server that works is found to work though all its connections are in use, and
        the probe leaves no more of them.
        """
        server = self.server(1)

        def work(connection: FakeConnection, until: float) -> None:
            self.assertFalse(server.isHopeless())
            self.threads.run()
            self.assertEqual(server.connections[0], connection)

        server.use(ROLE, self.clock.now + 2, work)
        self.assertFalse(server.health.isDown)
        self.assertEqual(len(server.connections), len(ROLES))

    def test_noThread(self) -> None:
        """
        Where no thread can be started there is no probe, and there may be one later.
        """
        server = self.server()

        def refuse(**_: Any) -> None:
            raise RuntimeError("can't start new thread")

        done: list[bool] = []
        self.patch(_server, "Thread", refuse)
        self.assertFalse(server.isHopeless())
        server.health.markDown(self.clock.now, "gone")
        self.clock.now += 1
        self.assertTrue(server.health.claimRetry())
        server.startRetry(lambda: done.append(True))
        self.assertEqual(done, [True])
        self.assertTrue(server.health.claimRetry())
        server.health.markUp(ROLE)
        self.assertTrue(server.health.claimProbe())

    def test_protocol(self) -> None:
        """
        A server that speaks no protocol can't be asked.
        """
        server: Server[str, FakeConnection] = Server("a", ROLES, self.terms())
        for opening in (server.open, server.openAnswered):
            self.assertRaises(NotImplementedError, opening, ROLE, 0.0)

    def test_bounded(self) -> None:
        """
        However many threads ask, and however their requests end: there are never more
        connections than are allowed, and none is left in use.
        """
        server = self.server(3)
        server.mood = MUTE
        counts = []
        odd = [None, Lost("a"), Slow("a"), Fault("a"), Unsure("a"), ValueError("a")]

        def work(number: int) -> None:
            error = odd[number % len(odd)]
            counts.append(len(server.connections))
            if error is not None:
                raise error

        def ask(number: int) -> None:
            try:
                server.use(ROLE, self.clock.now + 60, lambda *_: work(number))
            except (Fault, Unsure, ValueError):
                return

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ask, range(2000)))
        self.assertLessEqual(max(counts), 3)
        self.assertEqual([pool._taken for pool in server._pools.values()], [0, 0])
        server.close()
        self.assertEqual(server.connections, [])
