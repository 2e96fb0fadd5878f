"""
The drivers of databases: connecting, the spelling of bound values, and what an error
means.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

from .._failover import Fault, Lost
from ._errors import BadStatement, BadValue, Conflict
from ._url import DatabaseURL


class Driver(Protocol):
    """
    A driver, for one database.
    """

    dialect: str

    def connect(self, seconds: float) -> Any:
        """
        Return a new connection of DB-API (PEP 249), on which each statement is a
        transaction until L{begin}.

        @param seconds: how long that may take.
        """

    def spelled(self, statement: str) -> str:
        """
        Return a statement as the driver wants bound values spelled.
        """

    def begin(self, connection: Any) -> None:
        """
        Begin a transaction.
        """

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error of the driver means.
        """


class SQLiteDriver:
    """
    The driver that comes with Python.
    """

    dialect = "sqlite"

    def __init__(self, url: DatabaseURL) -> None:
        self._path = url.path

    def connect(self, seconds: float) -> sqlite3.Connection:
        """
        Open the file.
        """
        return sqlite3.connect(
            self._path, timeout=seconds, isolation_level=None, check_same_thread=False
        )

    def spelled(self, statement: str) -> str:
        """
        Return the statement as it is.
        """
        return statement

    def begin(self, connection: sqlite3.Connection) -> None:
        """
        Begin a transaction that may write.
        """
        connection.execute("begin immediate")

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error means.
        """
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Conflict(str(error))
        if isinstance(error, UnicodeError):
            return BadValue(str(error))
        if name in ("SQLITE_ERROR", "SQLITE_READONLY") or not name:
            return BadStatement(str(error))
        return Fault(str(error))


class AlchemyDriver:
    """
    A driver that SQLAlchemy knows.
    """

    def __init__(self, url: DatabaseURL) -> None:
        dialect = url.url.get_dialect()
        self.dialect = url.dialect
        self._url = url.url
        self._alchemy = dialect(dbapi=dialect.import_dbapi())
        self._errors = self._alchemy.dbapi

    def connect(self, seconds: float) -> Any:
        """
        Connect to the server.
        """
        arguments, more = self._alchemy.create_connect_args(self._url)
        more.setdefault("connect_timeout", max(1, round(seconds)))
        connection = self._alchemy.connect(*arguments, **more)
        self._alchemy.set_isolation_level(connection, "AUTOCOMMIT")
        return connection

    def spelled(self, statement: str) -> str:
        """
        Return the statement with parameters as the driver has them.
        """
        from sqlalchemy import text

        return str(text(statement).compile(dialect=self._alchemy))

    def begin(self, connection: Any) -> None:
        """
        Begin a transaction.
        """
        connection.cursor().execute("begin")

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error means.
        """
        if isinstance(error, (self._errors.DataError, UnicodeError)):
            return BadValue(str(error))
        if isinstance(
            error, (self._errors.ProgrammingError, self._errors.NotSupportedError)
        ):
            return BadStatement(str(error))
        return Lost(str(error))


def driverFor(url: DatabaseURL) -> Driver:
    """
    Return the driver for a database.

    @raise ImportError: if a library is missing.
    """
    return SQLiteDriver(url) if url.dialect == "sqlite" else AlchemyDriver(url)


def boundValues(values: Mapping[str, object]) -> dict[str, object]:
    """
    Return values as drivers take them.
    """
    return dict(values)


__all__ = ["AlchemyDriver", "Driver", "SQLiteDriver", "driverFor"]
