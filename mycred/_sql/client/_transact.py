"""
One try of a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union

from ..._failover import Fault
from ._connection import Connection
from ._errors import HARMLESS, Conflict, OutcomeUnknown
from ._transaction import Result, Transaction

_T = TypeVar("_T")

#: What has come out of a look-up or a transaction, or else the error that was raised: a
#: server that refuses a statement works all the same.
Outcome = tuple[Any, Union[Exception, None]]


def transact(
    work: Callable[[Transaction], _T], connection: Connection, until: float
) -> Outcome:
    """
    Have a function execute statements in a transaction.

    @param work: the function.
    @param connection: the connection, on which no transaction is under way afterwards.
    @param until: the deadline, by L{time.monotonic}.

    @return: what it returns, or else the error that was raised.

    @raise Fault: if the connection is lost, and with it the transaction.
    """
    failed: list[Exception] = []

    def ask(statement: str, values: Mapping[str, object]) -> Result:
        try:
            return connection.ask(statement, values, until)
        except Exception as error:
            failed.append(error)
            raise

    try:
        connection.ask(connection.driver.begin, {}, until)
    except HARMLESS as error:
        return None, error
    outcome = None
    try:
        outcome = work(Transaction(connection.driver.dialect, ask))
    except Exception as error:
        failed.append(error)
    if failed:
        # Also if the function went on: PostgreSQL undoes everything then, and MySQL just
        # that statement.
        return None, _undone(connection, until, _worst(failed))
    try:
        connection.ask("commit", {}, until)
    except HARMLESS as error:
        return None, _undone(connection, until, error)
    except Fault as fault:
        connection.spoil()
        return None, OutcomeUnknown(f"nobody knows whether it took effect: {fault}")
    return outcome, None


def _worst(errors: list[Exception]) -> Exception:
    """
    Return the error that counts: the function may have raised another one after it.

    @raise Fault: if the connection is lost.
    """
    for error in errors:
        if isinstance(error, Fault):
            raise error
    return next((each for each in errors if isinstance(each, Conflict)), errors[-1])


def _undone(connection: Connection, until: float, error: Exception) -> Exception:
    """
    Undo a transaction.

    @return: the error that was the reason.
    """
    try:
        connection.ask("rollback", {}, until)
    except Exception:
        # The server undoes it when the connection is closed.
        connection.spoil()
    return error


__all__ = ["Outcome", "transact"]
