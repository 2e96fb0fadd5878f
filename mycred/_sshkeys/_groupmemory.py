"""
The groups of accounts, remembered for a moment.

A client offers a key and then signs with it, and both ask for the groups of the account,
which takes the name service longer than all else that is looked up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from .._accounts import Users
from .._accounts._users import UserGroups
from .._files import Signature, signatureOf
from .._verdict import Account

# For how long groups are remembered, in seconds, and of how many accounts.
_MEMORY, _MOST = 1.0, 256

# While this file differs nothing that was remembered counts.
_FILE = "/etc/group"


class GroupMemory:
    """
    The groups of accounts, for a second and as long as C{/etc/group} is what it was.

    May be used in several threads.
    """

    def __init__(
        self,
        users: Users,
        seconds: Callable[[], float] = time.monotonic,
        path: str = _FILE,
    ) -> None:
        """
        @param users: who knows the groups.
        @param seconds: what tells the time, in seconds.
        @param path: the path of the file of groups.
        """
        self._users = users
        self._seconds = seconds
        self._path = path
        self._known: dict[
            tuple[str, int], tuple[float, Signature | None, UserGroups]
        ] = {}

    def groupsOf(self, account: Account) -> UserGroups:
        """
        Return the groups of an account.

        @raise OSError: if they can't be found out now.
        """
        key = account.name, account.gid
        now, state = self._seconds(), self._state()
        known = self._known.get(key)
        if known is not None:
            since, stateThen, groups = known
            if state == stateThen and now - since < _MEMORY:
                return groups
        groups = self._users.groupsOf(account)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = now, state, groups
        return groups

    def _state(self) -> Signature | None:
        """
        Return what tells the state of the file from others; L{None} if there is none.
        """
        try:
            return signatureOf(os.stat(self._path))
        except OSError:
            return None


__all__ = ["GroupMemory"]
