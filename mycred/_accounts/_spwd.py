"""
The shadow file as the module spwd showed it, which Python 3.13 and later lack: for
programs that were written for it.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from .._passwordfile import UserFile
from ._layout import ACCOUNTS
from ._passwords import SHADOW
from ._shadow import Shadow
from ._users import Found, SystemUsers


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
    What stands in place of the module.
    """

    struct_spwd = ShadowRecord

    def __init__(self, path: str | None = None) -> None:
        """
        @param path: the shadow file; the system's if L{None}.
        """
        self._file = UserFile(SHADOW if path is None else path, ACCOUNTS)

    def getspnam(self, name: str) -> ShadowRecord:
        """
        Look somebody up, at once and in the caller's thread.

        @raise KeyError: if they have no line.
        @raise OSError: if the file can't be read.
        """
        entry = next(self._file.scan(os.fsencode(name)), None)
        if entry is None:
            raise KeyError(name)
        secret, *rest = (entry.secret + b":::::::").split(b":")[:8]
        numbers = (int(field) if field.isdigit() else -1 for field in rest)
        return ShadowRecord(os.fsdecode(entry.name), os.fsdecode(secret), *numbers)


class RecordUsers(SystemUsers):
    """
    The system's users, one of whom has a hash that is known already.
    """

    def __init__(self, userdb: Any, groupdb: Any, record: Any) -> None:
        """
        @param userdb: as for L{SystemUsers}.
        @param groupdb: as for L{SystemUsers}.
        @param record: a record as L{ShadowDatabase.getspnam} returns it, or one that has
            a hash only, as C{sp_pwdp} or its item 1.
        """
        super().__init__(userdb, groupdb)
        secret = getattr(record, "sp_pwdp", None)
        secret = os.fsencode(record[1] if secret is None else secret)
        days = ("sp_lstchg", "sp_max", "sp_inact", "sp_expire")
        self._shadow = Shadow(secret, *(_dayOf(getattr(record, d, -1)) for d in days))

    def find(self, name: bytes) -> Found:
        """
        Look a user up.
        """
        found = super().find(name)
        if found.user is None:
            return found
        return found._replace(user=found.user._replace(own=self._shadow))


def _dayOf(number: int) -> int | None:
    """
    Return a number of days; L{None} if there is none.
    """
    return number if number >= 0 else None


__all__ = ["RecordUsers", "ShadowDatabase", "ShadowRecord"]
