"""
Stronger hashes in place of those that are outdated, once users have typed passwords.
"""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._checking._stores import DirectoryStore
from .._failover import Fault
from .._hashes import make
from .._secrets import printable, shortened
from .._sql import Accounts
from ..error import TemporaryFailure
from ..workers import Workers

# For how long a user is left alone whose hash couldn't be replaced, in seconds, and of
# how many that is known: hashing for nothing takes time from others.
_PAUSE, _MOST_REMEMBERED = 600.0, 1000

# For how long all are left alone when the database can't replace any, in seconds.
_OUTAGE = 60.0

# Where they come from, for the queues: they take turns with logins.
_SOURCE = ("upgrades",)


class HashUpgrades:
    """
    What replaces hashes of users who have just logged in.  No login waits for it, or
    fails with it.

    @cvar longest: how long the database may take for one, in seconds: while a table is
        locked against changes logins go on, and need the connections.
    """

    longest = 1.0

    _log = Logger()

    def __init__(self, store: DirectoryStore[Accounts], timeout: float) -> None:
        """
        @param store: the accounts.
        @param timeout: how long the database has for each at most, in seconds.
        """
        self._store = store
        self._timeout = min(timeout, self.longest)
        self._isUnderWay = False
        # Until when users are left alone, and until when all are.
        self._resting: dict[bytes, float] = {}
        self._allRest = 0.0

    def begin(self, name: bytes, password: bytes, old: bytes, workers: Workers) -> None:
        """
        Begin to replace the hash of a user, unless another one's is being replaced: the
        next login will do.

        @param name: their name, as the database spells it.
        @param password: the password, which is the right one.
        @param old: what is stored.
        @param workers: the threads that hash.
        """
        now = workers.seconds()
        if self._isUnderWay or max(self._allRest, self._resting.get(name, now)) > now:
            return
        self._isUnderWay = True

        def cbMade(new: bytes) -> Deferred[bool]:
            until = time.monotonic() + self._timeout
            update, asked = self._store.directory.update, (name, new, old, until)
            return self._store.workers.run(update, *asked, source=_SOURCE)

        making = workers.run(make, password, source=_SOURCE)
        ending = making.addCallback(cbMade)
        ending.addCallback(self._cbReplaced, name)
        ending.addErrback(self._ebFailed, name, now + _OUTAGE)
        ending.addCallback(self._cbEnded, name, now + _PAUSE)

    def _cbEnded(self, isReplaced: bool | None, name: bytes, until: float) -> None:
        """
        Leave a user alone whose hash couldn't be replaced.

        @param isReplaced: whether it was; L{None} if that wasn't tried.
        """
        self._isUnderWay = False
        self._resting.pop(name, None)
        if isReplaced is False:
            self._resting[name] = until
            if len(self._resting) > _MOST_REMEMBERED:
                del self._resting[next(iter(self._resting))]

    def _cbReplaced(self, isReplaced: bool, name: bytes) -> bool:
        """
        Log whether a hash was replaced.
        """
        done = (
            "has a stronger hash now" if isReplaced else "keeps the hash: no row changed"
        )
        self._log.info("{name} {done}", name=_shown(name), done=done)
        return isReplaced

    def _ebFailed(self, failure: Failure, name: bytes, until: float) -> bool | None:
        """
        Log why a hash wasn't replaced.

        @param until: until when all users are left alone, if it isn't due to this one.
        """
        if failure.check(TemporaryFailure):
            # Too many logins wait, or the server stops: the next login will do.
            return None
        why = printable(str(failure.value))
        self._log.warn(
            "The hash of {name} can't be replaced: {why}", name=_shown(name), why=why
        )
        if failure.check(Fault):
            self._allRest = until
        return False


def _shown(name: bytes) -> str:
    """
    Return a name as the log shows it.
    """
    return repr(shortened(name.decode("utf-8", "replace")))


__all__ = ["HashUpgrades"]
