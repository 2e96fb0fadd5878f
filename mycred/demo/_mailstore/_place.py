"""
Check the store before the server starts.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass

from twisted.python import usage

from ..._failover import Fault
from ..._secrets import printable
from ..._settingsfile import passwordTextIn
from ..._sql.client import BadStatement, BadValue, Database, DatabaseURL
from ..._uidoption import insistOnWritable, laterUser
from ._schema import DIALECTS, WrongTables, insistOnTables, insistOnVersion

# The option that names the file with the password.
_FILE = "--store-passwordfile"

# How long the database may take until the tables are there, in seconds.
_TIMEOUT = 30.0

# What the names of files beside a store begin with that is no file.
_BESIDE = "mycred-demo"


@dataclass(frozen=True)
class StorePlace:
    """
    Where the store is.

    @ivar url: the database.
    @ivar beside: what the paths of files begin with that belong to the store.
    """

    url: DatabaseURL
    beside: str

    def __str__(self) -> str:
        """
        Return the path of the file, or the URL without its password.
        """
        return self.url.path or str(self.url)


def checkStore(
    text: str, passwordFile: str | None = None, isChecked: bool = False
) -> StorePlace:
    """
    Insist on a database that is the store, or can become it.

    @param text: the path of an SQLite file, or the URL of a database.
    @param passwordFile: the path of a file with the password for the database.
    @param isChecked: whether another process has done so already.  Then nothing is
        opened: the server's user may have written the file meanwhile, and the database
        may be down.

    @raise usage.UsageError: if it is neither.
    """
    if "://" in text:
        return _checkURL(text, passwordFile, isChecked)
    if passwordFile is not None:
        raise usage.UsageError(
            f"{_FILE} is for a --store that is the URL of a database on a server"
        )
    path = os.path.abspath(text) if isChecked else _checkFile(text)
    return StorePlace(DatabaseURL.ofFile(path), path)


def _checkURL(text: str, passwordFile: str | None, isChecked: bool) -> StorePlace:
    """
    Insist on the URL of a database, and make the tables if there are none.

    @raise usage.UsageError: if that fails.
    """
    password = None if passwordFile is None else _passwordIn(passwordFile)
    try:
        url = DatabaseURL.parse(text, password)
    except (ImportError, ValueError) as error:
        raise usage.UsageError(f"--store: {error}") from None
    if url.hasPassword:
        raise usage.UsageError(
            f"--store={url}: other users of this machine can read a password on the "
            f"command line; write it into a file, and {_FILE}=FILE"
        )
    if url.dialect not in DIALECTS:
        raise usage.UsageError(
            f"--store={url}: mail is kept by PostgreSQL, MariaDB, MySQL and SQLite"
        )
    if url.path:
        path = url.path
        path = os.path.abspath(path) if isChecked else _checkFile(path, isShared=True)
        return StorePlace(DatabaseURL.ofFile(path), path)
    if not isChecked:
        _checkServer(url, "" if passwordFile else f"; {_FILE}=FILE names its password")
    return StorePlace(url, os.path.abspath(_BESIDE))


def _checkServer(url: DatabaseURL, advice: str) -> None:
    """
    Insist on a server's database that can be the store, and make its tables.

    @param advice: what is added where the server wants a password.

    @raise usage.UsageError: if that fails.
    """
    try:
        with closing(Database([url], timeout=_TIMEOUT)) as database:
            insistOnTables(database, time.monotonic() + _TIMEOUT)
    except Fault as error:
        # Its text begins with the URL.
        why = printable(str(error))
        why += advice * ("password" in why)
        raise usage.UsageError(f"--store: {why}") from None
    except (BadStatement, BadValue, WrongTables) as error:
        raise usage.UsageError(f"--store={url}: {printable(str(error))}") from None


def _passwordIn(path: str) -> str:
    """
    Return the password in a file.

    @raise usage.UsageError: if there is none.
    """
    try:
        return passwordTextIn(path, _FILE)
    except OSError as error:
        raise usage.UsageError(
            f"{_FILE}: {path} can't be read ({error.strerror})"
        ) from None
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def _checkFile(path: str, isShared: bool = False) -> str:
    """
    Insist on a file that is the store, or can become it.

    @param isShared: whether another program may have tables in it.

    @return: its absolute path.

    @raise usage.UsageError: if it is neither.
    """
    path = _checkDirectory(path)
    if os.path.exists(path):
        try:
            with closing(sqlite3.connect(path)) as connection:
                rows = connection.execute("select name from sqlite_master").fetchall()
                if ("mycred_schema",) in rows:
                    version = "select max(version) from mycred_schema"
                    insistOnVersion(connection.execute(version).fetchone()[0])
                elif rows and not isShared:
                    # Another program's file has other tables.
                    connection.execute("select uidvalidity from users limit 0")
                    connection.execute("select content from messages limit 0")
        except (sqlite3.Error, WrongTables) as error:
            raise usage.UsageError(
                f"--store={path}: {error}; write the path of a store, or of a file that "
                "isn't there"
            ) from None
    return path


def _checkDirectory(path: str) -> str:
    """
    Insist on a path at which there can be a file.

    @return: the absolute path.

    @raise usage.UsageError: if there can't.
    """
    if not path:
        raise usage.UsageError("--store: write the path of a file")
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(directory):
        raise usage.UsageError(
            f"--store: there is no directory {directory}; make it, or write another path"
        )
    if os.path.isdir(path):
        raise usage.UsageError(
            f"--store: {path} is a directory; write the path of a file"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise usage.UsageError(
            f"--store: this user can't make files in {directory}; write another path"
        )
    return os.path.abspath(path)


def insistOnStore(place: StorePlace, twistd: object) -> None:
    """
    Insist on a store that the server can still write when twistd has become another user.

    @raise usage.UsageError: if it couldn't.
    """
    user = laterUser(twistd)
    if user is not None and place.url.path:
        try:
            insistOnWritable(place.url.path, user)
        except PermissionError as error:
            raise usage.UsageError(f"--store: {error}") from None


__all__ = ["StorePlace", "checkStore", "insistOnStore"]
