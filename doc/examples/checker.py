"""
A checker with a store of its own: C{diary/cred.py} of a small application.

The accounts are in an SQL database, with hashes as C{mycred.hashes} makes them.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from twisted.internet.defer import Deferred

from mycred import hashes
from mycred.checkers import PasswordChecker
from mycred.error import DenialReason

SCHEMA = """
create table accounts (
    name blob primary key, hash blob not null, disabled integer not null default 0
)
"""


def addUser(connection: sqlite3.Connection, name: bytes, password: bytes) -> None:
    """
    Add an account.
    """
    hashed = hashes.make(password)
    connection.execute("insert into accounts (name, hash) values (?, ?)", (name, hashed))


class SpecialChecker(PasswordChecker):
    """
    Check passwords against the table C{accounts}.
    """

    authType = "special"

    def __init__(self, pool: Any) -> None:
        """
        @param pool: a L{twisted.enterprise.adbapi.ConnectionPool}, in whose threads the
            database is asked.
        """
        self._pool = pool

    def lookUp(self, username: bytes) -> Deferred[Any]:
        """
        Look an account up.
        """
        return self._pool.runInteraction(_find, username)  # type: ignore[no-any-return]


def _find(transaction: Any, username: bytes) -> Any:
    """
    Return the account's name, its hash, and why it is denied after the right password.
    """
    query = "select name, hash, disabled from accounts where name = ?"
    transaction.execute(query, (username,))
    found = transaction.fetchone()
    if found is None:
        return None
    name, hashed, isDisabled = found
    return name, hashed, DenialReason.DISABLED if isDisabled else None
