"""
Stores of the example server's mail.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import DatabaseURL
from mycred.demo._mailstore import StoreService
from mycred.testing import HandReactor

from .databases import DatabaseServer, serverOf

_T = TypeVar("_T")


class StoreCase(SynchronousTestCase):
    """
    Base of tests with stores that do everything at once, in the thread that asks.

    @cvar kind: the kind of server.
    @ivar server: the one that tests share.
    @ivar clock: the time of all stores.
    """

    kind: ClassVar[type[DatabaseServer]]

    def setUp(self) -> None:
        self.server = serverOf(self.kind)
        self.clock = HandReactor(running=False)

    def place(self) -> DatabaseURL:
        """
        Return a database without tables.
        """
        return DatabaseURL.parse(self.server.url(self.server.makeDatabase()))

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


__all__ = ["StoreCase"]
