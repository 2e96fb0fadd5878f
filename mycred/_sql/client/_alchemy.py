"""
The databases that SQLAlchemy knows, by its drivers.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..._failover import Fault
from ._driver import Switch
from ._errors import BadStatement, Refused, Stale
from ._meanings import Meaning, byClass, byNumber, bySQLState
from ._refusals import refusalOf, unusable
from ._sessions import (
    descriptorOf,
    insistOnTLS,
    isChanged,
    nameApart,
    sessionOf,
    wantsTLS,
)
from ._texts import inOneLine, textOf, withoutValues
from ._url import DatabaseURL

# By the driver: the arguments that limit how long it waits, for whole seconds.
_TIMEOUTS: Mapping[str, tuple[str, ...]] = {
    "mysqldb": ("connect_timeout", "read_timeout", "write_timeout"),
    "pg8000": ("timeout",),
    "psycopg": ("connect_timeout",),
    "psycopg2": ("connect_timeout",),
    "pymysql": ("connect_timeout", "read_timeout", "write_timeout"),
}

# libpq takes no shorter one.
_SHORTEST_TIMEOUT = 2

_MEANINGS: Mapping[str, Callable[[Exception], Meaning]] = {
    "mysql": byNumber,
    "postgresql": bySQLState,
}

# The arguments that are files, for libpq and PyMySQL.
_FILES = {"sslrootcert", "sslcert", "sslkey", "ssl_ca", "ssl_cert", "ssl_key"}

# What ends what another session of the same user is doing.
_CANCELLATIONS: Mapping[str, str] = {
    "mysql": "kill query {}",
    "postgresql": "select pg_cancel_backend({})",
}

# What a new session begins with: times come in UTC from all databases.  Where a driver
# quotes values, in UTF-8, the server must not take them for anything else, whatever
# init_command says.  And whatever the server's default is, nobody sees what isn't
# committed, or waits for a transaction that only reads.
_PREPARATIONS: Mapping[str, tuple[str, ...]] = {
    "mysql": (
        "set time_zone = '+00:00', character_set_client = utf8mb4, "
        "character_set_results = utf8mb4",
        "set session transaction isolation level repeatable read",
    ),
}

# What begins a transaction.
_BEGINNINGS: Mapping[str, str] = {
    # To MariaDB's sql_mode=ORACLE, "begin" begins a block.
    "mysql": "start transaction",
    # Others would fail wherever another transaction was in the way.
    "postgresql": "start transaction isolation level read committed",
}

# A prepared statement isn't there, or is there already.
_UNPREPARED = ("26000", "42P05")


class SocketSwitch:
    """
    Shuts a connection's socket down, by a descriptor of its own: the driver's may be
    another file by then.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))

    def cut(self) -> None:
        """
        Shut the socket down: whoever waits for it finds that the connection is lost.
        """
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """
        Close the descriptor.
        """
        self._socket.close()


class AlchemyDriver:
    """
    A driver that SQLAlchemy knows.
    """

    def __init__(self, url: DatabaseURL) -> None:
        dialect = url.url.get_dialect()
        self.dialect = url.dialect
        self.begin = _BEGINNINGS.get(url.dialect, "begin")
        self._url = url.url
        self._module = dialect.import_dbapi()
        self._alchemy = dialect(dbapi=self._module)
        self._name = dialect.driver
        self.style = self._alchemy.paramstyle
        self._meaningOf = _MEANINGS.get(url.dialect, byClass)
        self._prepares = True

    def connect(self, seconds: float) -> Any:
        """
        Connect to the server.
        """
        self._insistOnFiles()
        try:
            arguments, more = self._alchemy.create_connect_args(self._url)
            if self._name == "pymysql":
                # What it can't use of the URL is told from what a server says, which may
                # be anything.
                more["defer_connect"] = True
                if isinstance(more.get("password"), str):
                    # It would encode it in Latin-1.
                    more["password"] = more["password"].encode("utf-8")
            limit = max(_SHORTEST_TIMEOUT, math.ceil(seconds))
            for name in _TIMEOUTS.get(self._name, ()):
                more.setdefault(name, limit)
            connection = self._alchemy.connect(*arguments, **more)
        except self._module.Error as error:
            raise self._refusalOf(error) from None
        except Exception as error:
            raise unusable(error, self._url.query) from None
        try:
            return self._prepared(connection, more)
        except Fault:
            raise
        except self._module.Error as error:
            raise self._refusalOf(error) from None
        except Exception as error:
            why = inOneLine(textOf(error))
            raise Fault(f"it answers as no such server does ({why})") from None

    def isCurrent(self, connection: Any) -> bool:
        """
        Return True: the server knows.
        """
        return True

    def switchOf(self, connection: Any) -> Switch:
        """
        Return what shuts the connection's socket down.
        """
        descriptor = descriptorOf(connection)
        if descriptor is None:
            why = "doesn't say what its socket is; take another driver"
            raise Refused(f"{self._name} {why}")
        return SocketSwitch(descriptor)

    def columnsOf(self, cursor: Any) -> tuple[str, ...]:
        """
        Return the names of the columns.
        """
        if self._name != "psycopg":
            return tuple([str(each[0]) for each in cursor.description or ()])
        # Its description says more, and takes long.
        result = cursor.pgresult
        return tuple([result.fname(number).decode() for number in range(result.nfields)])

    def cancellationOf(self, connection: Any) -> str:
        """
        Return the statement that cancels what this session is doing.
        """
        number = sessionOf(connection)
        form = _CANCELLATIONS.get(self.dialect)
        return form.format(number) if form and number else ""

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error means.
        """
        meaning = self._meaningOf(error)
        text = withoutValues(textOf(error), isOfStatement=meaning is BadStatement)
        state = getattr(error, "sqlstate", None)
        if state in _UNPREPARED:
            # Behind PgBouncer sessions change: no connection prepares from now on.
            self._prepares = False
        if state in _UNPREPARED or isChanged(error):
            return Stale(text)
        return meaning(text)

    def _prepared(self, connection: Any, arguments: Mapping[str, Any]) -> Any:
        """
        Make a new session ready; that of PyMySQL begins here.

        @param arguments: those that the driver had.
        """
        try:
            if self._name == "pymysql":
                connection.connect()
                if wantsTLS(arguments):
                    insistOnTLS(connection)
                # Sockets with time-outs are slower, and the watchdog has its own.
                connection._read_timeout = connection._write_timeout = None
            self._alchemy.set_isolation_level(connection, "AUTOCOMMIT")
            if self._name == "psycopg" and not (self._prepares and nameApart(connection)):
                connection.prepare_threshold = None
            for statement in _PREPARATIONS.get(self.dialect, ()):
                connection.cursor().execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _insistOnFiles(self) -> None:
        """
        Insist on the files of the arguments for TLS: drivers don't say which is missing.

        @raise Refused: if one can't be read.
        """
        for name in _FILES.intersection(self._url.query):
            path = str(self._url.query[name])
            if path != "system" and not os.access(path, os.R_OK):
                raise Refused(f"{name}: {path} can't be read")

    def _refusalOf(self, error: Exception) -> Fault:
        """
        Return why there is no connection.
        """
        isRefused = self._meaningOf(error) is Refused or isinstance(
            error, self._module.ProgrammingError
        )
        return refusalOf(error, isRefused)


__all__ = ["AlchemyDriver", "SocketSwitch"]
