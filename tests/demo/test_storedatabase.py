"""
Tests for L{mycred.demo._mailstore._database} and L{mycred.demo._mailstore._turns}: what
becomes of mail when the database fails, or keeps it waiting.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, gatherResults, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._sql.client import DatabaseURL, Transaction
from mycred.demo._mailstore import (
    NoSuchUser,
    StoreService,
    Unavailable,
    _changes as changes,
)
from mycred.testing import SteppedWorkers

from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite
from ..kit.stores import StoreCase


class _Lost(Exception):
    """
    What ends a transaction in the test.
    """


class _HalfDoneTests(StoreCase):
    """
    Tests for transactions that don't come to their end.
    """

    def setUp(self) -> None:
        super().setUp()
        self.shared = self.place()
        self.store = self.start(self.shared)
        for name in (b"alice", b"bob"):
            self.done(self.store.mailbox(name))

    def test_fails(self) -> None:
        """
        Of a change that fails in its middle nothing is there, whatever it has done; and
        the next one finds nothing locked.
        """

        def deliver(transaction: Transaction) -> None:
            changes.insert(transaction, [b"alice", b"bob"], b"x", 1.0, ())
            changes.copy(transaction, b"alice", [1])
            changes.delete(transaction, b"bob", [1])
            raise _Lost

        database = self.store._database
        self.failureResultOf(database.change(deliver, b"alice"), Unavailable)
        self.assertEqual(len(self.flushLoggedErrors(_Lost)), 1)
        other = self.start(self.shared)
        for store in (self.store, other):
            for name in (b"alice", b"bob"):
                self.assertEqual(self.uids(store, name), [1])
        self.assertEqual(self.done(other.deliver(b"alice", b"x")).uid, 2)


class SQLiteTests(OnSQLite, _HalfDoneTests):
    """
    Tests on SQLite.
    """


class PostgreSQLTests(OnPostgreSQL, _HalfDoneTests):
    """
    Tests on PostgreSQL.
    """


class MariaDBTests(OnMariaDB, _HalfDoneTests):
    """
    Tests on MariaDB.
    """


class _OutageTests(StoreCase):
    """
    Tests with a server that fails.
    """

    kind: type[DatabaseServer]

    def setUp(self) -> None:
        super().setUp()
        self.server = self.kind()
        self.addCleanup(self.server.stop)
        self.shared = DatabaseURL.parse(self.server.url(self.server.makeDatabase()))
        self.store = self.start(self.shared)
        self.done(self.store.mailbox(b"alice"))

    def test_killed(self) -> None:
        """
        A message whose connection is lost in the middle of the transaction is there once,
        by another connection; or not at all, if that is lost, too.
        """
        killed: list[int] = []

        def deliver(transaction: Transaction) -> None:
            changes.insert(transaction, [b"alice"], b"x", 1.0, ())
            if len(killed) < most:
                killed.append(self.server.killConnections())
            transaction.execute("select 1")

        database, most = self.store._database, 1
        self.done(database.change(deliver, b"alice"))
        self.assertEqual((self.uids(self.store, b"alice"), len(killed)), ([1, 2], 1))
        most = 100
        self.failureResultOf(database.change(deliver, b"alice"), Unavailable)
        self.assertNotIn(0, killed)
        most = 0
        self.done(database.change(deliver, b"alice"))
        self.assertEqual(self.uids(self.store, b"alice"), [1, 2, 3])

    def test_outage(self) -> None:
        """
        During an outage all that is asked fails, and watchers stay; the log says why,
        once, without a password, and when it is over.
        """
        told: list[Any] = []
        self.store.watch(b"alice", 2, told.append)
        with capturedLogs() as events:
            self.server.kill()
            for _ in range(3):
                self.failureResultOf(self.store.deliver(b"alice", b"x"), Unavailable)
                self.failureResultOf(self.store.mailbox(b"alice"), Unavailable)
                self.clock.advance(1)
        lines = [str(formatEvent(event)) for event in events]
        [line] = [line for line in lines if "The store failed" in line]
        self.assertEqual(line.count(str(self.shared)), 1)
        self.assertNotIn("for the server", " ".join(lines))
        self.server.start()
        with capturedLogs() as events:
            other = self.start(self.shared)
            self.done(other.deliver(b"alice", b"x"))
            # The other program has found out by itself that it is there.
            while self.store._database._isFailing:
                self.store.look(b"alice").addErrback(lambda _: None)
        self.assertEqual([message.uid for message in told], [2])
        lines = [str(formatEvent(event)) for event in events]
        self.assertEqual(len([line for line in lines if "The store works" in line]), 1)


class PostgreSQLOutageTests(_OutageTests):
    """
    Tests with PostgreSQL.
    """

    kind = PostgreSQL


class MariaDBOutageTests(_OutageTests):
    """
    Tests with MariaDB.
    """

    kind = MariaDB


class AnswerTests(OnSQLite, StoreCase):
    """
    Tests for what is logged of what a transaction answers.
    """

    def test_answers(self) -> None:
        """
        That a user doesn't exist is no failure of the store's; a defect is logged with
        its traceback, and a client isn't told of it.
        """
        store = self.start(self.place())
        with capturedLogs() as events:
            self.failureResultOf(store.deliver(b"alice", b"x"), NoSuchUser)
        self.assertEqual(events, [])

        def fail(transaction: Transaction) -> None:
            raise ZeroDivisionError("secret")

        failing = store._database.change(fail, b"alice")
        error = self.failureResultOf(failing, Unavailable).value
        self.assertNotIn("secret", str(error))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class WaitingTests(SynchronousTestCase):
    """
    Tests for transactions that wait for a thread.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers(deadline=20)
        reactor: Any = self.workers.reactor
        self.store = StoreService(self.mktemp(), workers=self.workers, reactor=reactor)
        self.store.startService()

    def test_turns(self) -> None:
        """
        However much one user asks for, another's turn comes after the first of it.
        """
        alice = [self.store.flags(b"alice") for _ in range(5)]
        bob = self.store.flags(b"bob")
        self.workers.step(4)
        self.successResultOf(alice[0])
        self.successResultOf(bob)
        self.assertNoResult(alice[-1])
        self.workers.step(2)
        self.successResultOf(self.store.stopService())

    def test_late(self) -> None:
        """
        What has waited for a thread for so long that it would be given up before it ends
        isn't begun.
        """
        store = StoreService(self.mktemp(), timeout=0.0, workers=self.workers)
        store.startService()
        reading = store.flags(b"alice")
        self.workers.step()
        self.failureResultOf(reading, Unavailable)
        self.successResultOf(store.stopService())

    def test_givenUp(self) -> None:
        """
        What no thread has done in time fails, and what comes of it is dropped.
        """
        reading = self.store.flags(b"alice")
        self.workers.reactor.advance(20)
        self.failureResultOf(reading, Unavailable)
        self.workers.step()
        self.successResultOf(self.store.stopService())

    def test_cancelled(self) -> None:
        """
        That a client has gone is no failure of the store's.
        """
        loading = self.store.mailbox(b"alice")
        with capturedLogs() as events:
            loading.cancel()
            self.failureResultOf(loading, CancelledError)
        self.assertEqual(events, [])
        self.workers.step()
        self.successResultOf(self.store.stopService())

    def test_behind(self) -> None:
        """
        A change that waits for others of the same mailbox fails in time, and they go on.
        """
        changing = [
            self.store._database.change(lambda _: number, *names)
            for number, names in enumerate([[b"bob"], [b"alice", b"bob"], [b"alice"]])
        ]
        self.workers.reactor.advance(20)
        for each in changing:
            self.failureResultOf(each, Unavailable)
        self.assertEqual(self.store._database._turns._locks, {})
        last = self.store._database.change(lambda _: 5, b"alice")
        while self.workers.pool.jobs:
            self.workers.step()
        self.assertEqual(self.successResultOf(last), 5)
        self.successResultOf(self.store.stopService())

    def test_stop(self) -> None:
        """
        A store that stops finishes what is under way.
        """
        made = self.store.mailbox(b"alice")
        self.workers.step(2)
        self.successResultOf(made)
        sending = self.store.deliver(b"alice", b"x")
        stopping = self.store.stopService()
        self.assertNoResult(stopping)
        self.workers.step()
        self.assertEqual(self.successResultOf(sending).uid, 2)
        self.successResultOf(stopping)

    def test_stopHanging(self) -> None:
        """
        A store that stops waits no longer than for what is given up.
        """
        reading = self.store.flags(b"alice")
        stopping = self.store.stopService()
        self.workers.reactor.advance(20)
        self.failureResultOf(reading, Unavailable)
        self.successResultOf(stopping)
        self.workers.step()


class ThreadTests(TestCase):
    """
    Tests with threads.
    """

    timeout = 60

    @inlineCallbacks
    def test_threads(self) -> Any:
        """
        The reactor's thread isn't the one that waits for the database.
        """
        yield deferLater(reactor, 0)
        store = StoreService(self.mktemp())
        store.startService()
        self.addCleanup(store.stopService)
        working = store._database.change(lambda _: threading.current_thread(), b"alice")
        self.assertNotEqual((yield working), threading.current_thread())
        mailbox = yield store.mailbox(b"alice")
        self.assertEqual(len(mailbox.messages), 1)


class _LockedTests(TestCase):
    """
    Tests with a mailbox that another program keeps locked.

    @cvar kind: the kind of server.
    """

    timeout = 120

    kind: type[DatabaseServer]

    @inlineCallbacks
    def test_others(self) -> Any:
        """
        However many clients wait for that mailbox, others can use theirs, and write to
        each other; and after that all goes on.
        """
        yield deferLater(reactor, 0)
        server = serverOf(self.kind)
        place = DatabaseURL.parse(server.url(server.makeDatabase()))
        store = StoreService(place, timeout=60)
        store.startService()
        self.addCleanup(store.stopService)
        for name in (b"alice", b"bob", b"carol"):
            yield store.mailbox(name)
        with closing(server.connect(place.url.database)) as other:
            cursor = other.cursor()
            cursor.execute("begin")
            cursor.execute("update mail_users set uidnext = 7 where name = 'alice'")
            waiting = [
                *[store.deliver(b"alice", b"x") for _ in range(4)],
                *[store.deliverToAll([b"alice", b"carol"], b"x") for _ in range(4)],
                *[store.changeFlags(b"alice", [1], set) for _ in range(4)],
            ]
            ended: list[object] = []
            for each in waiting:
                each.addBoth(lambda outcome: ended.append(outcome) or outcome)
            for _ in range(5):
                yield store.deliver(b"bob", b"x")
            self.assertEqual(ended, [])
            cursor.execute("commit")
        yield gatherResults(waiting)
        mailbox = yield store.mailbox(b"alice")
        self.assertEqual([m.uid for m in mailbox.messages], [1, *range(7, 15)])


class PostgreSQLLockedTests(OnPostgreSQL, _LockedTests):
    """
    Tests with PostgreSQL.
    """


class MariaDBLockedTests(OnMariaDB, _LockedTests):
    """
    Tests with MariaDB.
    """


del _HalfDoneTests, _LockedTests, _OutageTests
