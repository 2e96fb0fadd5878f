"""
Tests for L{mycred._state._sql._state} where servers hang, are killed, come back, or let
nobody write.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._sql.client import DatabaseURL
from mycred._state._errors import StateUnavailable
from mycred._state._sql import SQLState
from mycred.workers import Workers

from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.guesses import PAIR, guessOf, keyOf
from ..kit.sqlstates import LONG, Direct
from ..kit.statecases import untilThere


class OutageTests(Direct, SynchronousTestCase):
    """
    Tests for servers that hang, are killed, and come back, on PostgreSQL.

    @cvar kind: the kind of server.
    @cvar lock: what locks the table until its session ends.
    @cvar readOnly: what lets nobody write from now on, and what ends that.
    @cvar elsewhere: what has the server's clock show the time of Nepal, and what ends
        that.
    """

    kind: ClassVar[type[DatabaseServer]] = PostgreSQL
    lock: tuple[str, ...] = ("begin", "lock table mycred_state_entries")
    readOnly = (
        "alter system set default_transaction_read_only = on",
        "alter system reset default_transaction_read_only",
    )
    elsewhere = (
        "alter system set timezone = 'Asia/Kathmandu'",
        "alter system reset timezone",
    )

    def setUp(self) -> None:
        super().setUp()
        self.server = serverOf(self.kind, "outages of state")
        self.addCleanup(self.server.restore)
        self.url = self.server.url(self.server.makeDatabase())

    def await_(self, state: SQLState, *guess: object) -> float:
        """
        Guess until there is an answer.
        """
        while True:
            answer = state.reserve(guessOf(*guess))
            if not isinstance(answer.result, Failure):
                return float(self.successResultOf(answer).wait)
            self.failureResultOf(answer, StateUnavailable)

    def test_hangs(self) -> None:
        """
        While the server hangs requests fail in time.  When it goes on, what was counted
        before counts.
        """
        state, careful = self.open(timeout=0.3), self.open()
        self.await_(state, 2, "bob")
        self.exhaust(careful, 1, "alice")
        self.server.freeze()
        for answer in (state.reserve(guessOf(1, "alice")), state.recall(b"x")):
            self.failureResultOf(answer, StateUnavailable)
        self.server.thaw()
        self.assertGreater(self.reserve(careful, 1, "alice"), 0)
        self.assertGreater(self.await_(state, 1, "alice"), 0)

    def test_killed(self) -> None:
        """
        While the server is down requests fail, and when it is back they don't.
        """
        state = self.open(timeout=0.3)
        self.await_(state, 1, "alice")
        self.server.kill()
        self.failureResultOf(state.recall(b"x"), StateUnavailable)
        self.server.start()
        self.await_(state, 1, "alice")
        self.exhaust(self.open(), 2, "alice")

    def test_connectionsLost(self) -> None:
        """
        When all connections are ended the next request opens another one.
        """
        state = self.open()
        self.exhaust(state, 1, "alice")
        self.server.killConnections()
        self.assertGreater(self.reserve(state, 1, "alice"), 0)
        self.exhaust(state, 2, "bob")

    def configure(self, statement: str) -> None:
        """
        Change a setting of the server, and end all sessions, which have the old one.
        """
        self.server.query(statement)
        if self.kind is PostgreSQL:
            self.server.query("select pg_reload_conf()")
        self.server.killConnections()

    def test_locked(self) -> None:
        """
        While another session has locked the table requests fail in time, and nothing of
        them goes on when it is free again.
        """
        state = self.open(timeout=0.3)
        self.await_(state, 1, "alice")
        with closing(self.server.connect(self.url.rpartition("/")[2])) as other:
            for statement in self.lock:
                other.cursor().execute(statement)
            for answer in (state.reserve(guessOf(2, "bob")), state.recall(b"x")):
                self.failureResultOf(answer, StateUnavailable)
        self.exhaust(self.open(), 2, "bob")
        self.await_(state, 3, "carol")

    def test_rowsLocked(self) -> None:
        """
        While another session has locked what counts for an account, requests for that
        account fail in time; neither others nor what deletes old entries waits.
        """
        state = self.open(timeout=0.3)
        self.await_(state, 1, "alice")
        with closing(self.server.connect(self.url.rpartition("/")[2])) as other:
            cursor = other.cursor()
            cursor.execute("begin")
            locking = "select * from mycred_state_entries where name = %s for update"
            cursor.execute(locking, (b"bnewcomers:" + keyOf("alice"),))
            self.assertEqual(len(cursor.fetchall()), 1)
            failing = state.reserve(guessOf(2, "alice"))
            self.failureResultOf(failing, StateUnavailable)
            another = self.open()
            self.exhaust(another, 3, "bob")
            self.assertEqual(another._sweeps, 1)
        self.assertEqual(self.await_(state, 2, "alice"), 0)

    def test_readOnly(self) -> None:
        """
        Where nobody may write requests fail, and a check says that it can't be asked now.
        """
        state = self.open()
        self.reserve(state, 1, "alice")
        self.configure(self.readOnly[0])
        self.addCleanup(self.configure, self.readOnly[1])
        self.failureResultOf(state.reserve(guessOf(1, "alice")), StateUnavailable)
        failure = self.failureResultOf(self.set(state, b"x"), StateUnavailable)
        self.assertIn("read", failure.getErrorMessage())
        self.assertRaises(OSError, self.open().check)
        self.configure(self.readOnly[1])
        self.exhaust(self.open(), 1, "bob")

    def test_otherClock(self) -> None:
        """
        Where clocks show another hour at the server than here it is the same time.
        """
        state = self.open()
        self.exhaust(state, 1, "alice")
        self.assertTrue(self.successResultOf(self.set(state, b"x")))
        self.configure(self.elsewhere[0])
        self.addCleanup(self.configure, self.elsewhere[1])
        self.assertGreater(self.reserve(state, 1, "alice"), 0)
        self.assertLessEqual(self.reserve(state, 1, "alice"), PAIR.longest)
        self.assertEqual(self.successResultOf(state.recall(b"x")), b"y")

    def set(self, state: SQLState, key: bytes) -> Any:
        """
        Set a value, for a minute.
        """
        return state.compareAndSet(key, None, b"y", 60)


class MariaDBOutageTests(OutageTests):
    """
    On MariaDB.
    """

    kind = MariaDB
    lock = ("lock tables mycred_state_entries write",)
    readOnly = ("set global read_only = 1", "set global read_only = 0")
    elsewhere = ("set global time_zone = '+05:45'", "set global time_zone = 'SYSTEM'")


class LoadTests(TestCase):
    """
    Tests for outages while very many wait, on PostgreSQL.

    @cvar kind: the kind of server.
    """

    kind: ClassVar[type[DatabaseServer]] = PostgreSQL

    def setUp(self) -> None:
        self.server = serverOf(self.kind, "outages of state")
        self.addCleanup(self.server.restore)
        self.url = self.server.url(self.server.makeDatabase())

    @inlineCallbacks
    def test_killed(self) -> Any:
        """
        Whatever becomes of the server while very many wait, each gets an answer, or is
        told that there is none; and afterwards all is well.
        """
        url = DatabaseURL.parse(self.url)
        workers = Workers(reactor, 4, deadline=LONG)
        state = SQLState([url], timeout=0.5, workers=workers)
        self.addCleanup(state.close)
        yield untilThere(state)
        for end in (self.server.kill, self.server.freeze, self.server.killConnections):
            waiting = [state.reserve(guessOf(n, n)) for n in range(200)]
            first: Deferred[None] = Deferred()
            waiting[50].addBoth(_alsoCall, first)
            yield first
            end()
            answers = yield DeferredList(waiting, consumeErrors=True)
            for isThere, answer in answers:
                if isThere:
                    self.assertEqual(answer.wait, 0)
                else:
                    answer.trap(StateUnavailable)
            self.server.restore()
            yield untilThere(state)


class MariaDBLoadTests(LoadTests):
    """
    On MariaDB.
    """

    kind = MariaDB


def _alsoCall(result: Any, other: Deferred[None]) -> Any:
    """
    Fire another Deferred, and hand a result on.
    """
    other.callback(None)
    return result
