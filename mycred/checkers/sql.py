"""
A checker that asks a database of accounts.

::

    from mycred.checkers.sql import SQLChecker, sqlSettings

    settings = sqlSettings(
        url="postgresql://myapp@db.example.org/accounts",
        passwordfile="/etc/myapp/db-password",
        query="select name, password from users where name = :username",
    )
    portal = Portal(realm, [SQLChecker(settings)])

They aren't in L{mycred.checkers}: a program without a database needn't wait for its
libraries.
"""

from .._sql import (
    OPTIONS as sqlOptions,
    Settings as SQLSettings,
    readSettings,
    sqlSettings,
)
from .._verdict import SQLAccount
from ._sql import SQLChecker

__all__ = [
    "SQLAccount",
    "SQLChecker",
    "SQLSettings",
    "readSettings",
    "sqlOptions",
    "sqlSettings",
]
