"""
Stores of the example server's mail, on each of the databases that they can be on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import DatabaseURL
from mycred.demo._mailstore import StoreService
from mycred.testing import HandReactor

from .databases import DatabaseServer, MariaDB, PostgreSQL, serverOf

_T = TypeVar("_T")


class OnSQLite:
    """
    A mix-in for tests on SQLite.
    """

    mktemp: Any

    def place(self) -> DatabaseURL:
        """
        Return a database without tables.
        """
        return DatabaseURL.ofFile(str(Path(self.mktemp()).absolute()))


class _OnServer:
    """
    A mix-in for tests on a server that they share.
    """

    kind: ClassVar[type[DatabaseServer]]

    @property
    def server(self) -> DatabaseServer:
        """
        The server.
        """
        return serverOf(self.kind)

    def place(self) -> DatabaseURL:
        """
        Return a database without tables.
        """
        return DatabaseURL.parse(self.server.url(self.server.makeDatabase()))


class OnPostgreSQL(_OnServer):
    """
    A mix-in for tests on PostgreSQL.
    """

    kind = PostgreSQL


class OnMariaDB(_OnServer):
    """
    A mix-in for tests on MariaDB.
    """

    kind = MariaDB


class StoreCase(SynchronousTestCase):
    """
    Base of tests with stores that do everything at once, in the thread that asks.

    @ivar clock: the time of all stores.
    """

    place: Any

    def setUp(self) -> None:
        self.clock = HandReactor(running=False)

    def start(self, place: DatabaseURL) -> StoreService:
        """
        Return a store that stops with the test.
        """
        store = StoreService(place, reactor=self.clock)
        store.startService()
        self.addCleanup(store.stopService)
        return store

    def done(self, deferred: Deferred[_T]) -> _T:
        """
        Return the result of a L{Deferred}.
        """
        result: _T = self.successResultOf(deferred)
        return result

    def uids(self, store: StoreService, user: bytes) -> list[int]:
        """
        Return the UIDs of a user's messages.
        """
        return [message.uid for message in self.done(store.mailbox(user)).messages]


__all__ = ["OnMariaDB", "OnPostgreSQL", "OnSQLite", "StoreCase"]
