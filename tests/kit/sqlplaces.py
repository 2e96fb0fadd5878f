"""
Where tests of SQL have their databases: on each kind, by the class of the test.
"""

from __future__ import annotations

import time
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import Database, DatabaseURL

from .databases import DatabaseServer, MariaDB, PostgreSQL, SQLite, serverOf

# How long anything may take that has to succeed, in seconds.
_LONG = 60.0


def soon() -> float:
    """
    Return a deadline that is never reached.
    """
    return time.monotonic() + _LONG


class Place(SynchronousTestCase):
    """
    Base of the tests that have a database of their own.

    @cvar kind: the kind of server.
    @ivar url: the URL of the database.
    """

    kind: ClassVar[type[DatabaseServer]]

    def setUp(self) -> None:
        """
        Make the database.
        """
        self.url = self.makeURL()

    def makeURL(self) -> str:
        """
        Return the URL of a new, empty database.
        """
        server = serverOf(self.kind)
        return server.url(server.makeDatabase())

    def open(self, *urls: str, timeout: float = _LONG, connections: int = 4) -> Database:
        """
        Return the database, as threads see it.

        @param urls: where it is; the test's own database if there are none.
        """
        parsed = [DatabaseURL.parse(url) for url in urls or (self.url,)]
        database = Database(parsed, timeout=timeout, connections=connections)
        self.addCleanup(database.close)
        return database


class OnPostgreSQL:
    """
    Has a test's database on PostgreSQL.
    """

    kind = PostgreSQL


class OnMariaDB:
    """
    Has a test's database on MariaDB.
    """

    kind = MariaDB


class OnSQLite:
    """
    Has a test's database in an SQLite file.
    """

    kind = SQLite


__all__ = ["OnMariaDB", "OnPostgreSQL", "OnSQLite", "Place", "soon"]
