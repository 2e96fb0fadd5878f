"""
A database, as threads see it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from secrets import SystemRandom
from typing import Any, TypeVar

from ..._failover import Brief, Failover, Slow
from ._connection import Connection
from ._drivers import driverFor
from ._errors import HARMLESS, Conflict
from ._server import ROLE, SQLServer
from ._transact import Outcome, transact
from ._transaction import Result, Transaction
from ._url import DatabaseURL

_T = TypeVar("_T")

# How long one waits at most, in seconds, before it begins again because another
# transaction was in the way: the first time, and later.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.32
_RANDOM = SystemRandom()


class Database:
    """
    A database, on one server or on several that hold the same.

    Nothing here takes longer than its deadline, whatever a server does, but for a moment:
    a thread looks ten times a second.

    @ivar dialect: the kind of database, as in L{DatabaseURL}.
    """

    def __init__(
        self, urls: Sequence[DatabaseURL], *, timeout: float = 10.0, connections: int = 4
    ) -> None:
        """
        @param urls: where it is, the preferred server first.
        @param timeout: how long a look-up may take, in seconds.
        @param connections: how many connections there may be to each server, and one more
            while it is probed because it has failed.

        @raise ValueError: if the servers aren't all of one kind.
        """
        self.dialect = urls[0].dialect
        if any(url.dialect != self.dialect for url in urls):
            raise ValueError("the servers of one database are of one kind")
        self._urls = urls
        self._drivers = [driverFor(url) for url in urls]
        self._timeout = timeout
        self._connections = connections
        self._notes: deque[str] = deque(maxlen=100)
        self._startOver()

    def read(
        self,
        statement: str,
        values: Mapping[str, object],
        until: float,
        most: int = 1000,
    ) -> Result:
        """
        Execute a statement that only reads: where an old connection proves to be lost it
        is executed once more, on a new one.

        @param statement: the statement, as for L{Transaction.execute}.
        @param values: the values to bind.
        @param until: the deadline, by L{time.monotonic}.
        @param most: how many rows there may be.  More of them come over the network all
            the same: clients of most databases take whole results.

        @raise Fault: if no server works.
        @raise BadStatement: if the database refuses the statement, or finds more rows.
        @raise BadValue: if no row could hold a value.
        """

        def work(connection: Connection, until: float) -> Outcome:
            try:
                return connection.ask(statement, values, until, most), None
            except HARMLESS as error:
                return None, error

        result: Result = self._use(work, until)
        return result

    def transaction(self, work: Callable[[Transaction], _T], until: float) -> _T:
        """
        Have a function execute statements in one transaction, and return what it returns.
        If it raises, or if one of the statements fails, none of them takes effect.

        @param work: the function.  Where another transaction was in the way, or an old
            connection proves to be lost, it is called again: it must do nothing else.
        @param until: the deadline, by L{time.monotonic}.

        @raise OutcomeUnknown: if the connection was lost at the very end.
        @raise Fault: if no server works.
        @raise BadStatement: if the database refuses a statement.
        @raise BadValue: if no row could hold a value.
        """
        outcome: _T = self._use(partial(transact, work), until)
        return outcome

    def takeNotes(self) -> Iterator[str]:
        """
        Yield the lines for the log about servers, each once.
        """
        # Other threads take some, too.
        with suppress(IndexError):
            while True:
                yield self._notes.popleft()

    def close(self) -> None:
        """
        Close all connections, those in use as they become idle.
        """
        self._failover.close()

    def _startOver(self) -> None:
        """
        Forget all connections: those of the parent are shut without a word.
        """
        self._process = os.getpid()
        most = self._connections
        makers = [
            partial(SQLServer, str(url), driver, most)
            for url, driver in zip(self._urls, self._drivers)
        ]
        self._failover = Failover(
            makers,
            "server of the database",
            timeout=self._timeout,
            note=self._notes.append,
            pauses=Brief,
        )

    def _use(self, work: Callable[[Connection, float], Outcome], until: float) -> Any:
        """
        Call a function with a connection, and again as long as other transactions are in
        the way.

        @return: what the function returns.

        @raise Exception: what it returns instead.
        """
        if self._process != os.getpid():
            self._startOver()
        longest = _FIRST_PAUSE
        while True:
            outcome, error = self._failover.use(ROLE, until, work)
            if error is None:
                return outcome
            if not isinstance(error, Conflict):
                raise error
            pause = _RANDOM.uniform(0.0, longest)
            if time.monotonic() + pause >= until:
                raise Slow(f"other transactions are in the way: {error}")
            time.sleep(pause)
            longest = min(2 * longest, _LONGEST_PAUSE)


__all__ = ["Database"]
