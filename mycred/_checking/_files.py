"""
What the checkers of password files have in common.
"""

from __future__ import annotations

import os

from .._argstring import nonEmpty
from .._passwordfile import HTPASSWD, PasswordFile, UserFile
from ._passwords import PasswordChecker
from ._stores import ThreadedStore


class FileChecker(PasswordChecker):
    """
    Base of the checkers of passwords in a file.
    """

    _store: ThreadedStore[PasswordFile]

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are opened for a login, with the rights that the
        server has then.
        """
        return (self._store.path,)


def readable(text: str) -> str:
    """
    Parse the path of a password file, as a value of an argument string.

    @return: the absolute path, since twistd may change the directory before the first
        login.

    @raise ValueError: if it is empty, or the file can't be read now.
    """
    path = os.path.abspath(nonEmpty(text))
    try:
        UserFile(path, HTPASSWD).open().close()
    except OSError as error:
        raise ValueError(
            f"{path} can't be read ({error.strerror or error}); write the name of a "
            "file that the server can read"
        ) from None
    return path


__all__ = ["FileChecker", "readable"]
