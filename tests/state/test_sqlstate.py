"""
Tests for L{mycred._state._sqlstate}, L{mycred._state._sqlcounting},
L{mycred._state._sqlentries} and L{mycred._state._sqltables}.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mycred._sql.client import DatabaseURL
from mycred._state._sqlstate import SQLState
from mycred.workers import Workers

from ..kit.databases import DatabaseServer, serverOf
from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite
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
