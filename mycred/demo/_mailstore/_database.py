"""
The database of the store, off the reactor's thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..._failover import Fault, Slow, Unsure
from ..._secrets import printable
from ..._sql.client import BadValue, Database, DatabaseURL, Result, Transaction
from ...error import TemporaryFailure
from ...workers import Workers
from ._mailbox import MailboxFull, NoSuchUser, Unavailable
from ._schema import WrongTables, insistOnTables
from ._turns import Turns

_T = TypeVar("_T")

#: How long a transaction may take, in seconds.
TIMEOUT = 20.0

# What part of that it has in its thread, so that its end is known before it is given up;
# and the part after which it isn't begun any more.
_SHARE, _LATEST = 29 / 30, 3 / 4

# How much longer it may take to change the tables of an earlier version in a file.
_MIGRATING = 3600.0

# How many transactions there are at a time.  SQLite has one.
_THREADS = 4

# How many rows a statement may bring: no mailbox has as many messages.
_MOST_ROWS = 10_000

# With what a transaction says how it ends, and why the database can't be used; all other
# exceptions are defects.
_ANSWERS = (NoSuchUser, MailboxFull)
_OUTAGES = (BadValue, Fault, Unsure, WrongTables)


class StoreDatabase:
    """
    The database, whose transactions are done in threads.

    @ivar place: the database.
    @ivar reactor: the reactor.
    """

    _log = Logger()
    _database: Database

    def __init__(
        self, place: DatabaseURL, timeout: float, workers: Workers | None, reactor: Any
    ) -> None:
        """
        @param place: the database.
        @param timeout: how long a transaction may take, in seconds.
        @param workers: the threads; if L{None}, some for this database alone.
        @param reactor: the reactor.
        """
        self.place = place
        self.reactor = reactor
        self._timeout = timeout
        threads = 1 if place.dialect == "sqlite" else _THREADS
        self._workers = workers or Workers(
            reactor, threads, deadline=timeout, job="store request"
        )
        self._isFailing = self._isChecked = False
        self._underWay: set[Deferred[Any]] = set()
        self._turns = Turns()
        if place.dialect == "sqlite":
            # Other users of the machine must not read the mail.
            os.close(os.open(place.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = Database([place], timeout=timeout, connections=threads)

    @property
    def isThreaded(self) -> bool:
        """
        Whether the reactor runs, so that threads have something to wait for.
        """
        return self._workers.isRunning

    def close(self) -> Deferred[None]:
        """
        Close it, after the transactions that are under way.

        @return: a L{Deferred} that fires when they have ended, or have taken too long.
        """
        ending = DeferredList(list(self._underWay))
        return ending.addCallback(lambda _: self._database.close())

    def read(self, work: Callable[[Transaction], _T], user: bytes) -> Deferred[_T]:
        """
        Do something for a user that only reads.

        @param work: what to do.  Each of its statements is a transaction of its own.

        @return: a L{Deferred} as from L{change}.
        """

        def read(until: float) -> _T:
            def ask(statement: str, values: Mapping[str, object]) -> Result:
                return self._database.read(statement, values, until, most=_MOST_ROWS)

            return work(Transaction(self._database.dialect, ask))

        return self._awaited(self._run(read, user, time.monotonic()))

    def change(self, work: Callable[[Transaction], _T], *users: bytes) -> Deferred[_T]:
        """
        Change the mailboxes of users in one transaction, when no other changes them.

        @param work: what to do.  It may be done again if another transaction was in the
            way, and must have no other effects.
        @param users: the users, in their order.

        @return: a L{Deferred} that fires with what it returns, and fails with what it
            raises, or with L{Unavailable}.
        """

        def change(until: float) -> _T:
            return self._database.transaction(work, until)

        def late(_: object, seconds: float) -> Failure:
            return Failure(Slow("other changes of the same mailbox take too long"))

        now = time.monotonic()
        if not self.isThreaded:
            return self._awaited(self._run(change, users[0], now))
        changing = self._turns.run(users, lambda: self._run(change, users[0], now))
        return self._awaited(changing.addTimeout(self._timeout, self.reactor, late))

    def _run(
        self, work: Callable[[float], _T], user: bytes, began: float
    ) -> Deferred[_T]:
        """
        Do something in a thread.

        @param work: what to do, on the deadline.
        @param user: for whom: users take turns, however much each asks for.
        @param began: since when it is waited for, by L{time.monotonic}.
        """
        until, latest = began + self._timeout * _SHARE, began + self._timeout * _LATEST
        return self._workers.run(self._inThread, work, until, latest, source=(user,))

    def _awaited(self, running: Deferred[_T]) -> Deferred[_T]:
        """
        Wait for something, and log how the store is doing.
        """
        self._underWay.add(running)

        def cbDone(outcome: _T | Failure) -> _T | Failure:
            self._underWay.discard(running)
            for note in self._database.takeNotes():
                self._log.warn("{note}", note=printable(note))
            return outcome

        return running.addBoth(cbDone).addCallbacks(self._cbWorks, self._ebFailed)

    def _inThread(self, work: Callable[[float], _T], until: float, latest: float) -> _T:
        """
        Do something, in a thread, if there is time: otherwise what comes next has some.
        """
        if time.monotonic() > latest:
            raise Slow("too much waits for it")
        if not self._isChecked:
            # To change the tables of an earlier version takes as long as to copy the
            # file, and isn't begun anew when the client has waited for too long.
            isFile = self.place.dialect == "sqlite"
            insistOnTables(self._database, until + isFile * _MIGRATING)
            self._isChecked = True
        return work(until)

    def _cbWorks(self, outcome: _T) -> _T:
        """
        Log that the store can be used again.
        """
        if self._isFailing:
            self._isFailing = False
            self._log.info("The store works again: {place}", place=self.place)
        return outcome

    def _ebFailed(self, failure: Failure) -> Failure:
        """
        Log why the store can't be used: an outage once, and not for each who waits.

        @return: what a transaction answers as it is, and so that nobody waits any more;
            anything else as L{Unavailable}.
        """
        if failure.check(CancelledError, *_ANSWERS):
            return failure
        if not failure.check(TemporaryFailure, *_OUTAGES):
            self._log.failure("The store failed", failure)
        elif not self._isFailing:
            self._isFailing = True
            place, why = str(self.place), printable(str(failure.value))
            # Most errors of the database say where it is.
            why = why if why.startswith(place) else f"{place}: {why}"
            self._log.error("The store failed: {why}", why=why)
        return Failure(Unavailable("Temporarily unavailable"))


__all__ = ["TIMEOUT", "StoreDatabase"]
