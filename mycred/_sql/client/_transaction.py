"""
Statements of one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Result(NamedTuple):
    """
    What a statement has brought.

    @ivar columns: the names of the columns.
    @ivar rows: the rows, each with the columns' values.
    @ivar count: how many rows were found or changed.
    @ivar server: the name of the server that has executed it.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    count: int  # type: ignore[assignment]
    server: str


class Transaction:
    """
    A transaction: all of its statements take effect, or none.

    @ivar dialect: the kind of database, as in L{DatabaseURL}.
    """

    def __init__(
        self, dialect: str, ask: Callable[[str, Mapping[str, object]], Result]
    ) -> None:
        """
        @param dialect: the kind of database.
        @param ask: what executes a statement with its values.
        """
        self.dialect = dialect
        self._ask = ask

    def execute(self, statement: str, /, **values: object) -> Result:
        """
        Execute a statement.

        @param statement: the statement, with C{:name} where a value is bound, except
            within quotes and comments.
        @param values: the values.

        @raise Fault: if the server can't be used.
        @raise BadStatement: if the database refuses it.
        @raise BadValue: if no row could hold a value.
        """
        return self._ask(statement, values)


__all__ = ["Result", "Transaction"]
