"""
The shadow file as the module C{spwd} showed it, which Python 3.13 and later lack: for
programs that were written for that.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, Protocol

from .._passwordfile import UserFile
from .._types import GroupDatabase, UserDatabase
from ._account import ACCOUNTS
from ._passwords import SHADOW
from ._shadow import Shadow
from ._systemusers import SystemUsers
from ._users import FoundUser


class ShadowRecord(NamedTuple):
    """
    A line of shadow(5), as C{spwd.struct_spwd} is one; what is empty is -1.
    """

    sp_namp: str
    sp_pwdp: str
    sp_lstchg: int = -1
    sp_min: int = -1
    sp_max: int = -1
    sp_warn: int = -1
    sp_inact: int = -1
    sp_expire: int = -1
    sp_flag: int = -1


class ShadowDatabase:
    """
    A stand-in for the module.
    """

    struct_spwd = ShadowRecord

    def __init__(self, path: str | None = None) -> None:
        """
        @param path: the path of a shadow file; the system's if L{None}.
        """
        self._file = UserFile(SHADOW if path is None else path, ACCOUNTS)

    def getspnam(self, name: str) -> ShadowRecord:
        """
        Return the entry of a user, at once and in the caller's thread.

        @raise KeyError: if there is none.
        @raise OSError: if the file can't be read.
        """
        entry = next(self._file.scan(os.fsencode(name)), None)
        if entry is None:
            raise KeyError(name)
        secret, *rest = (entry.secret + b":::::::").split(b":")[:8]
        numbers = (int(field) if field.isdigit() else -1 for field in rest)
        return ShadowRecord(os.fsdecode(entry.name), os.fsdecode(secret), *numbers)


class Record(Protocol):
    """
    What a program has in place of an entry.
    """

    def __getitem__(self, index: Literal[1], /) -> str | bytes:
        """
        Return the hash.
        """


class RecordUsers(SystemUsers):
    """
    The system's users, one of whose hashes is known already.
    """

    def __init__(
        self, userdb: UserDatabase | None, groupdb: GroupDatabase | None, record: Record
    ) -> None:
        """
        @param userdb: as for L{SystemUsers}.
        @param groupdb: as for L{SystemUsers}.
        @param record: an entry as L{ShadowDatabase.getspnam} returns it, or one that has
            a hash only, as C{sp_pwdp} or as its item 1.
        """
        super().__init__(userdb, groupdb)
        secret = getattr(record, "sp_pwdp", None)
        secret = os.fsencode(record[1] if secret is None else secret)
        days = ("sp_lstchg", "sp_max", "sp_inact", "sp_expire")
        self._shadow = Shadow(secret, *(_dayOf(getattr(record, d, -1)) for d in days))

    def find(self, name: bytes) -> FoundUser:
        """
        Return the user of a name.
        """
        found = super().find(name)
        if found.user is None:
            return found
        return found._replace(user=found.user._replace(own=self._shadow))


def _dayOf(number: int) -> int | None:
    """
    Return a day, or a number of days; L{None} if there is none.
    """
    return number if number >= 0 else None


__all__ = ["RecordUsers", "ShadowDatabase", "ShadowRecord"]
