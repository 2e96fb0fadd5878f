"""
A connection to a database: one statement at a time, answered by its deadline.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

from ..._failover import Lost, Slow
from ._driver import Driver
from ._errors import BadRow, BadStatement, Stale
from ._statement import spell
from ._transaction import Result
from ._watchdog import WATCHDOG

# How long a statement waits, in seconds, before the server is probed.
_PATIENCE = 1.0


class Connection:
    """
    A connection.

    @ivar usedAt: when it was last used, by L{time.monotonic}.
    @ivar isReused: whether it has been idle since it was opened.
    @ivar isClean: whether it can be used again.
    @ivar isLate: whether a statement was given up, which may still go on at the server.
    @ivar isHopeless: a function that returns whether to wait no longer, which is called
        now and then.
    @ivar cancellation: the statement that ends, on another connection, what this one is
        doing; C{""} if nothing goes on when it is closed.
    @ivar onLate: a function that is called when a connection is closed that is late.
    """

    def __init__(self, name: str, driver: Driver, raw: Any) -> None:
        """
        @param name: the server's, for messages.
        @param driver: the driver.
        @param raw: the driver's connection, which is closed if this fails.
        """
        self.usedAt = time.monotonic()
        self.isReused = self.isLate = False
        self.isClean = True
        self.isHopeless: Callable[[], bool] = _never
        self.onLate: Callable[[Connection], None] = _ignore
        self.driver = driver
        self._name = name
        self._raw = raw
        self._lock = Lock()
        self._until = self._patientUntil = math.inf
        try:
            self.cancellation = driver.cancellationOf(raw)
            self._cursor = raw.cursor()
            self._switch = driver.switchOf(raw)
            WATCHDOG.add(self)
        except BaseException:
            raw.close()
            raise

    def ask(
        self,
        statement: str,
        values: Mapping[str, object],
        until: float,
        most: int | None = None,
    ) -> Result:
        """
        Execute a statement.

        @param statement: the statement, with C{:name} where a value is bound.
        @param values: the values.
        @param until: the deadline, by L{time.monotonic}.
        @param most: how many rows there may be; L{None} if any number.

        @raise Fault: if the server can't be used.
        @raise BadStatement: if the database refuses it, or there are too many rows.
        @raise BadValue: if no row could hold a value.
        @raise Conflict: if another transaction is in the way.
        """
        driver = self.driver
        if self.isReused and not driver.isCurrent(self._raw):
            raise Lost(f"{self._name} was replaced")
        spelled = spell(statement, driver.dialect, driver.style)
        bound = spelled.bind(values)
        now = time.monotonic()
        if now >= until:
            raise Slow(f"{self._name}: there is no time left")
        self._patientUntil = now + _PATIENCE
        self._until = until
        try:
            # A cursor takes as long to make as all of this.
            cursor = self._cursor
            cursor.execute(spelled.text, bound)
            columns = driver.columnsOf(cursor)
            rows: list[tuple[Any, ...]] = []
            if columns:
                rows = cursor.fetchall() if most is None else cursor.fetchmany(most + 1)
            count = cursor.rowcount
        except Exception as error:
            meant = self._meaningOf(error)
            self._renewCursor()
            raise meant from None
        finally:
            # From here on the watchdog lets it be.
            with self._lock:
                self._until = math.inf
        self.usedAt = now
        if most is not None and len(rows) > most:
            self._renewCursor()
            raise BadStatement(f"{self._name}: there are more than {most} rows")
        if rows and type(rows[0]) is not tuple:
            rows = list(map(tuple, rows))
        return Result(columns, list(rows), count, self._name)

    def look(self, now: float) -> None:
        """
        End a statement that takes too long.

        @param now: the time, by L{time.monotonic}.
        """
        if self._until == math.inf:
            return
        isHopeless = False
        if self._patientUntil <= now < self._until:
            self._patientUntil = now + _PATIENCE
            isHopeless = self.isHopeless()
        with self._lock:
            # It may have been answered in the meantime.
            isUnderWay = self._until < math.inf
            if isUnderWay and (isHopeless or now >= self._until):
                self.isLate, self.isClean = True, False
                self._switch.cut()

    def spoil(self) -> None:
        """
        Keep it from ever being used again.
        """
        self.isClean = False

    def close(self) -> None:
        """
        Close it, without waiting.
        """
        WATCHDOG.remove(self)
        if self.isLate:
            self.onLate(self)
        with suppress(Exception):
            self._raw.close()
        self._switch.close()

    def _renewCursor(self) -> None:
        """
        Give up rows that were not fetched: SQLite has the file locked for them.
        """
        try:
            self._cursor.close()
            self._cursor = self._raw.cursor()
        except Exception:
            # It is lost, too.
            self.spoil()

    def _meaningOf(self, error: Exception) -> Exception:
        """
        Return what an error of the driver means.
        """
        if self.isLate:
            return Slow(f"{self._name} doesn't answer in time")
        meant = self.driver.errorOf(error)
        if isinstance(meant, (BadRow, Stale)):
            # Other rows may still be on their way.
            self.spoil()
        return type(meant)(f"{self._name}: {meant}")


def _never() -> bool:
    """
    Return False: it is waited for until the deadline.
    """
    return False


def _ignore(connection: Connection) -> None:
    """
    Do nothing.
    """


__all__ = ["Connection"]
