"""
Tests for look-ups and transactions in PostgreSQL, MariaDB and SQLite.

They cover L{mycred._sql.client._database}, L{mycred._sql.client._transact},
L{mycred._sql.client._transaction}, L{mycred._sql.client._driver},
L{mycred._sql.client._drivers}, L{mycred._sql.client._sqlite} and
L{mycred._sql.client._texts}.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings, strategies as st

from mycred._failover import Fault, Slow
from mycred._sql.client import (
    BadRow,
    BadStatement,
    BadValue,
    Database,
    DatabaseURL,
    Refused,
    Transaction,
)

from ...kit.databases import MariaDB, PostgreSQL, serverOf
from ...kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite, Place, soon

# Names that end a quote, are patterns or placeholders, or are read in another way.
HOSTILE = (
    *("' or '1'='1", "' or 1=1 -- ", 'x"', "`", "\\", "\\'", "\\' or 1=1 -- ", "''"),
    *("%", "%s", "%(name)s", "%%", ":name", "::text", "a:b", "?", "$1", "{0}", "/*", ";"),
    *("é", unicodedata.normalize("NFD", "é"), "\U0001f600", "\u202e", "\x01", "\x7f"),
    *("\udcff", "\ud800", "a\0b", "\0", "x" * 10_000, "'" * 5_000, "\\" * 5_001, ""),
    *("\xbf\x27 or 1=1 -- ", "\u0127", "\uff07 or 1=1 -- "),
)


def users(*names: str) -> Callable[[Transaction], None]:
    """
    Return a transaction that makes a table with these users.
    """

    def work(transaction: Transaction) -> None:
        transaction.execute("create table users (name varchar(60) not null unique)")
        for name in names:
            transaction.execute("insert into users values (:name)", name=name)

    return work


class DatabaseTests(Place):
    """
    Tests for L{Database}.
    """

    def names(self, database: Database, where: str = "1 = 1", **values: Any) -> list[str]:
        """
        Return the names of the users that meet a condition.
        """
        statement = f"select name from users where {where} order by name"
        rows = database.read(statement, values, soon()).rows
        return [name for (name,) in rows]

    def test_read(self) -> None:
        """
        A look-up brings columns by name, rows, and their number.
        """
        database = self.open()
        database.transaction(users("alice", "bob"), soon())
        for _ in range(7):
            result = database.read(
                "select name, 1 as one from users where name = :name or name = :name",
                {"name": "bob", "unused": 1},
                soon(),
            )
            self.assertEqual(result.columns, ("name", "one"))
            self.assertEqual(result.rows, [("bob", 1)])
        none = database.read("select name from users where 1 = 0", {}, soon())
        self.assertEqual((none.columns, none.rows), (("name",), []))

    def test_text(self) -> None:
        """
        Percent signs, colons, quotes and comments in a statement stay what they are.
        """
        database = self.open()
        row = database.read(
            "select 'a:b', ':x', '100%', '%s', '%(x)s', 7 % 4, '''', '?' /* :y */ -- :z",
            {},
            soon(),
        ).rows[0]
        self.assertEqual(row, ("a:b", ":x", "100%", "%s", "%(x)s", 3, "'", "?"))
        row = database.read("select :x, ':x', '%'", {"x": "%s"}, soon()).rows[0]
        self.assertEqual(row, ("%s", ":x", "%"))

    def test_values(self) -> None:
        """
        Numbers, bytes and nothing come back as they were.
        """
        database = self.open()
        binary = {"postgresql": "bytea", "mysql": "blob", "sqlite": "blob"}
        kept = {"number": 2**40, "data": bytes(range(256)), "gone": None}

        def work(transaction: Transaction) -> Any:
            kind = binary[transaction.dialect]
            transaction.execute(
                f"create table kept (number bigint, data {kind}, gone {kind})"
            )
            inserted = "insert into kept values (:number, :data, :gone)"
            self.assertEqual(transaction.execute(inserted, **kept).count, 1)
            return transaction.execute("select * from kept").rows

        rows = database.transaction(work, soon())
        self.assertEqual(rows, [tuple(kept.values())])

    def test_hostileNames(self) -> None:
        """
        A name that is meant to end its quotes, or that no row can have, finds nobody, and
        is no outage.
        """
        database = self.open()
        database.transaction(users("alice", "O'Neill", "a\\b", "50%"), soon())
        for name in HOSTILE:
            try:
                found = self.names(database, "name = :name", name=name)
            except BadValue:
                found = []
            self.assertEqual(found, [], name)
        for name in ("O'Neill", "a\\b", "50%"):
            self.assertEqual(self.names(database, "name = :name", name=name), [name])
        self.assertEqual(len(self.names(database)), 4)

    def test_anyName(self) -> None:
        """
        Any text comes back from the database as it was, or is no value.
        """
        database = self.open()

        @settings(max_examples=60, deadline=None)
        @given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
        def check(name: str) -> None:
            kind = {"postgresql": "::text"}.get(database.dialect, "")
            statement = f"select :name{kind}, 1"
            try:
                rows = database.read(statement, {"name": name}, soon()).rows
            except BadValue:
                self.assertTrue("\0" in name or not _isText(name))
            else:
                self.assertEqual(rows, [(name, 1)])

        check()

    def test_tooManyRows(self) -> None:
        """
        A look-up that finds more rows than it may is a mistake in the query.
        """
        database = self.open()
        database.transaction(users("a", "b", "c"), soon())
        every = "select name from users"
        self.assertEqual(len(database.read(every, {}, soon(), most=3).rows), 3)
        with self.assertRaisesRegex(BadStatement, "more than 2 rows"):
            database.read(every, {}, soon(), most=2)
        self.assertEqual(len(database.read(every, {}, soon(), most=3).rows), 3)

    def test_badStatements(self) -> None:
        """
        A statement that the database refuses is a mistake in the query, and no outage.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        for statement in (
            *("selct 1", "select nosuch from users", "select * from nosuch"),
            *("select nosuch(1)", "select 'x", "select name from users where"),
            *("select :missing", "select 1 from users; delete from users where :one = 1"),
            "select count(*) from users where name = max(name)",
        ):
            with self.assertRaises(BadStatement, msg=statement):
                database.read(statement, {"one": 1}, soon())
        self.assertEqual(self.names(database), ["alice"])
        self.assertEqual(list(database.takeNotes()), [])

    def test_badValues(self) -> None:
        """
        What a column can't hold is an error of the value.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        for name in ("alice", None):

            def work(transaction: Transaction, name: str | None = name) -> None:
                transaction.execute("insert into users values (:name)", name=name)

            with self.assertRaises(BadValue):
                database.transaction(work, soon())
        self.assertEqual(self.names(database), ["alice"])

    def test_undone(self) -> None:
        """
        A transaction that raises, or of which a statement has failed, has no effect, and
        leaves a connection on which nothing is under way.
        """
        database = self.open(connections=1)
        database.transaction(users("alice"), soon())

        def raises(transaction: Transaction) -> None:
            transaction.execute("insert into users values ('bob')")
            raise ZeroDivisionError

        def swallows(transaction: Transaction) -> None:
            transaction.execute("insert into users values ('carol')")
            with contextlib.suppress(BadValue):
                transaction.execute("insert into users values ('alice')")

        self.assertRaises(ZeroDivisionError, database.transaction, raises, soon())
        self.assertRaises(BadValue, database.transaction, swallows, soon())
        self.assertEqual(self.names(database), ["alice"])
        database.read("select 1", {}, soon())
        other = self.open()
        self.assertEqual(self.names(other), ["alice"])

    def test_conflicts(self) -> None:
        """
        Transactions that are in each other's way are done one after the other: none is
        lost, and none fails.
        """
        database = self.open()

        def make(transaction: Transaction) -> None:
            transaction.execute("create table counters (name integer, value integer)")
            transaction.execute("insert into counters values (1, 0), (2, 0)")

        database.transaction(make, soon())
        failures: list[BaseException] = []

        def count(first: int) -> None:
            def work(transaction: Transaction) -> None:
                for name in (first, 3 - first):
                    transaction.execute(
                        "update counters set value = value + 1 where name = :name",
                        name=name,
                    )

            try:
                for _ in range(15):
                    database.transaction(work, soon())
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=count, args=(n % 2 + 1,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        rows = database.read("select name, value from counters", {}, soon()).rows
        self.assertEqual(sorted(rows), [(1, 60), (2, 60)])

    def test_noTimeLeft(self) -> None:
        """
        What begins after its deadline fails, and is nobody's fault.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        self.assertRaises(Slow, database.read, "select 1", {}, time.monotonic() - 1)
        self.assertEqual(self.names(database), ["alice"])
        self.assertEqual(list(database.takeNotes()), [])

    def test_kinds(self) -> None:
        """
        The servers of one database are of one kind.
        """
        self.assertRaisesRegex(
            ValueError,
            "of one kind",
            self.open,
            self.url,
            "mysql://h/d" if self.open().dialect != "mysql" else "sqlite:///x",
        )

    def test_forked(self) -> None:
        """
        A child process has connections of its own, and the parent keeps its own.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        pid = os.fork()
        if not pid:
            status = 1
            try:
                status = self.names(database) != ["alice"]
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(self.names(database), ["alice"])


class PostgreSQLDatabaseTests(OnPostgreSQL, DatabaseTests):
    """
    Tests for L{Database} on PostgreSQL.
    """

    def admin(self, statement: str) -> list[tuple[Any, ...]]:
        """
        Execute a statement in the database as its administrator.
        """
        return serverOf(PostgreSQL).query(statement, self.url.rpartition("/")[2])

    def test_casts(self) -> None:
        """
        Casts and dollar quotes are PostgreSQL's.
        """
        rows = (
            self.open()
            .read("select :a::text, $$:b$$, '7'::int, :a::text", {"a": "x"}, soon())
            .rows
        )
        self.assertEqual(rows, [("x", ":b", 7, "x")])

    def test_impossibleValues(self) -> None:
        """
        What PostgreSQL can't convert is a value that no row has.
        """
        database = self.open()
        for statement in ("select 1 where 1 = :name::int", "select 1/(:name = '')::int"):
            with self.assertRaises(BadValue):
                database.read(statement, {"name": "alice"}, soon())

    def test_noPermission(self) -> None:
        """
        A table that the user may not read is a mistake in the permissions.
        """
        self.admin("create table secrets (name text)")
        with self.assertRaisesRegex(BadStatement, "permission denied"):
            self.open().read("select * from secrets", {}, soon())

    def test_preparedNames(self) -> None:
        """
        Statements that are executed often are prepared, by names that no other client of
        a shared session has.
        """
        names = set()
        for _ in range(2):
            database = self.open()
            for _ in range(8):
                database.read("select 7 = :x::int", {"x": 7}, soon())
            listed = "select name from pg_prepared_statements"
            names.update(database.read(listed, {}, soon()).rows)
        self.assertEqual(len(names), 2)

    def test_unprepared(self) -> None:
        """
        Where prepared statements get lost, as behind PgBouncer, look-ups and transactions
        go on, and nothing is prepared any more.
        """
        database = self.open(connections=1)
        statement = "select 7 = :x::int"
        for _ in range(8):
            database.read(statement, {"x": 7}, soon())
        # psycopg must not see it.
        hidden = "do $$ begin execute 'deallocate all'; end $$"
        database.read(hidden, {}, soon())
        self.assertEqual(database.read(statement, {"x": 7}, soon()).rows, [(True,)])
        for _ in range(8):
            database.read(statement, {"x": 7}, soon())
        listed = "select name from pg_prepared_statements"
        self.assertEqual(database.read(listed, {}, soon()).rows, [])

    def test_changedColumns(self) -> None:
        """
        A prepared statement whose columns have changed is prepared anew.
        """
        database = self.open(connections=1)
        database.transaction(users("alice"), soon())
        for _ in range(8):
            database.read("select * from users", {}, soon())
        self.admin("alter table users add column more integer default 3")
        result = database.read("select * from users", {}, soon())
        self.assertEqual(result.columns, ("name", "more"))
        self.assertEqual(result.rows, [("alice", 3)])

    def test_cancelled(self) -> None:
        """
        What an administrator or the server's own time-out cancels is no answer, and the
        message has one line.
        """
        database = self.open()
        database.read("set statement_timeout = 20", {}, soon())
        with self.assertRaisesRegex(Fault, "statement timeout$"):
            database.read("select pg_sleep(60)", {}, soon())

    def test_latin1(self) -> None:
        """
        In a database with another encoding, a name that it can't hold is no outage.
        """
        server = serverOf(PostgreSQL)
        name = server.makeDatabase()
        server.query(
            f"create database {name}l owner myapp encoding 'latin1' template template0"
            " lc_collate 'C' lc_ctype 'C'"
        )
        database = self.open(server.url(f"{name}l"))
        database.transaction(users("alicé"), soon())
        self.assertEqual(self.names(database, "name = :x", x="alicé"), ["alicé"])
        for other in ("\u20ac", "\U0001f600"):
            self.assertRaises(BadValue, self.names, database, "name = :x", x=other)


class MariaDBDatabaseTests(OnMariaDB, DatabaseTests):
    """
    Tests for L{Database} on MariaDB.
    """

    def test_latin1(self) -> None:
        """
        With a column in Latin-1, as Debian makes them, a name that it can't hold is no
        outage.
        """
        database = self.open()

        def work(transaction: Transaction) -> None:
            transaction.execute(
                "create table users (name varchar(60)) character set latin1"
            )
            transaction.execute("insert into users values ('alice')")

        database.transaction(work, soon())
        for name in ("alice\u0301", "\u20ac", "\U0001f600", "\u0141"):
            try:
                found = self.names(database, "name = :x", x=name)
            except BadValue:
                found = []
            self.assertEqual(found, [])

    def test_noBackslashEscapes(self) -> None:
        """
        Whether a backslash quotes a quote is a setting of the server, which the driver
        follows: a name never ends its quotes.
        """
        server = serverOf(MariaDB)
        for mode in ("NO_BACKSLASH_ESCAPES,ANSI_QUOTES", ""):
            server.query(f"set global sql_mode = '{mode}'")
            self.addCleanup(server.query, "set global sql_mode = default")
            database = self.open()
            for name in HOSTILE:
                try:
                    rows = database.read("select :x", {"x": name}, soon()).rows
                except BadValue:
                    continue
                self.assertEqual(rows, [(name,)])

    def test_encodingOfSession(self) -> None:
        """
        The server takes what it is sent for UTF-8, whatever the URL has it do first: in
        other encodings the backslash that the driver puts before a quote may be half of a
        character.
        """
        for charset in ("gbk", "big5", "sjis"):
            database = self.open(f"{self.url}?init_command=set%20names%20{charset}")
            for name in ("\u4e2d' or 1 = 1 -- ", "\u4e2d'", "\xe9\\'"):
                read = database.read("select 1 where '' = :x", {"x": name}, soon())
                self.assertEqual(read.rows, [], charset)

    def test_timeZone(self) -> None:
        """
        Times come in UTC.
        """
        rows = self.open().read("select @@session.time_zone", {}, soon()).rows
        self.assertEqual(rows, [("+00:00",)])

    def test_noPermission(self) -> None:
        """
        A table that the user may not read is a mistake in the permissions.
        """
        for table in ("mysql.user", "nosuch.t"):
            with self.assertRaisesRegex(BadStatement, "denied"):
                self.open().read(f"select * from {table}", {}, soon())

    def test_noValuesInMessages(self) -> None:
        """
        The message about a mistake in a statement shows no value, though MySQL's drivers
        write values into statements.
        """
        with self.assertRaises(BadStatement) as caught:
            self.open().read("select 1 fro m :x", {"x": "secret"}, soon())
        self.assertIn("near 'm '", str(caught.exception))

    def test_cancelled(self) -> None:
        """
        What an administrator or the server's own time-out cancels is no answer.
        """
        database = self.open()
        database.read("set max_statement_time = 0.02", {}, soon())
        with self.assertRaises(Fault):
            database.read(
                "select count(*) from seq_1_to_100000 a, seq_1_to_100000 b"
                " where a.seq * b.seq = 7",
                {},
                soon(),
            )

    def test_tooLong(self) -> None:
        """
        A value that is longer than its column is an error of the value.
        """
        database = self.open()
        database.transaction(users(), soon())
        with self.assertRaises(BadValue):
            database.transaction(
                lambda transaction: transaction.execute(
                    "insert into users values (:name)", name="x" * 61
                ),
                soon(),
            )


class SQLiteDatabaseTests(OnSQLite, DatabaseTests):
    """
    Tests for L{Database} on SQLite.
    """

    def test_missingFile(self) -> None:
        """
        Who asks of a file that isn't there is told so, and it isn't made: others could
        read it.
        """
        url = f"{self.url}-missing"
        database = self.open(url)
        path = DatabaseURL.parse(url).path
        with self.assertRaisesRegex(Refused, "no such file"):
            database.read("select 1", {}, soon())
        with self.assertRaisesRegex(Refused, "no such file"):
            self.open(url).transaction(users(), soon())
        self.assertFalse(os.path.exists(path))

    def test_replaced(self) -> None:
        """
        When the file is replaced or removed the old one isn't read any more.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        self.assertEqual(self.names(database), ["alice"])
        other = self.makeURL()
        self.open(other).transaction(users("bob"), soon())
        path = DatabaseURL.parse(self.url).path
        os.replace(DatabaseURL.parse(other).path, path)
        self.assertEqual(self.names(database), ["bob"])
        os.remove(path)
        self.assertRaises(Refused, self.names, database)

    def test_noDatabase(self) -> None:
        """
        A file that is something else is refused, and not written to.
        """
        path = DatabaseURL.parse(self.url).path
        with open(path, "w") as file:
            file.write("name:password\n" * 1000)
        with self.assertRaisesRegex(Refused, "not a database"):
            self.open().read("select * from users", {}, soon())

    def test_locked(self) -> None:
        """
        While another process has the file locked a look-up waits until its deadline, and
        then can't tell.
        """
        database = self.open()
        database.transaction(users("alice"), soon())
        with contextlib.closing(
            sqlite3.connect(DatabaseURL.parse(self.url).path)
        ) as other:
            other.execute("begin exclusive")
            for work in (
                lambda until: database.read("select * from users", {}, until),
                lambda until: database.transaction(
                    lambda transaction: transaction.execute("select 1"), until
                ),
            ):
                self.assertRaises(Slow, work, time.monotonic() + 0.3)
        self.assertEqual(self.names(database), ["alice"])

    def test_endless(self) -> None:
        """
        A look-up that takes too long is interrupted.
        """
        database = self.open()
        database.transaction(users(), soon())
        with self.assertRaises(Slow):
            database.read(
                "with recursive n (i) as (select 1 union all select i + 1 from n)"
                " select count(*) from n",
                {},
                time.monotonic() + 0.2,
            )
        self.assertEqual(self.names(database), [])

    def test_notText(self) -> None:
        """
        A column that isn't UTF-8 is a mistake in the data, whose message doesn't show it.
        """
        database = self.open()
        database.transaction(users("alice", "bob"), soon())
        broken = "select cast(x'736563726574ff' as text) from users"
        with self.assertRaises(BadRow) as caught:
            database.read(broken, {}, soon())
        self.assertNotIn("secret", str(caught.exception))
        self.isUnlocked()

    def isUnlocked(self) -> None:
        """
        Assert that no look-up has the file locked.
        """
        path = DatabaseURL.parse(self.url).path
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("begin exclusive")

    def test_nothingLocked(self) -> None:
        """
        A look-up that finds too many rows doesn't keep the file locked.
        """
        database = self.open()
        database.transaction(users("a", "b", "c"), soon())
        every = "select name from users"
        self.assertRaises(BadStatement, database.read, every, {}, soon(), most=1)
        self.isUnlocked()


def _isText(text: str) -> bool:
    """
    Return whether a text has a form in UTF-8.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


del DatabaseTests
