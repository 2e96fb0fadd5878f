"""
Stronger hashes in place of those that are outdated, once users have typed passwords.
"""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._checking._stores import DirectoryStore
from .._hashes import make
from .._secrets import printable, shortened
from .._sql import Accounts
from ..error import TemporaryFailure
from ..workers import Workers

# So many are under way at a time: the next login of another user will do.
_MOST_UNDER_WAY = 8

# Where they come from, for the queues: they take turns with logins.
_SOURCE = ("upgrades",)


class HashUpgrades:
    """
    What replaces hashes of users who have just logged in.  No login waits for it, or
    fails with it.
    """

    _log = Logger()

    def __init__(self, store: DirectoryStore[Accounts], timeout: float) -> None:
        """
        @param store: the accounts.
        @param timeout: how long the database has for each, in seconds.
        """
        self._store = store
        self._timeout = timeout
        self._underWay: set[bytes] = set()

    def begin(self, name: bytes, password: bytes, old: bytes, workers: Workers) -> None:
        """
        Begin to replace the hash of a user, unless too many are under way.

        @param name: their name, as the database spells it.
        @param password: the password, which is the right one.
        @param old: what is stored.
        @param workers: the threads that hash.
        """
        if name in self._underWay or len(self._underWay) >= _MOST_UNDER_WAY:
            return
        self._underWay.add(name)

        def cbMade(new: bytes) -> Deferred[bool]:
            until = time.monotonic() + self._timeout
            update, asked = self._store.directory.update, (name, new, old, until)
            return self._store.workers.run(update, *asked, source=_SOURCE)

        making = workers.run(make, password, source=_SOURCE)
        ending = making.addCallback(cbMade)
        ending.addCallback(self._cbReplaced, name).addErrback(self._ebFailed, name)
        ending.addBoth(lambda _: self._underWay.discard(name))

    def _cbReplaced(self, isReplaced: bool, name: bytes) -> None:
        """
        Log that a hash was replaced.
        """
        done = (
            "has a stronger hash now" if isReplaced else "keeps the hash: it has changed"
        )
        self._log.info("{name!r} {done}", name=shortened(name), done=done)

    def _ebFailed(self, failure: Failure, name: bytes) -> None:
        """
        Log why a hash wasn't replaced.
        """
        if failure.check(TemporaryFailure):
            # Too many logins wait, or the server stops: the next login will do.
            return
        why = printable(f"{type(failure.value).__name__}: {failure.value}")
        self._log.warn(
            "The hash of {name!r} can't be replaced: {why}", name=shortened(name), why=why
        )


__all__ = ["HashUpgrades"]
