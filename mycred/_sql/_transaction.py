"""
Statements on one connection.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Result(NamedTuple):
    """
    What a statement has brought.

    @ivar columns: the names of the columns.
    @ivar rows: the rows, each with the columns' values.
    @ivar count: how many rows were found or changed.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    count: int


class Transaction(Protocol):
    """
    A transaction: all of its statements take effect, or none.

    @ivar dialect: the kind of database, as in L{DatabaseURL}.
    """

    dialect: str

    def execute(self, statement: str, **values: object) -> Result:
        """
        Execute a statement.

        @param statement: the statement, with C{:name} where a value is bound.  A colon
            that isn't meant so is written C{\\:}.
        @param values: the values.

        @raise BadStatement: if the database refuses it.
        @raise BadValue: if no row could hold a value.
        """


__all__ = ["Result", "Transaction"]
