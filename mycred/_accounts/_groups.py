"""
A file of groups, as group(5) has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from .._passwordfile import Snapshot, UserFile
from .._verdict import Doubt
from ._layout import ACCOUNTS

_digits = re.compile(rb"[0-9]{1,10}")

# What stands for no user, and no group.
_NOBODY = 2**32 - 1


class Groups(NamedTuple):
    """
    The groups of somebody.

    @ivar gids: their numbers, first the primary one's.
    @ivar names: their names, as far as they have one.
    @ivar doubt: the state of the file, if it had changed just before.
    """

    gids: tuple[int, ...]
    names: tuple[str, ...]
    doubt: Doubt = None


class GroupFile:
    """
    A file of groups.

    It may have very many lines, and very long ones: only those are taken apart that
    hold what is looked for.
    """

    def __init__(self, path: str) -> None:
        """
        @param path: the name of the file.
        """
        self._file = UserFile(path, ACCOUNTS)

    def of(self, user: bytes, gid: int) -> Groups:
        """
        Find the groups of a user.

        @param user: his name.
        @param gid: the number of his primary group.

        @raise OSError: if the file can't be read.
        """
        snapshot = self._file.snapshot()
        found: dict[str, int] = {}
        for name, number, _ in _linesWith(snapshot, b":%d:" % gid):
            if number == gid:
                found[name] = gid
                break
        for name, number, members in _linesWith(snapshot, user):
            if user in members:
                found[name] = number
        gids = tuple(dict.fromkeys([gid, *found.values()]))
        doubt = snapshot.state.signature if snapshot.state.isYoung else None
        return Groups(gids, tuple(found), doubt)

    def gidOf(self, name: str) -> int | None:
        """
        Find the number of a group.

        @return: L{None} if there is no such group.

        @raise OSError: if the file can't be read.
        """
        snapshot = self._file.snapshot()
        for group, number, _ in _linesWith(snapshot, os.fsencode(name) + b":"):
            if group == name:
                return number
        return None


def isNumber(field: bytes) -> bool:
    """
    Tell whether a field is the number of a user or a group.
    """
    return _digits.fullmatch(field) is not None and int(field) < _NOBODY


def _linesWith(snapshot: Snapshot, part: bytes) -> Iterator[tuple[str, int, list[bytes]]]:
    """
    Go through the groups in whose lines something stands.

    @return: their names, their numbers and their members.
    """
    for line, isCut in snapshot.linesWith(part):
        parsed = ACCOUNTS.parse(line)
        fields = parsed[1].split(b":") if parsed is not None else []
        if parsed is None or len(fields) != 3 or not isNumber(fields[1]):
            continue
        # The rest of the last line, and of the last name in it, may be on its way.
        if not (isCut and snapshot.state.isYoung):
            yield os.fsdecode(parsed[0]), int(fields[1]), fields[2].split(b",")


__all__ = ["GroupFile", "Groups", "isNumber"]
