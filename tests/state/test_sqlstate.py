"""
Tests for L{mycred._state._sql._state}, L{mycred._state._sql._counting},
L{mycred._state._sql._entries}, L{mycred._state._sql._statements} and
L{mycred._state._sql._tables}.
"""

from __future__ import annotations

import os
import re
import sqlite3
from functools import cache
from pathlib import Path
from stat import S_IMODE
from threading import Thread
from typing import Any, ClassVar

from hypothesis import given, settings, strategies as st

from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._sql.client import BadStatement, DatabaseURL
from mycred._state._buckets import (
    LATELY,
    MOST_KNOWN,
    NEWCOMER,
    STRANGER,
    charged,
    isNew,
    refunded,
    waitAt,
)
from mycred._state._errors import StateUnavailable
from mycred._state._interface import Guess
from mycred._state._sql import SQLState
from mycred._state._sql._entries import _entryOf
from mycred.testing import SteppedWorkers
from mycred.workers import Workers

from ..kit.databases import DatabaseServer, PostgreSQL, serverOf
from ..kit.examples import EXAMPLES
from ..kit.guesses import NEWCOMERS, PAIR, guessOf, keyOf, mostOf
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite, Place, soon
from ..kit.sqlstates import LONG, Direct
from ..kit.statecases import StateCases


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
    return Workers(reactor, 4, deadline=LONG)


class _Cases(StateCases):
    """
    What each home must do, in a database.
    """

    kind: ClassVar[type[DatabaseServer]]

    def setUp(self) -> None:
        super().setUp()
        self.state = SQLState([_url(self.kind)], timeout=LONG, workers=_workers())
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


# What other programs that can write may put into all rows of each kind of database.
_POISON = (
    "empty_at = 1e308, last_at = -1e308",
    "kind = 7",
    "kind = -1, until_at = 9e11",
    "last_at = 9e11, until_at = 9e11, content = null",
    "empty_at = 0, last_at = 0, until_at = 0, kind = 2",
)


class TableTests(OnSQLite, Direct, Place):
    """
    Tests for the tables, in an SQLite file.

    @cvar poison: what an update puts into all rows.
    @cvar joined: how two values are joined.
    """

    poison: tuple[str, ...] = (
        "empty_at = 9e999",
        "last_at = -9e999, until_at = 9e999",
        "empty_at = 'x', last_at = x'00ff'",
        "last_at = 9e11, until_at = 9e11, content = 'x'",
        *_POISON,
    )
    joined = "cast({} || {} as blob)"

    def set(self, state: SQLState, *what: Any) -> bool:
        """
        Set a value, for an hour if it isn't said for how long.
        """
        key, old, new, *seconds = what
        setting = state.compareAndSet(key, old, new, *seconds or [3600])
        return self.successResultOf(setting)

    def together(self, *guesses: Guess) -> tuple[list[Any], int]:
        """
        Make guesses at a time, after one at the account of alice.

        @return: the answers, and how many transactions they took.
        """
        self.reserve(self.open(), "elsewhere", "alice")
        workers = SteppedWorkers()
        state = self.open(workers=workers, connections=1)
        transactions = []
        transact = state._database.transaction

        def noted(*given: Any) -> Any:
            transactions.append(given)
            return transact(*given)

        self.patch(state._database, "transaction", noted)
        answers = [state.reserve(guess) for guess in guesses]
        while workers.pool.jobs:
            workers.step()
        return [self.successResultOf(answer) for answer in answers], len(transactions)

    def test_oneTransaction(self) -> None:
        """
        Guesses of many sources at one account, at a time, are counted one after another
        in few transactions, and leave no entries that say nothing.
        """
        answers, transactions = self.together(*[guessOf(n, "alice") for n in range(100)])
        counted = [answer.token for answer in answers if not answer.wait]
        self.assertEqual(len(counted), mostOf(NEWCOMERS, 0) - 1)
        self.assertEqual(len({token.when for token in counted}), len(counted))
        # With that which insists on the tables; the last of them only read.
        self.assertEqual(transactions, 3)
        empty = "select count(*) from mycred_state_entries where until_at = 0"
        state = self.states[-1]
        self.assertEqual(state._database.read(empty, {}, soon()).rows[0][0], 0)

    def test_otherKind(self) -> None:
        """
        A source that was new when its guesses were made isn't after the first one: the
        others count at the account.
        """
        guesses = [guessOf("s", "alice", n) for n in range(PAIR.free + 1)]
        (_, *answers), _ = self.together(guessOf("first", "alice"), *guesses)
        self.assertEqual([answer.wait for answer in answers], [0] * len(guesses))
        kinds = [answer.token.kind for answer in answers]
        self.assertEqual(kinds, [NEWCOMER] + [STRANGER] * PAIR.free)

    def test_nobodyWaits(self) -> None:
        """
        A guess for whose answer nobody waits any more, before it was asked about, costs
        nothing.
        """
        workers = SteppedWorkers()
        state = self.open(workers=workers, connections=1)
        first, cancelled = (state.reserve(guessOf("s", name)) for name in ("a", "b"))
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        while workers.pool.jobs:
            workers.step()
        self.successResultOf(first)
        accounts = [keyOf(name) in b"".join(self.names(state)) for name in ("a", "b")]
        self.assertEqual(accounts, [True, False])

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
        state.SWEEP_EVERY = state.SWEEP_SIZE = 5
        self.login(state, "home", "alice")
        self.successResultOf(state.compareAndSet(b"x", None, b"y", 0))
        for source in range(20):
            self.reserve(state, source, "alice", "wrong")
        self.advance(LATELY + 1)
        for _ in range(70):
            self.login(state, "home", "alice")
        kinds = {name[:1] for name in self.names(state)}
        self.assertEqual(kinds, {b"k", b"v"})
        self.assertEqual(self.successResultOf(state.recall(b"x")), b"y")

    def test_bounded(self) -> None:
        """
        Where very many sources fail, those are forgotten that would be first; neither
        what is known, nor values, nor what has failed just now.
        """
        state = self.open()
        state.MOST, state.SWEEP_EVERY, state.SWEEP_SIZE, state.COUNT_EVERY = 60, 5, 30, 1
        self.login(state, "home", "alice")
        self.successResultOf(state.compareAndSet(b"x", None, b"y", 60))
        for source in range(100):
            self.reserve(state, source, source)
        names = self.names(state)
        self.assertLess(len(names), 60 + 5 * 6)
        self.assertEqual([name[:1] for name in names if name[:1] > b"b"], [b"k", b"v"])
        self.assertIn(b"bpair:" + keyOf(99, 99), names)

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

    def test_hostileNames(self) -> None:
        """
        A key may be any bytes, and so may a value; one that isn't the same is another.
        """
        state = self.open()
        keys = [b"", b"\0", b"a", b"A", b"a ", b"a\0", b"\xff" * 64, b"';--", b":name %s"]
        for key in keys:
            self.assertTrue(self.set(state, key, None, b"is " + key))
        for key in keys:
            self.assertEqual(self.successResultOf(state.recall(key)), b"is " + key)
            self.assertFalse(self.set(state, key, None, b""))
        every = bytes(range(256)) * 16
        self.assertTrue(self.set(state, b"a", b"is a", every))
        self.assertEqual(self.successResultOf(state.recall(b"a")), every)

    def test_sweptValues(self) -> None:
        """
        Values whose time has come are deleted, whatever their keys are.
        """
        state = self.open()
        state.SWEEP_EVERY = 1
        for key in (b"", b"\xff" * 64):
            self.set(state, key, None, b"x", 1)
        self.advance(2)
        self.login(state, "home", "alice")
        self.assertEqual([n for n in self.names(state) if n[:1] == b"v"], [])

    def test_poisoned(self) -> None:
        """
        Whatever others write into the tables, no request fails, and what this program
        can't have written counts for nothing.
        """
        state = self.open()
        for row in self.poison:
            self.reserve(state, 1, "alice", "wrong")
            self.login(state, 1, "alice", "right")
            self.exhaust(state, 1, "alice")
            self.set(state, b"x", None, b"y")
            self.execute(f"update mycred_state_entries set {row}")
            self.login(state, 1, "alice", "right")
            self.login(state, 1, "alice", "right")
            self.reserve(state, 1, "alice", "wrong")
            self.successResultOf(state.recall(b"x"))
            self.execute("delete from mycred_state_entries")

    def test_hugeValue(self) -> None:
        """
        A value that is longer than one may be isn't read.
        """
        state = self.open()
        self.set(state, b"x", None, b"y" * 4096)
        self.execute(
            "update mycred_state_entries"
            f" set content = {self.joined.format('content', 'content')}"
        )
        self.assertIsNone(self.successResultOf(state.recall(b"x")))

    def test_forked(self) -> None:
        """
        A child process has connections of its own, as after C{twistd} has become a daemon
        behind the check at its start, and the parent keeps its own.
        """
        state = self.open()
        state.check()
        self.assertEqual(self.reserve(state, 1, "alice"), 0)
        pid = os.fork()
        if not pid:
            status = 1
            try:
                self.exhaust(state, 2, "alice")
                status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        # In the child's pause.
        self.advance(45)
        self.assertGreater(self.reserve(state, 2, "alice"), 0)
        self.exhaust(state, 3, "bob")

    def test_clockSetBack(self) -> None:
        """
        When the database's clock is set back nobody waits until it is there again.
        """
        state = self.open()
        self.advance(3600)
        self.exhaust(state, 1, "alice")
        self.advance(-self.ahead)
        self.assertEqual(self.reserve(state, 1, "alice"), 0)
        self.assertGreater(self.reserve(state, 1, "alice"), 0)


class _LeastRights(Direct):
    """
    Tests for the tables that the documentation has the owner of a server make.

    @cvar kind: the kind of server.
    @cvar example: the file that makes them, and their user.
    """

    kind: type[DatabaseServer]
    example: str

    def test_example(self: Any) -> None:
        """
        Its user needs no other rights than they get there, for all that is done, and has
        none.
        """
        server, name = serverOf(self.kind), self.url.rpartition("/")[2]
        text = (EXAMPLES / self.example).read_text()
        for statement in re.sub(r"(?m)^--.*$", "", text).split(";")[:-1]:
            server.query(statement, name)
        if self.kind is PostgreSQL:
            self.addCleanup(server.query, "drop role myapp_state")
            self.addCleanup(server.query, "drop owned by myapp_state", name)
        else:
            self.addCleanup(server.query, "drop user myapp_state")
        where = f"myapp_state:change%20me@127.0.0.1:{server.port}/{name}"
        state = self.open(f"{server.dialect}://{where}")
        state.check()
        self.exhaust(state, 1, "bob")
        state.SWEEP_EVERY, state.MOST, state.COUNT_EVERY = 1, 2, 1
        for number in range(2 * MOST_KNOWN):
            self.login(state, number, "alice", "right")
        self.assertGreater(state._sweeps, 2 * MOST_KNOWN)
        self.assertLess(len(self.names(state)), 2 * MOST_KNOWN)
        for statement in (
            "create table other (a integer)",
            "drop table mycred_state_entries",
            "update mycred_state_schema set version = 2",
        ):
            with self.assertRaises(BadStatement):
                state._database.read(statement, {}, soon())


class PostgreSQLTableTests(OnPostgreSQL, _LeastRights, TableTests):
    """
    On PostgreSQL.
    """

    example = "state-postgresql.sql"

    poison = (
        "empty_at = 'infinity'",
        "last_at = '-infinity', until_at = 'infinity'",
        "empty_at = 'nan', last_at = 'nan'",
        *_POISON,
    )
    joined = "{} || {}"

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


class MariaDBTableTests(OnMariaDB, _LeastRights, TableTests):
    """
    On MariaDB.
    """

    example = "state-mariadb.sql"

    poison = _POISON
    joined = "concat({}, {})"


class FileTests(Direct, SynchronousTestCase):
    """
    Tests for SQLite files.
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

    def test_quick(self) -> None:
        """
        A change writes to the disk once: it goes to a log beside the file, which others
        can't read either.
        """
        path = Path(self.mktemp())
        state = self.open(f"sqlite:///{path}")
        self.reserve(state, 1, "alice")
        found = state._database.read("pragma journal_mode", {}, soon()).rows
        self.assertEqual(found, [("wal",)])
        for beside in path.parent.glob(f"{path.name}*"):
            self.assertEqual(S_IMODE(beside.stat().st_mode), 0o600)

    def test_readByOthers(self) -> None:
        """
        A file that everybody can read or write isn't used.
        """
        path = Path(self.mktemp())
        self.exhaust(self.open(f"sqlite:///{path}"), 1, "alice")
        for mode in (0o604, 0o602):
            path.chmod(mode)
            state = self.open(f"sqlite:///{path}")
            self.assertRaisesRegex(ValueError, "chmod o-rwx", state.check)
            self.failureResultOf(state.recall(b"x"), StateUnavailable)
        path.chmod(0o660)
        state.check()
        self.assertGreater(self.reserve(state, 1, "alice"), 0)

    def test_full(self) -> None:
        """
        While there is no room for more requests that write fail, in time, and when there
        is some again they don't.
        """
        state = self.open(f"sqlite:///{self.mktemp()}")
        self.exhaust(state, 1, "alice")
        [(pages,)] = state._database.read("pragma page_count", {}, soon()).rows
        most = f"pragma max_page_count = {pages}"
        real = sqlite3.connect

        def connect(*args: Any, **more: Any) -> Any:
            connection = real(*args, **more)
            connection.execute(most)
            return connection

        self.patch(sqlite3, "connect", connect)
        state._database.close()
        setting = state.compareAndSet(b"x", None, b"y" * 4096, 60)
        failure = self.failureResultOf(setting, StateUnavailable)
        self.assertIn("full", failure.getErrorMessage())
        self.patch(sqlite3, "connect", real)
        self.assertGreater(self.reserve(state, 1, "alice"), 0)
        self.exhaust(state, 2, "bob")

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
        path.chmod(0o600)
        state = self.open(f"sqlite:///{path}")
        self.assertRaises(ValueError, state.check)
        self.failureResultOf(state.recall(b"x"), StateUnavailable)


# What may stand in a column.
_ANYTHING = st.one_of(
    *[st.none(), st.floats(), st.integers(), st.text(), st.binary(), st.booleans()],
    st.integers(0, 2),
    st.floats(0, 1e12),
)


class RowTests(SynchronousTestCase):
    """
    Tests for what comes out of the table.
    """

    @settings(deadline=None, database=None)
    @given(st.tuples(*[_ANYTHING] * 5))
    def test_anything(self, row: tuple[Any, ...]) -> None:
        """
        Whatever stands there, a guess can be counted by it, waits no longer than it may,
        and can be taken back.
        """
        entry = _entryOf(row)
        times, now = (entry.empty, entry.last), 1.8e9
        self.assertIn(entry.kind, (0, 1, 2))
        isNew(now, times)
        self.assertLessEqual(waitAt(now, times, PAIR), PAIR.longest + 1e-3)
        counted = charged(times, now, PAIR)
        self.assertLessEqual(waitAt(now, counted, PAIR), PAIR.longest + 1e-3)
        refunded(counted, now, PAIR)


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

    def test_failTogether(self) -> None:
        """
        Guesses that are asked about together fail together, except those that nobody
        waits for any more; and those that have waited too long by then aren't asked
        about.
        """
        workers = SteppedWorkers()
        state = self.open(workers=workers)
        waiting = [state.reserve(guessOf(n, "alice")) for n in range(4)]
        waiting[2].cancel()
        self.failureResultOf(waiting[2], CancelledError)
        state._timeout = 0.0
        waiting.append(state.reserve(guessOf(4, "alice")))
        state._timeout = LONG
        while workers.pool.jobs:
            workers.step()
        for number in (0, 1, 3, 4):
            failure = self.failureResultOf(waiting[number], StateUnavailable)
            isLate = "too much waits" in failure.getErrorMessage()
            self.assertEqual(isLate, number == 4)

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
