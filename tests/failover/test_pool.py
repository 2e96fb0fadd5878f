"""
Tests for L{mycred._failover._pool}.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

from mycred._failover import Slow
from mycred._failover._pool import Pool

from ..kit.fakeservers import FakeConnection, FakeServersTestCase

LONG = 60.0


class PoolTests(FakeServersTestCase):
    """
    Tests for L{Pool}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.at = self.server()

    def pool(self, most: int | None = None) -> Pool[FakeConnection]:
        """
        Return an empty pool.
        """
        return Pool("a:389", most)

    def taken(self, pool: Pool[FakeConnection]) -> FakeConnection:
        """
        Take a connection out of a pool, a new one if there is none.
        """
        soon = self.clock.now + LONG
        return pool.take(soon) or pool.fill(lambda: FakeConnection(self.at))

    def test_lastFirst(self) -> None:
        """
        The connection that was used last is given out first, and is known to have been
        idle.
        """
        pool = self.pool()
        first, second = self.taken(pool), self.taken(pool)
        self.assertFalse(first.isReused)
        for connection in (first, second):
            pool.keep(connection)
        self.assertIs(self.taken(pool), second)
        self.assertIs(self.taken(pool), first)
        self.assertTrue(first.isReused)

    def test_unclean(self) -> None:
        """
        One that can't be used again is closed, and makes room.
        """
        pool = self.pool(1)
        connection = self.taken(pool)
        connection.isClean = False
        pool.keep(connection)
        self.assertFalse(connection.isOpen)
        self.assertIsNot(self.taken(pool), connection)

    def test_old(self) -> None:
        """
        One that was idle for long isn't given out, and is closed when another comes back.
        """
        for most in (None, 3):
            pool = self.pool(most)
            first, second = self.taken(pool), self.taken(pool)
            pool.keep(first)
            self.clock.now += 61
            self.assertNotIn(self.taken(pool), (first, second))
            second.usedAt = self.clock.now
            pool.keep(second)
            self.assertIs(self.taken(pool), second)
            pool.keep(second)
            self.assertFalse(first.isOpen)
            pool.close()

    def test_oldMakesRoom(self) -> None:
        """
        It is closed before a new one is opened, where there is no room for both.
        """
        pool = self.pool(1)
        old = self.taken(pool)
        pool.keep(old)
        self.clock.now += 61
        self.assertIsNone(pool.take(self.clock.now))
        self.assertEqual(self.at.connections, [])

    def test_mostIdle(self) -> None:
        """
        No more are kept than 32.
        """
        pool = self.pool()
        for connection in [self.taken(pool) for _ in range(40)]:
            pool.keep(connection)
        self.assertEqual((len(pool), len(self.at.connections)), (32, 32))

    def test_full(self) -> None:
        """
        There are never more than are allowed: who comes next waits until the deadline.
        """
        pool = self.pool(2)
        first, _ = self.taken(pool), self.taken(pool)
        error = self.assertRaises(Slow, pool.take, self.clock.now)
        self.assertEqual(str(error), "all 2 connections to a:389 are in use")
        self.assertRaises(Slow, pool.claim, self.clock.now)
        pool.keep(first)
        self.assertIs(self.taken(pool), first)

    def test_notOpened(self) -> None:
        """
        Where no connection can be opened the place is free again.
        """
        pool = self.pool(1)
        for _ in range(3):
            self.assertIsNone(pool.take(self.clock.now))
            self.assertRaises(IndexError, pool.fill, lambda: [][0])

    def test_claimed(self) -> None:
        """
        Who needs a new connection gets a place for it, though there are idle ones: the
        one that was idle for longest makes room.
        """
        pool = self.pool(2)
        first, second = self.taken(pool), self.taken(pool)
        for connection in (first, second):
            pool.keep(connection)
        pool.claim(self.clock.now)
        self.assertEqual(self.at.connections, [second])
        self.assertIs(self.taken(pool), second)

    def test_offered(self) -> None:
        """
        A connection without a place is kept if there is one, and none is idle.
        """
        pool = self.pool(1)
        first = FakeConnection(self.at)
        pool.offer(first)
        pool.offer(FakeConnection(self.at))
        self.assertEqual(self.at.connections, [first])
        self.assertIs(self.taken(pool), first)
        pool.offer(FakeConnection(self.at))
        self.assertEqual((self.at.connections, len(pool)), ([first], 0))
        pool.discard(first)
        spoiled = FakeConnection(self.at)
        spoiled.isClean = False
        pool.offer(spoiled)
        self.assertFalse(spoiled.isOpen)

    def test_closedFirst(self) -> None:
        """
        A place is free when its connection is closed, and not before.
        """
        pool = self.pool(1)
        connection = self.taken(pool)
        usual = connection.close

        def close() -> None:
            self.assertRaises(Slow, pool.take, self.clock.now)
            usual()

        self.patch(connection, "close", close)
        pool.discard(connection)
        self.taken(pool)

    def test_held(self) -> None:
        """
        What still goes on at a server takes a place until it is over, whether or not one
        was free.
        """
        pool = self.pool(1)
        connection = self.taken(pool)
        free = pool.hold()
        pool.discard(connection)
        self.assertRaises(Slow, pool.take, self.clock.now)
        free()
        self.taken(pool)

    def test_dropped(self) -> None:
        """
        Idle connections can be closed at once; those in use aren't.
        """
        pool = self.pool(3)
        used, *idle = [self.taken(pool) for _ in range(3)]
        for connection in idle:
            pool.keep(connection)
        self.assertEqual(pool.drop(), 2)
        self.assertEqual(self.at.connections, [used])
        self.assertEqual(pool.drop(), 0)
        for _ in range(2):
            self.taken(pool)
        self.assertRaises(Slow, pool.take, self.clock.now)

    def test_closed(self) -> None:
        """
        After the end all are closed that come back.
        """
        pool = self.pool()
        used, idle = self.taken(pool), self.taken(pool)
        pool.keep(idle)
        pool.close()
        pool.keep(used)
        pool.offer(FakeConnection(self.at))
        self.assertEqual(self.at.connections, [])


class WaitingTests(FakeServersTestCase):
    """
    Tests for threads that wait for a place.
    """

    def test_woken(self) -> None:
        """
        Who waits gets the connection that comes back, or the place of one that is closed.
        """
        at = self.server()
        for ending in (Pool.keep, Pool.discard):
            pool: Pool[FakeConnection] = Pool("a", 1)
            connection = pool.take(0) or pool.fill(lambda: FakeConnection(at))
            got: list[FakeConnection | None] = []
            waiter = Thread(target=lambda: got.append(pool.take(self.clock.now + LONG)))
            waiter.start()
            while not pool._waiting:
                Event().wait(0.001)
            ending(pool, connection)
            waiter.join()
            self.assertEqual(got, [connection if connection.isOpen else None])

    def test_many(self) -> None:
        """
        However many threads come at once, and whatever becomes of their connections:
        there are never too many, and each thread gets its turn.
        """
        at = self.server()
        pool: Pool[FakeConnection] = Pool("a", 3)
        counts = []
        soon = time.monotonic() + LONG

        def work(number: int) -> None:
            connection = pool.take(soon) or pool.fill(lambda: FakeConnection(at))
            counts.append(len(at.connections))
            if number % 7 == 0:
                pool.drop()
            connection.isClean = number % 5 != 0
            (pool.discard if number % 3 == 0 else pool.keep)(connection)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(2000)))
        self.assertLessEqual(max(counts), 3)
        self.assertEqual(len(pool), len(at.connections))
        self.assertEqual(pool._taken, 0)

    def test_inTurn(self) -> None:
        """
        Who comes later doesn't overtake those who wait, however quick it is.
        """
        at = self.server()
        pool: Pool[FakeConnection] = Pool("a", 1)
        soon = self.clock.now + LONG
        connection = pool.take(0) or pool.fill(lambda: FakeConnection(at))
        turns: list[str] = []

        def take(name: str) -> None:
            found = pool.take(soon)
            turns.append(name)
            self.assertIs(found, connection)
            pool.keep(connection)

        with ThreadPoolExecutor(2) as threads:
            waiting = []
            for count, name in enumerate(("first", "second"), 1):
                waiting.append(threads.submit(take, name))
                while pool._waiting < count:
                    Event().wait(0.001)
            pool.keep(connection)
            take("third")
            for each in waiting:
                each.result()
        self.assertEqual(turns, ["first", "second", "third"])

    def test_borrowed(self) -> None:
        """
        Where a server allows fewer connections, who comes waits for one of those that
        there are; after a while more are tried.
        """
        at = self.server()
        pool: Pool[FakeConnection] = Pool("a", 4)
        connection = pool.take(0) or pool.fill(lambda: FakeConnection(at))
        error = self.assertRaises(Slow, pool.borrow, self.clock.now)
        self.assertIn("are in use", str(error))
        pool.keep(connection)
        self.assertIs(pool.borrow(self.clock.now), connection)
        error = self.assertRaises(Slow, pool.take, self.clock.now)
        self.assertIn("all 1 connections", str(error))
        self.clock.now += LONG
        self.assertIsNone(pool.take(self.clock.now))

    def test_noneToBorrow(self) -> None:
        """
        Nobody waits for a connection that doesn't come: where there is none, where what
        goes on at the server isn't waited for, or where there may be any number.
        """
        pool: Pool[FakeConnection] = Pool("a", 4)
        free = pool.hold()
        self.assertIsNone(pool.borrow(LONG))
        free()
        self.assertEqual((pool._taken, pool._held), (0, 0))
        unbounded: Pool[FakeConnection] = Pool("a")
        unbounded.take(0)
        self.assertIsNone(unbounded.borrow(LONG))
        unbounded.keep(FakeConnection(self.server()))
        self.assertIsNone(unbounded.borrow(LONG))
