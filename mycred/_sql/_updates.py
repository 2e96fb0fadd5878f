"""
The statement that replaces a hash.
"""

from __future__ import annotations

from secrets import token_hex

from .client import BadStatement, Database, Transaction


class _Undone(Exception):
    """
    A transaction is to be undone.

    @ivar rows: how many rows it has changed.
    """

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def replaceHash(
    database: Database, statement: str, name: bytes, hash: bytes, old: bytes, until: float
) -> bool:
    """
    Replace the hash of a user, and return whether a row was changed.

    @param statement: the statement.
    @param name: their name, as the database spells it.
    @param hash: the new one.
    @param old: what was stored.
    @param until: the deadline, by L{time.monotonic}.

    @raise Fault: if the database can't be used now.
    @raise BadStatement: if it refuses the statement, or that changes several rows.
    @raise BadValue: if no row could hold the hash.
    """
    texts = [value.decode("utf-8") for value in (name, hash, old)]

    def work(transaction: Transaction) -> bool:
        rows = _execute(transaction, statement, *texts)
        if rows > 1:
            raise _Undone(rows)
        return rows == 1

    try:
        return database.transaction(work, until)
    except _Undone as undone:
        raise BadStatement(f"it changes {undone.rows} rows") from None


def tryUpdate(database: Database, statement: str, until: float) -> None:
    """
    Have the database execute the statement, for a user whom nobody is, and undo that.

    @raise Fault: if the database can't be used now.
    @raise BadStatement: if it refuses the statement, or that changes any row.
    """
    nobody = token_hex(16)

    def work(transaction: Transaction) -> None:
        raise _Undone(_execute(transaction, statement, nobody, nobody, nobody))

    try:
        database.transaction(work, until)
    except _Undone as undone:
        if undone.rows:
            raise BadStatement(
                "it changes users of any name; write where ... = :name"
            ) from None


def _execute(
    transaction: Transaction, statement: str, name: str, password: str, old: str
) -> int:
    """
    Execute the statement, and return how many rows it has changed.
    """
    return transaction.execute(statement, name=name, password=password, old=old).count


__all__ = ["replaceHash", "tryUpdate"]
