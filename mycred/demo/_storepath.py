"""
Check the file of the store before the server starts.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from twisted.python import usage

from .._uidoption import insistOnWritable, laterUser


def checkStore(path: str) -> str:
    """
    Insist on a file that is the store, or can become it.

    @return: its absolute path.

    @raise usage.UsageError: if it is neither.
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
    if os.path.exists(path):
        try:
            with closing(sqlite3.connect(path)) as connection:
                if connection.execute("select * from sqlite_master").fetchone():
                    # Another program's file has other tables.
                    connection.execute("select uidvalidity from users limit 0")
                    connection.execute("select content from messages limit 0")
        except sqlite3.Error as error:
            raise usage.UsageError(
                f"--store={path}: {error}; write the path of a store, or of a file that "
                "isn't there"
            ) from None
    return os.path.abspath(path)


def insistOnStore(path: str, twistd: object) -> None:
    """
    Insist on a store that the server can still write when twistd has become another user.

    @raise usage.UsageError: if it couldn't.
    """
    user = laterUser(twistd)
    if user is not None:
        try:
            insistOnWritable(path, user)
        except PermissionError as error:
            raise usage.UsageError(f"--store: {error}") from None


__all__ = ["checkStore", "insistOnStore"]
