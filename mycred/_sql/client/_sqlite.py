"""
SQLite, by the driver that comes with Python.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from ._driver import Switch
from ._errors import BadRow, Refused
from ._meanings import byResult
from ._url import DatabaseURL

# How long SQLite itself waits for a lock, in seconds: nothing can interrupt that.
_LOCK_WAIT = 0.1


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


def _whyNot(path: Path) -> str:
    """
    Return why a file can't be opened, where SQLite doesn't say; nothing if that isn't
    known.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return str(error.strerror)
    if stat.S_ISDIR(mode):
        return "that is a directory"
    return "" if os.access(path, os.R_OK) else "this user can't read it"


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
            raise Refused(_whyNot(self._path) or str(error)) from None
        connection.identity = identity
        return connection

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


__all__ = ["SQLiteDriver", "SQLiteSwitch"]
