"""
Tests for processes that share a Redis server or a database, each with a throttle
(L{mycred._state._fallback}).
"""

from __future__ import annotations

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from ..kit.databases import DatabaseServer, MariaDB, PostgreSQL, serverOf
from ..kit.redisserver import RedisServer
from ..kit.sharing import SharingCases


class RedisTests(SharingCases, SynchronousTestCase):
    """
    By a Redis server.
    """

    def setUp(self) -> None:
        self.server = RedisServer.of("sharing")
        self.addCleanup(self.server.restore)
        self.server.command("FLUSHALL")
        self.url = self.server.url


class PostgreSQLTests(SharingCases, SynchronousTestCase):
    """
    By a PostgreSQL database.

    @cvar kind: the kind of server.
    """

    kind: ClassVar[type[DatabaseServer]] = PostgreSQL

    def setUp(self) -> None:
        self.server = serverOf(self.kind, "outages of state")
        self.addCleanup(self.server.restore)
        self.url = self.server.url(self.server.makeDatabase())


class MariaDBTests(PostgreSQLTests):
    """
    By a MariaDB database.
    """

    kind = MariaDB
