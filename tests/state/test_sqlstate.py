"""
Tests for L{mycred._state._sql._state}, L{mycred._state._sql._counting},
L{mycred._state._sql._entries} and L{mycred._state._sql._tables}.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from stat import S_IMODE
from threading import Thread
from typing import Any, ClassVar

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, DeferredList, inlineCallbacks
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._sql.client import DatabaseURL
from mycred._state import Outcome
from mycred._state._buckets import LATELY, MOST_KNOWN
from mycred._state._errors import StateUnavailable
from mycred._state._sql import SQLState
from mycred.testing import SteppedWorkers
from mycred.workers import Workers

from ..kit.databases import DatabaseServer, serverOf
from ..kit.guesses import PAIR, guessOf
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite, Place, soon
from ..kit.statecases import StateCases

# How long anything may take that has to succeed, in seconds.
_LONG = 60.0


@cache
def _url(kind: type[DatabaseServer]) -> DatabaseURL:
    """
    Return the database that tests share.
    """
    server = serverOf(kind)
    return DatabaseURL.parse(server.url(server.makeDatabase()))


@cache
def _workers() -> Workers:
    """
    Return the threads that tests share.
    """
    return Workers(reactor, 4, deadline=_LONG)


class _Cases(StateCases):
    """
    What each home must do, in a database.
    """

    kind: ClassVar[type[DatabaseServer]]

    def setUp(self) -> None:
        super().setUp()
        self.state = SQLState([_url(self.kind)], timeout=_LONG, workers=_workers())
        self.addCleanup(self.state.close)

    def advance(self, seconds: float) -> None:
        self.state._ahead += seconds


class PostgreSQLCases(OnPostgreSQL, _Cases, TestCase):
    """
    On PostgreSQL.
    """


class MariaDBCases(OnMariaDB, _Cases, TestCase):
    """
    On MariaDB.
    """


class SQLiteCases(OnSQLite, _Cases, TestCase):
    """
    In an SQLite file.
    """


class Direct:
    """
    A state whose answers are there at once: no reactor runs.
    """

    kind: ClassVar[type[DatabaseServer]]

    def open(self: Any, url: str | None = None, **given: Any) -> SQLState:
        """
        Return the state in a database.

        @param url: where it is; the test's own database if L{None}.
        """
        parsed = DatabaseURL.parse(url or self.url)
        more = {"timeout": _LONG, "workers": SteppedWorkers(running=False), **given}
        state = SQLState([parsed], **more)
        self.addCleanup(state.close)
        return state

    def reserve(self: Any, state: SQLState, *guess: object) -> float:
        """
        Guess.

        @return: how long that has to wait.
        """
        wait: float = self.successResultOf(state.reserve(guessOf(*guess))).wait
        return wait

    def login(self: Any, state: SQLState, *guess: object) -> None:
        """
        Log in with the right password.
        """
        mine = guessOf(*guess)
        reservation = self.successResultOf(state.reserve(mine))
        self.assertEqual(reservation.wait, 0)
        self.successResultOf(state.settle(mine, reservation, Outcome.RIGHT))

    def exhaust(self: Any, state: SQLState, *guess: object) -> None:
        """
        Guess until there is a pause.
        """
        for _ in range(PAIR.free + 1):
            self.assertEqual(self.reserve(state, *guess), 0)
        self.assertGreater(self.reserve(state, *guess), 0)

    def names(self: Any, state: SQLState) -> list[bytes]:
        """
        Return the names of all entries.
        """
        rows = state._database.read(
            "select name from mycred_state_entries order by name", {}, soon(), 100_000
        ).rows
        return [bytes(name) for (name,) in rows]


class _TableTests(Direct, Place):
    """
    Tests for the tables.
    """

    def execute(self, statement: str) -> None:
        """
        Change the database.
        """
        Place.open(self).transaction(lambda t: t.execute(statement), soon())

    def test_made(self) -> None:
        """
        The tables are made when they are needed, once, and by a check.
        """
        state = self.open()
        self.exhaust(state, 1, "alice")
        other = self.open()
        other.check()
        self.assertGreater(self.reserve(other, 1, "alice"), 0)

    def test_madeAtOnce(self) -> None:
        """
        Several processes that begin at once make them together.
        """
        states = [self.open() for _ in range(6)]
        failed: list[BaseException] = []

        def check(state: SQLState) -> None:
            try:
                state._insistOnTables(soon())
            except BaseException as error:
                failed.append(error)

        threads = [Thread(target=check, args=(state,)) for state in states]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])

    def test_removed(self) -> None:
        """
        Where somebody removes them a request fails, and the next one makes them again.
        """
        state = self.open()
        self.exhaust(state, 1, "alice")
        self.execute("drop table mycred_state_entries")
        self.execute("drop table mycred_state_schema")
        self.failureResultOf(state.recall(b"x"), StateUnavailable)
        self.exhaust(state, 1, "alice")

    def test_otherVersion(self) -> None:
        """
        Tables of another version are left alone.
        """
        self.open()._insistOnTables(soon())
        self.execute("update mycred_state_schema set version = 7")
        state = self.open()
        self.assertRaisesRegex(ValueError, "version 7", state.check)
        self.failureResultOf(state.recall(b"x"), StateUnavailable)

    def test_othersTable(self) -> None:
        """
        So are another program's.
        """
        self.execute("create table mycred_state_entries (name integer)")
        self.assertRaisesRegex(ValueError, "mycred_state_", self.open().check)

    def test_swept(self) -> None:
        """
        What is forgotten is deleted in the course of later guesses: a bucket when it is
        empty, that of a pair after a day.  What is known, and values, stay.
        """
        state = self.open()
        state.EVERY = state.BITE = 5
        self.login(state, "home", "alice")
        self.successResultOf(state.compareAndSet(b"x", None, b"y", 0))
        for source in range(20):
            self.reserve(state, source, "alice", "wrong")
        state._ahead += LATELY + 1
        for _ in range(70):
            self.login(state, "home", "alice")
        kinds = {name[:1] for name in self.names(state)}
        self.assertEqual(kinds, {b"k", b"v"})
        self.assertEqual(self.successResultOf(state.recall(b"x")), b"y")

    def test_bounded(self) -> None:
        """
        Where very many sources fail, those are forgotten that would be first; neither
        what is known, nor values, nor what is in the longest pause.
        """
        state = self.open()
        state.MOST, state.EVERY, state.BITE, state.COUNTED = 60, 5, 30, 1
        self.login(state, "home", "alice")
        self.successResultOf(state.compareAndSet(b"x", None, b"y", 1))
        for pause in (0, 1, 2, 4, 8):
            state._ahead += pause
            while not self.reserve(state, "bad", "alice"):
                pass
        for source in range(100):
            self.reserve(state, source, source)
        names = self.names(state)
        self.assertLess(len(names), 60 + 5 * 6)
        self.assertEqual([name[:1] for name in names if name[:1] > b"b"], [b"k", b"v"])
        self.assertGreater(self.reserve(state, "bad", "alice"), 5)

    def test_manyKnown(self) -> None:
        """
        Whoever logs in from very many sources takes no more memory than others.
        """
        state = self.open()
        for source in range(3 * MOST_KNOWN):
            self.login(state, source, "alice")
        known = [name for name in self.names(state) if name[:1] == b"k"]
        self.assertEqual(len(known), MOST_KNOWN)

    def test_nothingOfUsers(self) -> None:
        """
        What stands in the database are digests that others have made.
        """
        state = self.open()
        self.login(state, "home", "alice", "sesame")
        self.reserve(state, "home", "alice", "wrong")
        told = b"".join(self.names(state))
        for secret in (b"alice", b"sesame", b"wrong", b"home"):
            self.assertNotIn(secret, told)

    def test_clockSetBack(self) -> None:
        """
        When the database's clock is set back nobody waits until it is there again.
        """
        state = self.open()
        state._ahead = 3600.0
        self.exhaust(state, 1, "alice")
        state._ahead = 0.0
        self.assertEqual(self.reserve(state, 1, "alice"), 0)
        self.assertGreater(self.reserve(state, 1, "alice"), 0)


class PostgreSQLTableTests(OnPostgreSQL, _TableTests):
    """
    On PostgreSQL.
    """

    def test_rights(self) -> None:
        """
        A user who may not make tables can use those that are there; one who may not even
        read them is told so at the start.
        """
        self.open().check()
        server, name = serverOf(self.kind), self.url.rpartition("/")[2]
        server.query("create role guest login password 'x'")
        self.addCleanup(server.query, "drop role guest")
        self.addCleanup(server.query, "drop owned by guest", name)
        url = f"postgresql://guest:x@127.0.0.1:{server.port}/{name}"
        self.assertRaisesRegex(ValueError, "mycred_state_", self.open(url).check)
        tables = "mycred_state_entries, mycred_state_schema"
        server.query(f"grant all on {tables} to guest", name)
        state = self.open(url)
        state.check()
        self.exhaust(state, 1, "alice")

    def test_wrongPassword(self) -> None:
        """
        What the database refuses is told at the start, without the password.
        """
        url = self.url.replace("for%20the%20server", "wrong-one")
        error = self.assertRaises(ValueError, self.open(url).check)
        self.assertNotIn("wrong-one", str(error))
        failure = self.failureResultOf(self.open(url).recall(b"x"), StateUnavailable)
        self.assertNotIn("wrong-one", failure.getErrorMessage())


class MariaDBTableTests(OnMariaDB, _TableTests):
    """
    On MariaDB.
    """


class SQLiteTableTests(OnSQLite, _TableTests):
    """
    In an SQLite file.
    """

    def test_file(self) -> None:
        """
        The file is made at the first login, for the program's user alone.
        """
        path = Path(self.mktemp())
        state = self.open(f"sqlite:///{path}")
        self.assertEqual(state.writesLater, (str(path),))
        state.check()
        self.assertFalse(path.exists())
        self.assertEqual(self.reserve(state, 1, "alice"), 0)
        self.assertEqual(S_IMODE(path.stat().st_mode), 0o600)
        state.check()

    def test_noDirectory(self) -> None:
        """
        A file that can't be made is an error at the start, and no defect later.
        """
        state = self.open("sqlite:////no/such/directory/a.db")
        self.assertRaisesRegex(ValueError, "no directory /no/such", state.check)
        self.failureResultOf(state.recall(b"x"), StateUnavailable)

    def test_noDatabase(self) -> None:
        """
        So is a file that is something else.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"x" * 5000)
        state = self.open(f"sqlite:///{path}")
        self.assertRaises(ValueError, state.check)
        self.failureResultOf(state.recall(b"x"), StateUnavailable)


class RequestTests(Direct, SynchronousTestCase):
    """
    Tests for requests that wait for a thread.
    """

    url = "sqlite:////no/such/directory/a.db"

    def test_tooMany(self) -> None:
        """
        Where too many wait one more fails at once.
        """
        state = self.open(workers=SteppedWorkers(queueLimit=2))
        waiting = [state.recall(b"x") for _ in range(3)]
        self.failureResultOf(waiting[2], StateUnavailable)
        for each in waiting[:2]:
            self.assertNoResult(each)
            each.cancel()
            self.failureResultOf(each, CancelledError)

    def test_tooLate(self) -> None:
        """
        One that has waited too long isn't begun.
        """
        workers = SteppedWorkers()
        state = self.open(workers=workers, timeout=0.0)
        waiting = state.recall(b"x")
        workers.step()
        failure = self.failureResultOf(waiting, StateUnavailable)
        self.assertIn("too much waits", failure.getErrorMessage())

    def test_defect(self) -> None:
        """
        A defect is logged, and makes no login fail either.
        """
        state = self.open()
        self.patch(state, "_insistOnTables", lambda until: 1 // 0)
        self.failureResultOf(state.recall(b"x"), StateUnavailable)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_otherDatabase(self) -> None:
        """
        There is no state in a database that isn't known to keep it.
        """
        url = DatabaseURL("oracle://", "oracle")
        self.assertRaisesRegex(ValueError, "PostgreSQL", SQLState, [url])


class _OutageTests(Direct, SynchronousTestCase):
    """
    Tests for servers that hang, are killed, and come back.
    """

    def setUp(self) -> None:
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
        state = self.open(timeout=0.3)
        self.await_(state, 1, "alice")
        careful = self.open()
        for _ in range(PAIR.free):
            self.reserve(careful, 1, "alice")
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


class PostgreSQLOutageTests(OnPostgreSQL, _OutageTests):
    """
    On PostgreSQL.
    """


class MariaDBOutageTests(OnMariaDB, _OutageTests):
    """
    On MariaDB.
    """


class LoadTests(OnPostgreSQL, TestCase):
    """
    Tests for very many guesses at a time.
    """

    def setUp(self) -> None:
        self.server = serverOf(self.kind, "outages of state")
        self.url = self.server.url(self.server.makeDatabase())

    @inlineCallbacks
    def test_killed(self) -> Any:
        """
        Whatever becomes of the server while very many wait, each gets an answer, or is
        told that there is none; and afterwards all is well.
        """
        url = DatabaseURL.parse(self.url)
        state = SQLState([url], timeout=2.0, workers=_workers())
        self.addCleanup(state.close)
        yield state.recall(b"x")
        for end in (self.server.kill, self.server.freeze, self.server.killConnections):
            waiting = [state.reserve(guessOf(n, n)) for n in range(200)]
            yield waiting[50]
            end()
            answers = yield DeferredList(waiting, consumeErrors=True)
            for isThere, answer in answers:
                if isThere:
                    self.assertEqual(answer.wait, 0)
                else:
                    answer.trap(StateUnavailable)
            self.server.restore()
            while True:
                try:
                    yield state.recall(b"x")
                    break
                except StateUnavailable:
                    pass
