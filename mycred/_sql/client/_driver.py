"""
What a driver of a database is.
"""

from __future__ import annotations

from typing import Any, Protocol


class Switch(Protocol):
    """
    What ends a statement that goes on for too long, from another thread.
    """

    def cut(self) -> None:
        """
        End it, as often as this is called.
        """

    def close(self) -> None:
        """
        Have no more to do with the connection.
        """


class Driver(Protocol):
    """
    A driver, for one database.

    @ivar dialect: the kind of database.
    @ivar style: how bound values are spelled, by PEP 249.
    @ivar begin: what begins a transaction that may write.
    """

    dialect: str
    style: str
    begin: str

    def connect(self, seconds: float) -> Any:
        """
        Return a new connection of DB-API (PEP 249), on which each statement is a
        transaction of its own.

        @param seconds: how long that may take; not all drivers know how to keep to that.

        @raise Fault: if that can't be done.
        """

    def isCurrent(self, connection: Any) -> bool:
        """
        Return whether a connection is still one to this database, which may have been
        replaced.
        """

    def switchOf(self, connection: Any) -> Switch:
        """
        Return what ends a statement that goes on for too long.

        @raise Fault: if there is no such thing.
        """

    def columnsOf(self, cursor: Any) -> tuple[str, ...]:
        """
        Return the names of the columns that a statement brings; none if it brings no
        rows.
        """

    def cancellationOf(self, connection: Any) -> str:
        """
        Return the statement that ends, on another connection, what this one is doing.

        @return: C{""} if nothing goes on when a connection is closed.
        """

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error of the driver means.
        """


__all__ = ["Driver", "Switch"]
