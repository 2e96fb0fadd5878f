"""
Tests for L{mycred.demo._mailstore._place}: what is said of a store when the
program starts.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import DatabaseURL
from mycred.demo._mailstore import StorePlace, StoreService, checkStore
from mycred.testing import HandReactor

from ..kit.databases import PASSWORD, DatabaseServer, MariaDB, PostgreSQL, serverOf


class _PlaceCase(SynchronousTestCase):
    """
    Base of the tests.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def password(self, content: str = PASSWORD + "\n", mode: int = 0o600) -> str:
        """
        Write a file with a password.
        """
        path = self.folder / "password"
        path.write_text(content)
        path.chmod(mode)
        return str(path)

    def assertRefused(self, says: str, store: str, passwordFile: str | None) -> None:
        """
        Assert that a store is refused in one line.
        """
        error = self.assertRaises(usage.UsageError, checkStore, store, passwordFile)
        self.assertRegex(str(error), f"^{says}")
        self.assertNotIn("\n", str(error))
        self.assertNotIn(PASSWORD, str(error))


class FileTests(_PlaceCase):
    """
    Tests for a store in a file.
    """

    def test_path(self) -> None:
        """
        A plain path, and the URL of a file, are absolute from then on, and what belongs
        to the store is beside it.
        """
        path = str(self.folder / "mail.sqlite")
        for store in (path, os.path.relpath(path), f"sqlite:///{path}"):
            place = checkStore(store)
            self.assertEqual(place, StorePlace(DatabaseURL.ofFile(path), path))
            self.assertEqual(str(place), path)
        self.assertFalse(os.path.exists(path))

    def test_shared(self) -> None:
        """
        A plain path is that of a store alone; by a URL, there may be other tables.
        """
        path = str(self.folder / "site.sqlite")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table users (name, password)")
        self.assertRefused(f"--store={path}: no such column", path, None)
        self.assertEqual(checkStore(f"sqlite:///{path}").url.path, path)

    def test_later(self) -> None:
        """
        A store of a later version is refused, and one of this version isn't.
        """
        path = str(self.folder / "mail.sqlite")
        store = StoreService(path, reactor=HandReactor(running=False))
        store.startService()
        self.successResultOf(store.mailbox(b"alice"))
        self.successResultOf(store.stopService())
        self.assertEqual(checkStore(path).url.path, path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("insert into mycred_schema values (2, 'x')")
            connection.commit()
        says = f"--store={path}: its tables are of version 2"
        self.assertRefused(says, path, None)

    def test_checked(self) -> None:
        """
        What another process has checked already isn't opened again, whatever there is by
        now, and is the same place; a server isn't asked.
        """
        path = str(self.folder / "mail.sqlite")
        Path(path).symlink_to(self.folder / "nowhere" / "else")
        for store in (path, os.path.relpath(path), f"sqlite:///{path}"):
            place = checkStore(store, isChecked=True)
            self.assertEqual(place, StorePlace(DatabaseURL.ofFile(path), path))

    def test_wrong(self) -> None:
        """
        What can't be a store is told, with what would be right.
        """
        text = self.folder / "text"
        text.write_text("This is no database. " * 100)
        for store, says in (
            (f"sqlite:///{text}", ".*not a database; write the path"),
            (f"sqlite:///{self.folder}/no/such", "--store: there is no directory"),
            (f"sqlite:///{self.folder}", "--store: .* is a directory"),
            ("sqlite://", "--store: write sqlite:/// and a path"),
            ("nonsense://x/y", "--store: .*nonsense; write postgresql, mysql or"),
            ("://", "--store: write a URL"),
            ("oracle://x/y", "--store: .*"),
        ):
            self.assertRefused(says, store, None)

    def test_passwordFile(self) -> None:
        """
        A password that no server asks for is an error.
        """
        says = "--store-passwordfile is for a --store that is the URL of a database"
        password = self.password()
        self.assertRefused(says, str(self.folder / "mail.sqlite"), password)
        store = f"sqlite:///{self.folder}/mail.sqlite"
        self.assertRefused("--store: an SQLite file has no password", store, password)


class _ServerTests(_PlaceCase):
    """
    Tests for a store on a server.
    """

    kind: type[DatabaseServer]

    def setUp(self) -> None:
        super().setUp()
        self.server = serverOf(self.kind)
        self.database = self.server.makeDatabase()
        self.url = self.bare(self.database)

    def bare(self, database: str) -> str:
        """
        Return the URL of a database, without the password.
        """
        password = PASSWORD.replace(" ", "%20")
        return self.server.url(database).replace(f":{password}@", "@")

    def test_works(self) -> None:
        """
        With the password from its file, the tables are made, once; files that belong to
        the store are in the directory in which the program starts.
        """
        for _ in range(2):
            place = checkStore(self.url, self.password())
            self.assertEqual(place.beside, os.path.abspath("mycred-demo"))
            self.assertEqual(str(place), str(place.url))
            self.assertNotIn(PASSWORD, str(place))
        found = self.server.query("select version from mycred_schema", self.database)
        self.assertEqual(found, [(1,)])

    def test_commandLine(self) -> None:
        """
        A password on the command line, which others can read, is refused.
        """
        url = self.server.url(self.database)
        says = "--store=.*can read a password on the command line; write it into a file"
        self.assertRefused(says, url, None)
        self.assertRefused("--store: ", url, self.password())

    def test_wrongPassword(self) -> None:
        """
        What is wrong with the password, or with its file, is told.
        """
        wrong = self.password("other\n")
        self.assertRefused("--store: .*(authentication failed|denied)", self.url, wrong)
        says = "--store: .*password.*; --store-passwordfile=FILE names its password"
        self.assertRefused(says, self.url, None)
        for content, says in (
            ("", ".*doesn't hold one line"),
            ("a\nb\n", ".*doesn't hold one line"),
        ):
            said = f"--store-passwordfile: {says}"
            self.assertRefused(said, self.url, self.password(content))
        open_ = self.password(mode=0o644)
        self.assertRefused("--store-passwordfile: everybody can", self.url, open_)
        self.assertRefused("--store-passwordfile: .*No such", self.url, open_ + "x")
        Path(self.password()).write_bytes(b"\xff\n")
        path = str(self.folder / "password")
        self.assertRefused("--store-passwordfile: .*UTF-8", self.url, path)

    def test_unreachable(self) -> None:
        """
        A server that isn't there, and a database that doesn't exist, are told.
        """
        with closing(socket.socket()) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            url = self.url.replace(f":{self.server.port}/", f":{port}/")
            self.assertRefused(f"--store: .*{port}", url, self.password())
        url = self.bare("nosuchdatabase")
        self.assertRefused("--store: .*nosuchdatabase", url, self.password())

    def test_rights(self) -> None:
        """
        That the user may not make tables, or that they are others', is told with what
        would be right.
        """
        statement = "create table mail_users (login integer)"
        self.server.query(statement, self.database)
        says = "--store=.*table mail_users can't be made or used.*; let its user make"
        self.assertRefused(says, self.url, self.password())

    def test_later(self) -> None:
        """
        A store of a later version is refused.
        """
        checkStore(self.url, self.password())
        statement = "insert into mycred_schema values (2, 'x')"
        self.server.query(statement, self.database)
        says = "--store=.*its tables are of version 2, and those of this program of"
        self.assertRefused(says, self.url, self.password())


class PostgreSQLTests(_ServerTests):
    """
    Tests with PostgreSQL.
    """

    kind = PostgreSQL


class MariaDBTests(_ServerTests):
    """
    Tests with MariaDB.
    """

    kind = MariaDB


del _ServerTests
