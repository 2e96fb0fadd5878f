"""
The drivers of databases: how they connect, what is a session of theirs, and what their
errors mean.
"""

from __future__ import annotations

import math
import os
import re
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import randbits
from ssl import SSLSocket
from typing import Any, Protocol, cast
from urllib.parse import quote

from .._failover import Fault
from ._errors import BadRow, BadStatement, Refused, Stale
from ._meanings import Meaning, byClass, byNumber, byResult, bySQLState
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
# init_command says.
_PREPARATIONS: Mapping[str, str] = {
    "mysql": (
        "set time_zone = '+00:00', character_set_client = utf8mb4, "
        "character_set_results = utf8mb4"
    )
}

# What PostgreSQL says when it refuses a connection for good.  libpq doesn't tell the
# code, so what isn't understood counts as an outage.
_REFUSAL = re.compile(
    r"FATAL: .*(password authentication failed|authentication failed|does not exist"
    r"|no pg_hba.conf entry|is not permitted to log in|permission denied)"
)

# What messages quote, in whatever language: the name of something in the database, or else
# a value, with all that comes after it.
_QUOTED = re.compile(
    r"(?P<name>(?:column|constraint|key|relation|table) (?:'\w+'|\"\w+\"))"
    r"|(?<!\w)['\"«»„“‚‘「].*"
)

# A prepared statement isn't there, or is there already.
_UNPREPARED = ("26000", "42P05")

# How long SQLite itself waits for a lock, in seconds: nothing can interrupt that.
_LOCK_WAIT = 0.1


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


class SQLiteSwitch:
    """
    Interrupts SQLite.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def cut(self) -> None:
        """
        Interrupt what is being executed.
        """
        with suppress(sqlite3.Error):
            self._connection.interrupt()

    def close(self) -> None:
        """
        Do nothing: the connection is closed by whoever uses it.
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

    def make(self) -> None:
        """
        Make the database, if it is a file that isn't there.
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


class _File(sqlite3.Connection):
    """
    An SQLite file.

    @ivar identity: which file it is.
    """

    identity: tuple[int, int] | None = None


def _identityOf(path: Path) -> tuple[int, int] | None:
    """
    Return which file a path leads to; L{None} if there is none.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


class SQLiteDriver:
    """
    The driver that comes with Python.
    """

    dialect, style = "sqlite", "named"

    #: So that two that read first, and write then, don't both wait for each other.
    begin = "begin immediate"

    def __init__(self, url: DatabaseURL) -> None:
        self._path = Path(url.path)
        self._uri = f"file:{quote(url.path)}?mode=rw"

    def connect(self, seconds: float) -> sqlite3.Connection:
        """
        Open the file, which must be there.
        """
        try:
            # Before it is opened: it may be replaced in between.
            identity = _identityOf(self._path)
            connection = sqlite3.connect(
                self._uri,
                timeout=_LOCK_WAIT,
                isolation_level=None,
                check_same_thread=False,
                factory=_File,
                uri=True,
            )
        except Exception as error:
            why = str(error) if self._path.exists() else "there is no such file"
            raise Refused(why) from None
        connection.identity = identity
        return connection

    def make(self) -> None:
        """
        Make the file, if it isn't there.
        """
        if not self._path.exists():
            with suppress(OSError):
                self._path.open("ab").close()

    def isCurrent(self, connection: _File) -> bool:
        """
        Return whether the path still leads to the file that was opened: accounts that a
        new file doesn't have would be let in otherwise.
        """
        return connection.identity == _identityOf(self._path)

    def switchOf(self, connection: sqlite3.Connection) -> Switch:
        """
        Return what interrupts SQLite.
        """
        return SQLiteSwitch(connection)

    def columnsOf(self, cursor: sqlite3.Cursor) -> tuple[str, ...]:
        """
        Return the names of the columns.
        """
        return tuple([each[0] for each in cursor.description or ()])

    def cancellationOf(self, connection: sqlite3.Connection) -> str:
        """
        Return nothing: SQLite is in this process.
        """
        return ""

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error means.
        """
        text = str(error)
        if text.startswith("Could not decode"):
            # It shows what is in the row.
            return BadRow("what is in a column isn't UTF-8")
        return byResult(error)(text)


class AlchemyDriver:
    """
    A driver that SQLAlchemy knows.
    """

    begin = "begin"

    def __init__(self, url: DatabaseURL) -> None:
        dialect = url.url.get_dialect()
        self.dialect = url.dialect
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
            if self._name == "pymysql" and isinstance(more.get("password"), str):
                # It would encode it in Latin-1.
                more["password"] = more["password"].encode("utf-8")
            limit = max(_SHORTEST_TIMEOUT, math.ceil(seconds))
            for name in _TIMEOUTS.get(self._name, ()):
                more.setdefault(name, limit)
            return self._prepared(self._alchemy.connect(*arguments, **more), more)
        except Fault:
            raise
        except Exception as error:
            raise self._refusalOf(error)(_joined(_textOf(error))) from None

    def make(self) -> None:
        """
        Do nothing: only an administrator makes databases of a server.
        """

    def isCurrent(self, connection: Any) -> bool:
        """
        Return True: the server knows.
        """
        return True

    def switchOf(self, connection: Any) -> Switch:
        """
        Return what shuts the connection's socket down.
        """
        for inner in (connection, *(_attribute(connection, name) for name in _SOCKETS)):
            descriptor = getattr(inner, "fileno", None)
            if descriptor is not None:
                return SocketSwitch(descriptor())
        raise Refused(f"{self._name} doesn't say what its socket is; take another driver")

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
        number = _sessionOf(connection)
        form = _CANCELLATIONS.get(self.dialect)
        return form.format(number) if form and number else ""

    def errorOf(self, error: Exception) -> Exception:
        """
        Return what an error means.
        """
        meaning = self._meaningOf(error)
        text = _withoutValues(_textOf(error), isOfStatement=meaning is BadStatement)
        state = getattr(error, "sqlstate", None)
        if state in _UNPREPARED:
            # Behind PgBouncer sessions change: no connection prepares from now on.
            self._prepares = False
        if state in _UNPREPARED or _isChanged(error):
            return Stale(text)
        return meaning(text)

    def _prepared(self, connection: Any, arguments: Mapping[str, Any]) -> Any:
        """
        Make a new session ready.

        @param arguments: those that the driver had.
        """
        try:
            if self._name == "pymysql":
                if _wantsTLS(arguments):
                    _insistOnTLS(connection)
                # Sockets with time-outs are slower, and the watchdog has its own.
                connection._read_timeout = connection._write_timeout = None
            self._alchemy.set_isolation_level(connection, "AUTOCOMMIT")
            if self._name == "psycopg" and not (
                self._prepares and _nameApart(connection)
            ):
                connection.prepare_threshold = None
            if self.dialect in _PREPARATIONS:
                connection.cursor().execute(_PREPARATIONS[self.dialect])
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

    def _refusalOf(self, error: Exception) -> type[Fault]:
        """
        Return whether a connection is refused for good, or can't be had now.
        """
        if not isinstance(error, self._module.Error):
            # An argument of the URL that the driver doesn't take, or whose file is
            # missing.
            return Refused
        isRefusal = (
            self._meaningOf(error) is Refused
            or isinstance(error, self._module.ProgrammingError)
            or _REFUSAL.search(str(error))
        )
        return Refused if isRefusal else Fault


# Where drivers have their sockets that have no fileno() themselves.
_SOCKETS = ("_usock", "_sock")


def _attribute(connection: Any, name: str) -> Any:
    """
    Return an attribute of a driver's connection, or None.
    """
    return getattr(connection, name, None)


def _sessionOf(connection: Any) -> int:
    """
    Return the number that the server knows a session by; 0 if the driver doesn't tell.
    """
    threadID = _attribute(connection, "thread_id")
    number = threadID() if callable(threadID) else None
    if number is None:
        number = _attribute(_attribute(connection, "info"), "backend_pid")
    return number if isinstance(number, int) else 0


def _wantsTLS(arguments: Mapping[str, Any]) -> bool:
    """
    Return whether PyMySQL was told anything of TLS.
    """
    return any(arguments[name] for name in arguments if name.startswith("ssl"))


def _insistOnTLS(connection: Any) -> None:
    """
    Insist on TLS: some versions of PyMySQL do without where a server says that it has
    none, and whoever stands between can say so.

    @raise Fault: if there is none.
    """
    if not isinstance(connection._sock, SSLSocket):
        raise Fault("the server doesn't begin TLS")


def _nameApart(connection: Any) -> bool:
    """
    Have psycopg give its prepared statements names that no other client's have: behind
    PgBouncer several clients may share a session, and one would execute the statement of
    another.

    @return: whether that can be done.
    """
    prepared = _attribute(connection, "_prepared")
    if not hasattr(prepared, "_prepared_idx"):
        return False
    prepared._prepared_idx = randbits(62)
    return True


def _isChanged(error: Exception) -> bool:
    """
    Return whether a statement that was prepared would bring other columns now.
    """
    source = _attribute(_attribute(error, "diag"), "source_function")
    return bool(source == "RevalidateCachedQuery")


def _textOf(error: Exception) -> str:
    """
    Return what an error says, of what drivers tell in all: MySQL's put a number before
    it, and pg8000 shows all fields.
    """
    words = error.args
    if words and isinstance(words[0], dict):
        return str(words[0].get("M", ""))
    isNumbered = len(words) > 1 and isinstance(words[0], int)
    return str(words[1] if isNumbered else error)


def _withoutValues(text: str, isOfStatement: bool) -> str:
    """
    Return the first line of a server's message without the values that were bound, or
    stand in rows.

    @param isOfStatement: whether it is about a statement: of those only MySQL's show
        values, in what they quote of the statement.
    """
    line = text.partition("\n")[0]
    if not isOfStatement:
        return _QUOTED.sub(lambda found: found["name"] or "...", line)
    before, mark, after = line.partition(" near '")
    return f"{before}{mark}{after.partition(chr(39))[0]}'" if mark else line


def _joined(text: str) -> str:
    """
    Return the lines of a message as one.
    """
    return " ".join(text.split())


def driverFor(url: DatabaseURL) -> Driver:
    """
    Return the driver for a database.
    """
    kind = SQLiteDriver if url.dialect == "sqlite" else AlchemyDriver
    return cast(Driver, kind(url))


__all__ = [
    "AlchemyDriver",
    "Driver",
    "SQLiteDriver",
    "SocketSwitch",
    "Switch",
    "driverFor",
]
