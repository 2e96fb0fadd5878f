"""
Which accounts may be used, beside what shadow(5) says.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from .._userfile import openRegular
from ._account import Account

#: The files whose presence keeps everybody but root out (nologin(5)).
NOLOGIN = ("/etc/nologin", "/run/nologin")

#: The file that names the shells of those who may log in (shells(5)).
SHELLS = "/etc/shells"


class Rules(NamedTuple):
    """
    What an account must be like.

    @ivar nologin: files of which none may be there, unless the account is root's.
    @ivar shells: a file that must name the account's shell; L{None} if any will do.
    @ivar minuid: the lowest number that an account may have.
    @ivar groups: groups of which the account must be in one; if there are none, it
        needn't.
    """

    nologin: tuple[str, ...] = ()
    shells: str | None = None
    minuid: int = 0
    groups: tuple[str, ...] = ()

    def denial(self, account: Account, gids: set[int | None]) -> str | None:
        """
        Tell why an account may not be used.

        @param account: the account.
        @param gids: the numbers of L{groups}.

        @return: what the log is told; L{None} if it may be used.

        @raise OSError: if it can't be found out.
        """
        if account.uid < self.minuid:
            return f"its number {account.uid} is below {self.minuid}"
        if self.groups and not gids.intersection(account.gids):
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
    with openRegular(path) as file:
        lines = file.read().split(b"\n")
    return {os.fsdecode(line.partition(b"#")[0].strip()) for line in lines} - {""}


__all__ = ["NOLOGIN", "SHELLS", "Rules"]
