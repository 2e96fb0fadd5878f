"""
Tests for L{mycred.demo._mailstore._schema}.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from mycred._sql.client import BadStatement, Database, DatabaseURL
from mycred.demo._mailstore._mailbox import Message, wireSize
from mycred.demo._mailstore._schema import VERSION, WrongTables, insistOnTables

from ..kit.databases import USER
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite
from ..kit.stores import StoreCase

# The tables of a file that mycred has made before there were versions.
_EARLIER = """
create table if not exists users (
    name blob primary key, uidvalidity integer not null, uidnext integer not null
);
create table if not exists messages (
    user blob not null references users (name), uid integer not null,
    flags text not null, date real not null, content blob not null,
    primary key (user, uid)
);
"""


# No message is empty.
_contents = st.binary(min_size=1) | st.text("\n\r\0\xe9", min_size=1).map(str.encode)


class _Tables(StoreCase):
    """
    Base of the tests on a database.
    """

    def database(self, place: DatabaseURL) -> Database:
        """
        Open a database, whose file is there.
        """
        if place.path:
            sqlite3.connect(place.path).close()
        database = Database([place], timeout=30)
        self.addCleanup(database.close)
        return database

    def read(self, database: Database, statement: str) -> list[tuple[Any, ...]]:
        """
        Return the rows that a statement brings.
        """
        return database.read(statement, {}, time.monotonic() + 30).rows

    def change(self, database: Database, *statements: str) -> None:
        """
        Execute statements in one transaction.
        """

        def work(transaction: Any) -> None:
            for statement in statements:
                transaction.execute(statement)

        database.transaction(work, time.monotonic() + 30)

    def insist(self, database: Database) -> None:
        """
        Insist on the tables.
        """
        insistOnTables(database, time.monotonic() + 30)

    def atOnce(self, place: DatabaseURL) -> list[Exception]:
        """
        Have six programs insist on the tables at once.

        @return: what kept them from that.
        """
        databases = [self.database(place) for _ in range(6)]
        ready = threading.Barrier(len(databases))
        failed: list[Exception] = []

        def insist(database: Database) -> None:
            ready.wait(30)
            try:
                self.insist(database)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=insist, args=[each]) for each in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return failed


class _SchemaTests(_Tables):
    """
    Tests for the tables in a database.
    """

    def test_atOnce(self) -> None:
        """
        Programs that start at once all find the tables, which have one version.
        """
        place = self.place()
        self.assertEqual(self.atOnce(place), [])
        database = self.database(place)
        versions = self.read(database, "select version from mycred_schema")
        self.assertEqual(versions, [(VERSION,)])
        self.insist(database)

    def test_later(self) -> None:
        """
        Tables of another version aren't touched.
        """
        database = self.database(self.place())
        self.insist(database)
        self.change(database, "insert into mycred_schema values (2, 'x')")
        # Which may have other columns.
        self.change(database, "alter table mail_messages rename column uid to number")
        error = self.assertRaises(WrongTables, self.insist, database)
        self.assertIn("its tables are of version 2", str(error))

    def test_foreign(self) -> None:
        """
        Another program's tables of the same names aren't touched, and nothing is made
        beside them.
        """
        for statement, says in (
            ("create table mail_users (login integer)", "mail_users"),
            ("create table mail_messages (uid integer)", "mail_messages"),
        ):
            database = self.database(self.place())
            self.change(database, statement)
            error = self.assertRaises(WrongTables, self.insist, database)
            self.assertIn(f"the table {says} can't be made or used", str(error))
            for table in {"mail_messages", "mycred_schema"} - {says}:
                reading = "select 1 from " + table
                self.assertRaises(BadStatement, self.read, database, reading)

    def test_others(self) -> None:
        """
        A site's own table of accounts may stand in the same database.
        """
        database = self.database(self.place())
        accounts = "create table users (name varchar(20), password varchar(100))"
        self.change(database, accounts, "insert into users values ('alice', 'x')")
        self.insist(database)
        self.assertEqual(self.read(database, "select * from users"), [("alice", "x")])

    def test_halfMade(self) -> None:
        """
        Tables that a program was making when it was killed are made by the next.
        """
        database = self.database(self.place())
        self.insist(database)
        self.change(database, "drop table mycred_schema", "drop table mail_messages")
        self.insist(database)
        self.assertEqual(self.read(database, "select * from mail_messages"), [])


class SQLiteTests(OnSQLite, _SchemaTests):
    """
    Tests on SQLite.
    """


class PostgreSQLTests(OnPostgreSQL, _SchemaTests):
    """
    Tests on PostgreSQL.
    """

    def test_rights(self) -> None:
        """
        A user who may use the tables, and not make them, is enough; what else is missing
        is told.
        """
        place = self.place()
        name = place.url.database
        reader = self.database(place)
        self.insist(reader)
        for table in ("mail_users", "mail_messages", "mycred_schema"):
            self.server.query(f"alter table {table} owner to postgres", name)
        self.server.query(f"alter database {name} owner to postgres")
        error = self.assertRaises(WrongTables, self.insist, reader)
        self.assertIn("permission denied", str(error))
        self.server.query(f"grant select on mycred_schema to {USER}", name)
        error = self.assertRaises(WrongTables, self.insist, reader)
        self.assertIn("mail_users can't be made or used", str(error))
        rights = "select, insert, update, delete"
        self.server.query(f"grant {rights} on mail_users, mail_messages to {USER}", name)
        self.insist(reader)


class MariaDBTests(OnMariaDB, _SchemaTests):
    """
    Tests on MariaDB.
    """

    def test_rights(self) -> None:
        """
        The rights that the documentation names are enough, and without them it is said
        what is missing.
        """
        place = self.place()
        name, user = place.url.database, f"u{place.url.database}"
        self.server.query(f"create user {user} identified by 'x'")
        url = f"mysql://{user}:x@127.0.0.1:{self.server.port}/{name}"
        page = Path(__file__).parents[2] / "doc" / "mail-store.rst"
        [rights] = re.findall("grant (.*, create, .*) on mail", page.read_text("utf-8"))
        self.server.query(f"grant select on {name}.* to {user}")
        database = self.database(DatabaseURL.parse(url))
        error = self.assertRaises(WrongTables, self.insist, database)
        self.assertIn("CREATE command denied", str(error))
        self.server.query(f"grant {rights} on {name}.* to {user}")
        store = self.start(DatabaseURL.parse(url))
        self.done(store.mailbox(b"alice"))
        self.done(store.copy(b"alice", [1]))
        self.done(store.delete(b"alice", [1]))
        self.assertEqual(self.uids(store, b"alice"), [2])


class MigrationTests(OnSQLite, _Tables):
    """
    Tests for a file of an earlier version.
    """

    def earlier(self, *contents: bytes) -> DatabaseURL:
        """
        Make a file of an earlier version, with messages for Alice.
        """
        place = self.place()
        with closing(sqlite3.connect(place.path)) as connection:
            connection.executescript(_EARLIER)
            connection.execute("insert into users values (?, 47, 99)", (b"alice",))
            connection.executemany(
                "insert into messages values (?, ?, '\\Seen', 1.5, ?)",
                [(b"alice", uid, each) for uid, each in enumerate(contents, 1)],
            )
            connection.commit()
        return place

    @given(st.lists(_contents, max_size=5))
    @settings(
        deadline=None,
        max_examples=30,
        suppress_health_check=[HealthCheck.differing_executors],
    )
    def test_content(self, contents: list[bytes]) -> None:
        """
        Mail of an earlier version is all there, with its UIDs, flags and dates, and with
        sizes; and more is delivered behind it.
        """
        self.clock.advance(1)
        store = self.start(self.earlier(*contents))
        mailbox = self.done(store.mailbox(b"alice"))
        self.assertEqual((mailbox.uidValidity, mailbox.uidNext), (47, 99))
        self.assertEqual(
            mailbox.messages,
            [
                Message(uid, wireSize(each), 1.5, {"\\Seen"})
                for uid, each in enumerate(contents, 1)
            ],
        )
        for uid, each in enumerate(contents, 1):
            self.assertEqual(self.done(store.content(b"alice", uid)), each)
        self.assertEqual(self.done(store.deliver(b"alice", b"x")).uid, 99)
        self.assertEqual(self.uids(store, b"alice")[-1:], [99])

    def test_atOnce(self) -> None:
        """
        Programs that start at once with a file of an earlier version all find the mail.
        """
        place = self.earlier(b"Tea\n")
        self.assertEqual(self.atOnce(place), [])
        database = self.database(place)
        found = self.read(database, "select uid, octets, size from mail_messages")
        self.assertEqual(found, [(1, 4, 5)])
        self.assertRaises(BadStatement, self.read, database, "select 1 from users")

    def test_large(self) -> None:
        """
        However long it takes with a large file, it isn't given up with the request that
        has begun it: otherwise it would never be done.
        """
        store = self.start(self.earlier(b"Tea\n"))
        late = time.monotonic()
        self.assertEqual(store._database._inThread(lambda _: 5, late, late + 60), 5)
        self.assertEqual(self.uids(store, b"alice"), [1])

    def test_failing(self) -> None:
        """
        Where that can't be done the file stays as it was.
        """
        place = self.earlier(b"Tea\n")
        database = self.database(place)
        self.change(database, "create table mycred_schema (version, more not null)")
        self.assertRaises(WrongTables, self.insist, database)
        self.assertEqual(self.read(database, "select uid from messages"), [(1,)])


del _SchemaTests
