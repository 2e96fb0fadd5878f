"""
A database, as threads see it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

from .._failover import Fault
from ._drivers import Driver, driverFor
from ._errors import BadStatement, BadValue, Conflict
from ._transaction import Result, Transaction
from ._url import DatabaseURL

_T = TypeVar("_T")


class _Connection:
    """
    A connection.
    """

    def __init__(self, driver: Driver, seconds: float) -> None:
        self.dialect = driver.dialect
        self._driver = driver
        self._spelled: dict[str, str] = {}
        try:
            self.raw: Any = driver.connect(seconds)
        except Exception as error:
            raise Fault(str(error)) from None

    def execute(self, statement: str, **values: object) -> Result:
        """
        Execute a statement.
        """
        spelled = self._spelled.get(statement)
        if spelled is None:
            spelled = self._spelled[statement] = self._driver.spelled(statement)
        try:
            cursor = self.raw.cursor()
            try:
                cursor.execute(spelled, values)
                described = cursor.description
                rows = cursor.fetchall() if described else []
                columns = tuple(str(each[0]) for each in described or ())
                return Result(columns, [tuple(row) for row in rows], cursor.rowcount)
            finally:
                cursor.close()
        except Exception as error:
            raise self._driver.errorOf(error) from None


class Database:
    """
    A database, on one server or on several that hold the same.
    """

    def __init__(self, urls: Sequence[DatabaseURL], *, timeout: float = 10.0) -> None:
        """
        @param urls: where it is, the preferred server first.
        @param timeout: how long a look-up may take, in seconds.
        """
        self.dialect = urls[0].dialect
        self._drivers = [driverFor(url) for url in urls]
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._lock = Lock()
        self._notes: deque[str] = deque(maxlen=100)

    def read(self, statement: str, values: Mapping[str, object], until: float) -> Result:
        """
        Execute a statement that only reads: where an old connection proves to be lost it
        is executed once more, on a new one.

        @param statement: the statement, as for L{Transaction.execute}.
        @param values: the values to bind.
        @param until: the deadline, by L{time.monotonic}.

        @raise Fault: if no server works.
        @raise BadStatement: if the database refuses the statement.
        @raise BadValue: if no row could hold a value.
        """
        connection = self._take()
        try:
            result = connection.execute(statement, **values)
        except (BadStatement, BadValue):
            self._keep(connection)
            raise
        except Exception:
            with suppress(Exception):
                connection.raw.close()
            raise
        self._keep(connection)
        return result

    def transaction(self, work: Callable[[Transaction], _T], until: float) -> _T:
        """
        Have a function execute statements in one transaction, and return what it returns.
        If it raises, none of them takes effect.

        @param work: the function.  Where another transaction was in the way it is called
            again, so it must do nothing else.
        @param until: the deadline, by L{time.monotonic}.

        @raise Fault: if no server works.
        """
        while True:
            connection = self._take()
            try:
                connection._driver.begin(connection.raw)
                outcome = work(connection)
                connection.execute("commit")
            except Conflict:
                connection.raw.rollback()
                continue
            except BaseException:
                with suppress(Exception):
                    connection.raw.rollback()
                raise
            self._keep(connection)
            return outcome

    def takeNotes(self) -> Iterator[str]:
        """
        Yield the lines for the log about servers, each once.
        """
        while self._notes:
            yield self._notes.popleft()

    def close(self) -> None:
        """
        Close all connections, those in use as they become idle.
        """
        while self._idle:
            self._idle.pop().raw.close()

    def _take(self) -> _Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Connection(self._drivers[0], self._timeout)

    def _keep(self, connection: _Connection) -> None:
        self._idle.append(connection)


__all__ = ["Database"]
