"""
Which accounts may be used, beside what shadow(5) says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .._files import SETTLING, openRegular
from .._paths import AnyPath, asPath, asPathOrNone
from .._verdict import Account

#: The files whose presence keeps everybody but root out (nologin(5)).
NOLOGIN = ("/etc/nologin", "/run/nologin")

#: The file that names the shells of those who may log in (shells(5)).
SHELLS = "/etc/shells"


class _Rules(NamedTuple):
    """
    The fields of L{Rules}.
    """

    nologin: tuple[str, ...]
    shells: str | None
    minuid: int
    groups: tuple[str, ...]


class Rules(_Rules):
    """
    What an account must be like.

    @ivar nologin: files of which none may be there, unless the account is root's.
    @ivar shells: a file that must name the account's shell; L{None} if any will do.
    @ivar minuid: the lowest number that an account may have.
    @ivar groups: groups of which the account must be in one; if there are none, it
        needn't.
    """

    __slots__ = ()

    def __new__(
        cls,
        nologin: Sequence[AnyPath] = (),
        shells: AnyPath | None = None,
        minuid: int = 0,
        groups: Sequence[str] = (),
    ) -> Rules:
        """
        @raise TypeError: if one of them is of another type, such as text where a
            sequence of names is needed.
        """
        path = (str, bytes, os.PathLike)
        for what, names, kind in (("nologin", nologin, path), ("groups", groups, str)):
            if isinstance(names, path) or not all(isinstance(n, kind) for n in names):
                raise TypeError(f"{what} takes a sequence of names: write ('name',)")
        if not isinstance(minuid, int) or not isinstance(shells, (*path, type(None))):
            raise TypeError("minuid takes a number, and shells the path of a file")
        files = tuple(map(asPath, nologin))
        return super().__new__(cls, files, asPathOrNone(shells), minuid, tuple(groups))

    def denial(self, account: Account, gidOf: Callable[[str], int | None]) -> str | None:
        """
        Tell why an account may not be used.

        @param account: the account.
        @param gidOf: find the number of a group; L{None} if there is none.

        @return: what the log is told; L{None} if it may be used.

        @raise OSError: if it can't be found out.
        """
        if account.uid < self.minuid:
            return f"its number {account.uid} is below {self.minuid}"
        if self.groups and not set(map(gidOf, self.groups)) & set(account.gids):
            return f"it is in none of the groups {', '.join(self.groups)}"
        if self.shells is not None and account.shell not in _shellsIn(self.shells):
            return f"its shell {account.shell} is not in {self.shells}"
        for path in self.nologin if account.uid else ():
            if _exists(path):
                return f"there is {path}, and only root may log in"
        return None


def _exists(path: str) -> bool:
    """
    Tell whether there is a file, or a link that leads anywhere.

    @raise OSError: if that can't be found out.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _shellsIn(path: str) -> set[str]:
    """
    Read the shells that a file names: a line for each, C{#} begins a comment.

    @raise OSError: if it can't be read.
    """
    text = _read(path)
    if text and not text.endswith(b"\n"):
        # Half a line may be the whole name of another shell.
        time.sleep(SETTLING)
        if _read(path) != text:
            raise OSError(f"{path} is being written")
    lines = text.split(b"\n")
    return {os.fsdecode(line.partition(b"#")[0].strip()) for line in lines} - {""}


def _read(path: str) -> bytes:
    """
    Read a file.
    """
    with openRegular(path) as file:
        return file.read()


__all__ = ["NOLOGIN", "SHELLS", "Rules"]
