"""
State that processes share by a database: PostgreSQL, MariaDB or MySQL, or an SQLite file.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TypeVar

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..._failover import Fault, Slow, Unsure
from ..._secrets import printable
from ..._sql.client import (
    BadStatement,
    BadValue,
    Database,
    DatabaseURL,
    Refused,
    Result,
    Transaction,
)
from ...error import TemporaryFailure
from ...workers import Workers
from .._buckets import letThrough
from .._errors import StateUnavailable
from .._interface import Guess, ISharedState, Outcome, Reservation
from ._counting import Waits, charge, seen, settle, surplus
from ._entries import Entries, Old
from ._tables import DIALECTS, WrongTables, insistOnTables

_T = TypeVar("_T")

# Why the database can't be used; all other exceptions are defects.
_OUTAGES = (BadValue, Fault, Unsure, WrongTables)

# How much longer a caller waits than the database has, so that it is told why not; how
# long a check may take at least, for which a program waits at its start; and how long a
# sweep, for which nobody waits.  In seconds.
_GRACE, _CHECK, _SWEEP = 5.0, 10.0, 10.0

_TOO_MUCH = "too much waits for the database"

# Until when a guess waits, by time.monotonic; the guess, and its answer.
_Waiting = tuple[float, Guess, "Deferred[Reservation]"]

# How many entries are deleted, and how many guesses are counted, in one transaction.
_FEW, _TOGETHER = 200, 50


@implementer(ISharedState)
class SQLState:
    """
    State in the tables of a database.

    The database's clock counts.  Guesses that are let through at a time are counted in
    one transaction, in which their buckets are locked in the order of their names; one
    that has to wait only reads.  What is forgotten is deleted little by little.  Where
    failures fill the table those go first that would be forgotten first.

    @cvar MOST: how many entries there may be besides values; for a while there are some
        more.
    @cvar SWEEP_EVERY: after how many guesses a sweep deletes what was forgotten.
    @cvar SWEEP_SIZE: how many entries a sweep deletes: a guess makes six at most.
    @cvar COUNT_EVERY: after how many sweeps the entries are counted.
    """

    MOST = 1_000_000
    SWEEP_EVERY = 100
    SWEEP_SIZE = 1000
    COUNT_EVERY = 100

    _log = Logger()

    def __init__(
        self,
        urls: Sequence[DatabaseURL],
        *,
        reactor: object = None,
        timeout: float = 1.0,
        connections: int = 4,
        workers: Workers | None = None,
    ) -> None:
        """
        Nothing is opened yet.

        @param urls: where the database is, the preferred server first.
        @param reactor: the reactor; the one that is installed if L{None}.
        @param timeout: how long the database may take to answer, in seconds.
        @param connections: how many connections there may be to a server.
        @param workers: the threads that wait for the database; if L{None}, some for this
            alone.

        @raise ValueError: if it is a database of another kind.
        """
        if urls[0].dialect not in DIALECTS:
            raise ValueError("state is shared by PostgreSQL, MariaDB, MySQL and SQLite")
        self._database = Database(urls, timeout=timeout, connections=connections)
        self._dialect = urls[0].dialect
        self._paths = [url.path for url in urls if url.path]
        self._timeout = timeout
        # An SQLite file has one writer.
        self._connections = 1 if self._paths else connections
        self._reactor = reactor
        self._workers = workers
        self._isChecked = False
        # The first guess has deleted what is left of an earlier time.
        self._guesses = self.SWEEP_EVERY - 1
        self._sweeps = self._tooMany = 0
        self._isSweeping = False
        # Guesses, and how many transactions for them are under way.
        self._waiting: deque[_Waiting] = deque()
        self._reserving = 0
        # How much later it is than the database says, in seconds: for tests.
        self._ahead = 0.0

    @property
    def writesLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are written at logins: those of SQLite.
        """
        return tuple(self._paths)

    def check(self) -> None:
        """
        Insist on the database, whose tables are made if there are none, at once and in
        the caller's thread.  A file of SQLite is left to the first login to make, since
        the program may become another user before.

        @raise ValueError: if it refuses this program, or its tables can't be used.
        @raise OSError: if it can't be asked now.
        """
        for path in self._paths:
            if not os.path.exists(path):
                _insistOnDirectory(path)
                return
        try:
            self._insistOnTables(time.monotonic() + max(_CHECK, self._timeout))
        except (Refused, BadStatement, BadValue, WrongTables) as error:
            raise ValueError(printable(str(error))) from None
        except (Fault, Unsure) as error:
            raise OSError(printable(str(error))) from None

    def reserve(self, guess: Guess) -> Deferred[Reservation]:
        """
        Let a login through, or have it wait.
        """
        self._guesses += 1
        answer: Deferred[Reservation] = Deferred()
        self._waiting.append((time.monotonic() + self._timeout, guess, answer))
        self._reserveNext()
        if self._guesses >= self.SWEEP_EVERY and not self._isSweeping:
            self._guesses, self._isSweeping = 0, True
            # Whatever keeps it from that, there is another time.
            self._run(self._sweep, _SWEEP).addBoth(self._endSweep)
        return answer

    def settle(
        self, guess: Guess, reservation: Reservation, outcome: Outcome
    ) -> Deferred[None]:
        """
        Take back what was counted.
        """
        return self._run(partial(self._settle, guess, reservation, outcome))

    def recall(self, key: bytes) -> Deferred[bytes | None]:
        """
        Return the value of a key.
        """
        return self._run(lambda until: self._reading(until).value(key))

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> Deferred[bool]:
        """
        Set the value of a key.
        """

        def replace(entries: Entries) -> bool:
            return entries.replaceValue(key, old, new, seconds)

        return self._run(partial(self._change, replace))

    def close(self) -> None:
        """
        Close the connections, those in use as they become idle.
        """
        self._database.close()

    def _run(
        self, work: Callable[[float], _T], seconds: float | None = None
    ) -> Deferred[_T]:
        """
        Do something in a thread.

        @param work: what to do, on the deadline, by L{time.monotonic}.
        @param seconds: how long that may take; as long as a login if L{None}.

        @return: a L{Deferred} that fails with L{StateUnavailable}.
        """
        if self._workers is None:
            reactor = self._reactor
            if reactor is None:
                from twisted.internet import reactor
            self._workers = Workers(
                reactor,
                self._connections,
                deadline=self._timeout + _GRACE,
                job="request for shared state",
            )
        until = time.monotonic() + (self._timeout if seconds is None else seconds)
        return self._workers.run(self._inThread, work, until).addErrback(_ebBusy)

    def _inThread(self, work: Callable[[float], _T], until: float) -> _T:
        """
        Do something, in a thread, if there is time.

        @raise StateUnavailable: if that fails.
        """
        try:
            if time.monotonic() >= until:
                raise Slow(_TOO_MUCH)
            if not self._isChecked:
                self._insistOnTables(until)
            return work(until)
        except _OUTAGES as error:
            if isinstance(error, BadStatement):
                # The tables were removed.
                self._isChecked = False
            raise StateUnavailable(printable(str(error))) from None
        except Exception:
            # No login fails with it either.
            self._log.failure("Shared state failed")
            raise StateUnavailable("a defect") from None

    def _insistOnTables(self, until: float) -> None:
        """
        Insist on the tables.
        """
        for path in self._paths:
            _insistOnFile(path)
        insistOnTables(self._database, until)
        self._isChecked = True

    def _change(self, work: Callable[[Entries], _T], until: float) -> _T:
        """
        Change entries in one transaction.
        """

        def change(transaction: Transaction) -> _T:
            return work(Entries(transaction, self._ahead))

        return self._database.transaction(change, until)

    def _reading(self, until: float) -> Entries:
        """
        Return the entries for a statement that only reads.
        """

        def ask(statement: str, values: Mapping[str, object]) -> Result:
            return self._database.read(statement, values, until)

        return Entries(Transaction(self._dialect, ask), self._ahead)

    def _reserveNext(self) -> None:
        """
        Ask about guesses that wait, some together: at an account that many guess at, each
        would have to wait for the ends of all transactions before its own.
        """
        if self._reserving >= self._connections:
            return
        now, together = time.monotonic(), list[_Waiting]()
        while self._waiting and len(together) < _TOGETHER:
            until, guess, answer = self._waiting.popleft()
            if answer.called:
                # Nobody waits any more.
                continue
            if now >= until:
                answer.errback(StateUnavailable(_TOO_MUCH))
            else:
                together.append((until, guess, answer))
        if together:
            self._reserving += 1
            guesses = [guess for _, guess, _ in together]
            answering = self._run(partial(self._reserve, guesses))
            answering.addBoth(self._cbReserved, together)

    def _cbReserved(
        self, result: list[Reservation] | Failure, together: list[_Waiting]
    ) -> None:
        """
        Answer guesses that were asked about together.
        """
        self._reserving -= 1
        said: Iterable[Reservation | Failure]
        said = repeat(result) if isinstance(result, Failure) else result
        for (_, _, answer), each in zip(together, said):
            if not answer.called:
                answer.callback(each)
        self._reserveNext()

    def _reserve(self, guesses: Sequence[Guess], until: float) -> list[Reservation]:
        """
        Let logins through, or have them wait.
        """
        fates = seen(self._reading(until), guesses)
        while kinds := {n: fate for n, fate in enumerate(fates) if isinstance(fate, int)}:
            asked = [(guesses[n], kind) for n, kind in kinds.items()]
            counted = self._change(partial(charge, guesses=asked), until)
            for number, fate in zip(kinds, counted):
                fates[number] = fate
        return [
            Reservation(fate.seconds) if isinstance(fate, Waits) else letThrough(fate)
            for fate in fates
            if not isinstance(fate, int)
        ]

    def _settle(
        self, guess: Guess, reservation: Reservation, outcome: Outcome, until: float
    ) -> None:
        """
        Take back what was counted.
        """
        settling = partial(settle, guess=guess, token=reservation.token, outcome=outcome)
        if self._change(settling, until):
            gone = surplus(self._reading(until), guess)
            self._change(lambda entries: entries.remove(gone), until)

    def _sweep(self, until: float) -> None:
        """
        Delete some of what can be forgotten; and what could be soonest, if there are too
        many entries.
        """
        self._remove(self._reading(until).ended(self.SWEEP_SIZE), until)
        if self._tooMany > 0:
            self._tooMany -= self._remove(
                self._reading(until).first(self.SWEEP_SIZE), until
            )
        if self._sweeps % self.COUNT_EVERY == 0:
            self._tooMany = self._reading(until).count() - self.MOST
        self._sweeps += 1

    def _remove(self, old: Old, until: float) -> int:
        """
        Delete entries, few at a time, so that no login waits for all of them.

        @return: how many were deleted.
        """
        removed = 0
        for start in range(0, len(old.names), _FEW):
            few = old._replace(names=old.names[start : start + _FEW])
            removed += self._change(partial(Entries.removeOld, old=few), until)
        return removed

    def _endSweep(self, _: object) -> None:
        """
        Let the next sweep begin.
        """
        self._isSweeping = False


def _insistOnDirectory(path: str) -> None:
    """
    Insist on a directory in which a file can be made.

    @raise ValueError: if there is none.
    """
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(directory):
        raise ValueError(f"there is no directory {directory}; make it")


def _insistOnFile(path: str) -> None:
    """
    Insist on a file that other users of the machine can't read: there are secrets in it.
    If there is none it is made.

    @raise Fault: if it can't be made or opened, or they can.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    os.close(descriptor)
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        why = "everybody can read or write it; change that (chmod o-rwx)"
        raise Refused(f"{path}: {why}")


def _ebBusy(failure: Failure) -> Failure:
    """
    Return the failure of a request that no thread could take.
    """
    if failure.check(TemporaryFailure):
        return Failure(StateUnavailable("too much waits for the database"))
    return failure


__all__ = ["SQLState"]
