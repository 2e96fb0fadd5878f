"""
Which accounts may be used: rules, and what shadow(5) says where no password is verified.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .._files import SETTLING, openRegular
from .._passwordfile import UserFile
from .._paths import AnyPath, asPath, asPathOrNone
from .._verdict import Account, Doubt
from ..error import DenialReason
from ._account import ACCOUNTS
from ._shadow import Shadow, shadowIn
from ._users import Users

#: The files whose presence keeps all users but root out (nologin(5)).
NOLOGIN = ("/etc/nologin", "/run/nologin")

#: The file that names the shells of those who may log in (shells(5)).
SHELLS = "/etc/shells"


_DAY = 86_400


class _Fields(NamedTuple):
    """
    The fields of L{AccountRules}.
    """

    nologin: tuple[str, ...]
    shells: str | None
    minuid: int
    groups: tuple[str, ...]


class AccountRules(_Fields):
    """
    What an account must be like.

    @ivar nologin: the paths of files none of which may exist, unless the account is
        root's.
    @ivar shells: the path of a file that must name the account's shell; L{None} if any
        shell will do.
    @ivar minuid: the lowest uid that an account may have.
    @ivar groups: the account must be in at least one of these groups; empty means no
        restriction.
    """

    __slots__ = ()

    def __new__(
        cls,
        nologin: Sequence[AnyPath] = (),
        shells: AnyPath | None = None,
        minuid: int = 0,
        groups: Sequence[str] = (),
    ) -> AccountRules:
        """
        @raise TypeError: if one of them is of another type, such as text where a
            sequence of names is needed.
        """
        path = (str, bytes, os.PathLike)
        for field, names, kind in (("nologin", nologin, path), ("groups", groups, str)):
            if isinstance(names, path) or not all(isinstance(n, kind) for n in names):
                raise TypeError(f"{field} takes a sequence of names: write ('name',)")
        if not isinstance(minuid, int) or not isinstance(shells, (*path, type(None))):
            raise TypeError("minuid takes a uid, and shells the path of a file")
        files = tuple(map(asPath, nologin))
        return super().__new__(cls, files, asPathOrNone(shells), minuid, tuple(groups))

    def denial(self, account: Account, gidOf: Callable[[str], int | None]) -> str | None:
        """
        Return why an account may not be used, for the log; L{None} if it may be used.

        @param account: the account.
        @param gidOf: return the gid of a group, or L{None} if there is no such group.

        @raise OSError: if that can't be found out.
        """
        if account.uid < self.minuid:
            return f"its uid {account.uid} is below {self.minuid}"
        if self.groups and not set(map(gidOf, self.groups)) & set(account.gids):
            return f"it is in none of the groups {', '.join(self.groups)}"
        if self.shells is not None and account.shell not in _shellsIn(self.shells):
            return f"its shell {account.shell} is not in {self.shells}"
        for path in self.nologin if account.uid else ():
            if _exists(path):
                return f"there is {path}, and only root may log in"
        return None


class AccountStatus:
    """
    Whether accounts may be used, where no password is verified.
    """

    def __init__(
        self,
        users: Users,
        shadow: str | None,
        rules: AccountRules,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param users: where users are found.
        @param shadow: the path of a shadow file; L{None} if there is none.
        @param rules: what an account must be like.
        @param now: return the time, in seconds since 1970.
        """
        self._users = users
        self._shadow = shadow and UserFile(shadow, ACCOUNTS)
        self._rules = rules
        self._now = now

    def denial(
        self, account: Account, doubts: list[Doubt]
    ) -> tuple[DenialReason, str] | None:
        """
        Return why an account may not be used.

        @param doubts: a list that gets the state of a file that may have been
            half-written where it matters.

        @return: the reason, for the client and for the log; L{None} if the account may be
            used.

        @raise OSError: if that can't be found out.
        """
        shadow = self._shadowOf(account, doubts)
        if shadow is not None:
            denied = shadow.denialOfKeys(int(self._now() // _DAY))
            if denied is not None:
                return denied
        refusal = self._rules.denial(account, self._users.gidOf)
        return None if refusal is None else (DenialReason.POLICY, refusal)

    def _shadowOf(self, account: Account, doubts: list[Doubt]) -> Shadow | None:
        """
        Return the account's shadow(5) entry, or L{None} if the file has none.

        @raise OSError: if the file can't be read, or the entry can't be parsed.
        """
        user = self._users.find(os.fsencode(account.name)).user
        if user is not None and user.own is not None:
            return user.own
        if not self._shadow:
            return None
        snapshot = self._shadow.snapshot()
        entry = snapshot.find(os.fsencode(account.name))
        if snapshot.state.isYoung and (entry is None or entry.isCut):
            # The line that locks it may still be written.
            doubts.append(snapshot.state.signature)
        if entry is not None:
            try:
                return shadowIn(entry)
            except ValueError as error:
                why = f"the line of {account.name} can't be parsed: {error}"
                raise OSError(why) from None
        if next(iter(snapshot), None) is None:
            # Only a file that was just opened for writing is empty.
            raise OSError(f"{self._shadow.path} holds no user")
        return None


def _exists(path: str) -> bool:
    """
    Return whether a file exists, be it a link that leads nowhere.

    @raise OSError: if that can't be found out.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _shellsIn(path: str) -> set[str]:
    """
    Return the shells that a file names: a line for each, C{#} begins a comment.

    @raise OSError: if it can't be read.
    """
    text = _read(path)
    if text and not text.endswith(b"\n"):
        # Half a line may be the whole path of another shell.
        time.sleep(SETTLING)
        if _read(path) != text:
            raise OSError(f"{path} is being written")
    lines = text.split(b"\n")
    return {os.fsdecode(line.partition(b"#")[0].strip()) for line in lines} - {""}


def _read(path: str) -> bytes:
    """
    Return the content of a file.
    """
    with openRegular(path) as file:
        return file.read()


__all__ = ["NOLOGIN", "SHELLS", "AccountRules", "AccountStatus"]
