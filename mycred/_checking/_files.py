"""
What the checkers of password files have in common.
"""

from __future__ import annotations

from .._passwordfile import PasswordFile
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


__all__ = ["FileChecker"]
