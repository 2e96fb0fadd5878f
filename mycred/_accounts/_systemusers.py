"""
The users whom the name service knows (nsswitch.conf(5)).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

from .._types import GroupDatabase, UserDatabase
from .._verdict import Account, Note
from ._account import isAccountName
from ._shadow import ownShadow
from ._users import DEFAULT_SHELL, FoundUser, User, UserGroups


class SystemUsers:
    """
    The users whom the name service knows.
    """

    file = None

    def __init__(
        self, userdb: UserDatabase | None = None, groupdb: GroupDatabase | None = None
    ) -> None:
        """
        @param userdb: where accounts are looked up; the module L{pwd} if L{None}.
        @param groupdb: where groups are looked up; the module L{grp} if L{None}.
        """
        import grp
        import pwd

        self._userdb: UserDatabase = pwd if userdb is None else userdb
        self._groupdb: GroupDatabase = grp if groupdb is None else groupdb

    def find(self, name: bytes) -> FoundUser:
        """
        Return the user of a name.

        The name service may know them by other names than their own, for instance where
        it ignores case.

        @raise OSError: if that can't be found out now, or what it has for their own name
            is none.
        """
        try:
            record = self._userdb.getpwnam(os.fsdecode(name))
        except KeyError:
            _insistOnFiles()
            return FoundUser()
        known = os.fsencode(record.pw_name)
        if not isAccountName(known):
            raise OSError(f"the name service has no name for {name!r}")
        account = Account(
            record.pw_name,
            record.pw_uid,
            record.pw_gid,
            record.pw_dir,
            record.pw_shell or DEFAULT_SHELL,
        )
        own = ownShadow(known, os.fsencode(record.pw_passwd))
        return FoundUser(User(known, account, own))

    def groupsOf(self, account: Account) -> UserGroups:
        """
        Return the groups of an account.

        @raise OSError: if they can't be found out now.
        """
        gids = _groupList(os.fsencode(account.name), account.gid)
        names = []
        for gid in gids:
            try:
                names.append(self._groupdb.getgrgid(gid).gr_name)
            except KeyError:
                _insistOnFiles()
        return UserGroups(tuple(dict.fromkeys(gids)), tuple(names))

    def gidOf(self, group: str) -> int | None:
        """
        Return the gid of a group; L{None} if there is no such group.

        @raise OSError: if that can't be found out now.
        """
        try:
            return self._groupdb.getgrnam(group).gr_gid
        except KeyError:
            _insistOnFiles()
            return None

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what is to be logged: nothing.
        """
        return iter(())


def _insistOnFiles() -> None:
    """
    Insist that files can be opened.  If they can't, the name service finds no user, and
    doesn't say why.

    @raise OSError: if too many are open.
    """
    os.close(os.open(os.devnull, os.O_RDONLY))


def _groupList(name: bytes, gid: int) -> list[int]:
    """
    Return the gids of a user's groups, as the name service knows them.

    @param gid: the primary group's.

    @raise OSError: if it doesn't answer.
    """
    import ctypes

    # No system has more than 2**16.
    size = 64
    while size <= 2**17:
        gids = (ctypes.c_uint * size)()
        count = ctypes.c_int(size)
        if getgrouplist()(name, gid, gids, ctypes.byref(count)) >= 0:
            return list(gids[: count.value])
        # Not every system says how many there are.
        size = max(count.value, 2 * size)
    raise OSError(f"the groups of {name!r} can't be listed")


@cache
def getgrouplist() -> Callable[..., int]:
    """
    Return the function of the C library.  C{os.getgrouplist} holds on to the
    interpreter's lock, so that a slow directory would stop the reactor.
    """
    import ctypes

    function = ctypes.CDLL(None).getgrouplist
    pointer = ctypes.POINTER(ctypes.c_uint)
    count = ctypes.POINTER(ctypes.c_int)
    function.argtypes = [ctypes.c_char_p, ctypes.c_uint, pointer, count]
    return function


__all__ = ["SystemUsers", "getgrouplist"]
