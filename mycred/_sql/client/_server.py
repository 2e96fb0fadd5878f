"""
One server of a database: opening connections to it, and ending what goes on there after
a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from threading import BoundedSemaphore, Thread

from ..._failover import Fault, Server, Slow, Terms
from ._connection import Connection
from ._driver import Driver
from ._opening import Opening

#: What connections are for.
ROLE = "statements"


class SQLServer(Server[str, Connection]):
    """
    A server of a database.
    """

    def __init__(self, name: str, driver: Driver, connections: int, terms: Terms) -> None:
        """
        @param name: its name, for messages.
        @param driver: what connects to it.
        @param connections: how many connections there may be.
        @param terms: how it is used.
        """
        super().__init__(name, (ROLE,), terms, most=connections)
        self._driver = driver
        self._name = name
        self._pool = self._pools[ROLE]
        # One more for a probe.
        self._places = BoundedSemaphore(connections + 1)

    def open(self, role: str, until: float) -> Connection:
        """
        Open a connection.

        @raise Slow: if that takes too long.
        """
        connection = self._openInThread(until, self.isHopeless)
        connection.isHopeless = self.isHopeless
        return connection

    def openAnswered(self, role: str, until: float) -> Connection:
        """
        Open a connection, and have something answered on it.
        """
        connection = self._openInThread(until, lambda: False)
        _answered(connection, "select 1", until)
        # A probe itself isn't given up before its time.
        connection.isHopeless = self.isHopeless
        return connection

    def _openInThread(self, until: float, isHopeless: Callable[[], bool]) -> Connection:
        """
        Open a connection in a thread, since it can take longer than it may: a name is
        looked up, or TLS begun, or the server says nothing.  One that comes too late is
        kept if it is wanted then.
        """
        if not self._places.acquire(blocking=False):
            raise Slow(f"{self._name}: too many connections are being opened already")
        opening = Opening(self._name, partial(self._connect, until), self._pool)
        return opening.wait(until, isHopeless, self._places.release)

    def _connect(self, until: float) -> Connection:
        """
        Open a connection.
        """
        try:
            raw = self._driver.connect(max(0.0, until - time.monotonic()))
            connection = Connection(self._name, self._driver, raw)
        except Exception as error:
            kind = type(error) if isinstance(error, Fault) else Fault
            raise kind(f"{self._name}: {error}") from None
        connection.onLate = self._cancel
        return connection

    def _cancel(self, late: Connection) -> None:
        """
        End what a server still does for a connection that was given up, in a thread:
        statements that wait for a lock would be more and more otherwise.  The new
        connection that this takes is kept if it is wanted.
        """
        if not late.cancellation:
            return
        free = self._pool.hold()

        def work() -> None:
            until = time.monotonic() + self._timeout
            try:
                connection = self._connect(until)
                _answered(connection, late.cancellation, until)
            except Fault:
                free()
            else:
                free()
                connection.isHopeless = self.isHopeless
                self._pool.offer(connection)

        try:
            Thread(target=work, daemon=True).start()
        except RuntimeError:
            free()


def _answered(connection: Connection, statement: str, until: float) -> None:
    """
    Have a statement answered on a connection, which is closed if that fails.
    """
    try:
        connection.ask(statement, {}, until)
    except BaseException:
        connection.close()
        raise


__all__ = ["ROLE", "SQLServer"]
