"""
Who the users are: those that the name service knows, or those of a passwd file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple, Protocol

from .._hashes import Hash, UnusableHash
from .._passwordfile import Entry, PasswordFile, UserFile
from .._verdict import Account, Doubt, Note
from ._account import isAccountName
from ._groups import GroupFile, Groups, isNumber
from ._layout import ACCOUNTS, MORE, hashIn
from ._shadow import Shadow


class User(NamedTuple):
    """
    A user.

    @ivar account: what is known of his account, without its groups.
    @ivar own: what stands in place of a line of shadow(5); L{None} if that line is
        to be looked up.
    """

    account: Account
    own: Shadow | None

    @property
    def name(self) -> bytes:
        """
        The name of the account.
        """
        return os.fsencode(self.account.name)


class Found(NamedTuple):
    """
    What has come of a search for a user.

    @ivar user: the user; L{None} if there is none of this name.
    @ivar flaw: what is wrong with his line, so that he counts for none.
    @ivar doubt: the state of the file, if it had changed just before.
    """

    user: User | None = None
    flaw: str = ""
    doubt: Doubt = None


class Users(Protocol):
    """
    Where users are found.
    """

    @property
    def file(self) -> PasswordFile | None:
        """
        The file that they are in, with the hashes that are there.
        """

    def find(self, name: bytes) -> Found:
        """
        Look a user up.

        @raise OSError: if that can't be done now.
        """

    def groupsOf(self, account: Account) -> Groups:
        """
        Find the groups of a user.

        @raise OSError: if that can't be done now.
        """

    def gidOf(self, group: str) -> int | None:
        """
        Find the number of a group.

        @return: L{None} if there is no such group.

        @raise OSError: if that can't be done now.
        """

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """


class SystemUsers:
    """
    The users whom the name service knows (nsswitch.conf(5)).
    """

    file = None

    def __init__(self, userdb: Any = None, groupdb: Any = None) -> None:
        """
        @param userdb: what has C{getpwnam}; the module L{pwd} if L{None}.
        @param groupdb: what has C{getgrgid} and C{getgrnam}; the module L{grp} if
            L{None}.
        """
        if userdb is None:
            import pwd as userdb
        if groupdb is None:
            import grp as groupdb
        self._userdb = userdb
        self._groupdb = groupdb

    def find(self, name: bytes) -> Found:
        """
        Look a user up.

        The name service may know them by other names than their own, for instance where
        it ignores case.

        @raise OSError: if that can't be done now, or their own name is none.
        """
        try:
            record = self._userdb.getpwnam(os.fsdecode(name))
        except KeyError:
            _insistOnFiles()
            return Found()
        if not isAccountName(os.fsencode(record.pw_name)):
            raise OSError(f"the name service has no name for {name!r}")
        account = Account(
            record.pw_name,
            record.pw_uid,
            record.pw_gid,
            record.pw_dir,
            record.pw_shell or _DEFAULT_SHELL,
        )
        own = _ownIn(os.fsencode(record.pw_name), os.fsencode(record.pw_passwd))
        return Found(User(account, own))

    def groupsOf(self, account: Account) -> Groups:
        """
        Find the groups of a user.
        """
        gids = _groupList(os.fsencode(account.name), account.gid)
        names = []
        for gid in gids:
            try:
                names.append(self._groupdb.getgrgid(gid).gr_name)
            except KeyError:
                _insistOnFiles()
        return Groups(tuple(dict.fromkeys(gids)), tuple(names))

    def gidOf(self, group: str) -> int | None:
        """
        Find the number of a group.
        """
        try:
            gid: int = self._groupdb.getgrnam(group).gr_gid
            return gid
        except KeyError:
            _insistOnFiles()
            return None

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        return iter(())


class FileUsers:
    """
    The users in files like /etc/passwd and /etc/group.
    """

    def __init__(self, passwd: str, group: str | None = None) -> None:
        """
        @param passwd: the name of the file of users, as passwd(5) has it.
        @param group: the name of the file of groups, as group(5) has it; if
            L{None}, their primary groups are all that is known of them.
        """
        self.file = PasswordFile(
            UserFile(passwd, ACCOUNTS), hashOf, advice=ADVICE, more=MORE
        )
        self._group = None if group is None else GroupFile(group)

    def find(self, name: bytes) -> Found:
        """
        Look a user up.
        """
        look = self.file.stored(name)
        if look.entry is None:
            if self.file.typical is not None:
                # To read a line takes time: it is done for whoever has none, too.
                with suppress(ValueError):
                    userOf(self.file.typical)
            return Found(doubt=look.doubt)
        shell = look.entry.secret.rpartition(b":")[2]
        if look.entry.isCut and (look.doubt is not None or not shell):
            # The rest may be on its way, and is what the rules go by.
            return Found(flaw="half a line", doubt=look.doubt)
        try:
            return Found(userOf(look.entry), doubt=look.doubt)
        except ValueError as error:
            return Found(flaw=str(error), doubt=look.doubt)

    def groupsOf(self, account: Account) -> Groups:
        """
        Find the groups of a user.
        """
        if self._group is None:
            return Groups((account.gid,), ())
        return self._group.of(os.fsencode(account.name), account.gid)

    def gidOf(self, group: str) -> int | None:
        """
        Find the number of a group.
        """
        return None if self._group is None else self._group.gidOf(group)

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        return self.file.takeNotes()


#: What to do about a weak hash, for the log.
ADVICE = "set such passwords anew, with passwd(1)"

# As passwd(5) has it.
_DEFAULT_SHELL = "/bin/sh"


def _ownIn(name: bytes, secret: bytes) -> Shadow | None:
    """
    Read the second field of passwd(5), as pam_unix does.

    @return: L{None} if it refers to a shadow file.
    """
    if secret in (b"x", b"##" + name):
        return None
    return Shadow(secret, None, None, None, None)


def hashOf(entry: Entry) -> Hash | None:
    """
    Read the hash in a line of passwd(5).

    @raise UnusableHash: if it can't be verified, or the line isn't one.
    """
    try:
        own = userOf(entry).own
    except ValueError as error:
        raise UnusableHash(str(error)) from None
    return hashIn(own.secret) if own is not None else None


def userOf(entry: Entry) -> User:
    """
    Read a line of passwd(5).

    @raise ValueError: if it isn't one.
    """
    fields = entry.secret.split(b":")
    if len(fields) != 6:
        raise ValueError("a number of fields that isn't passwd(5)'s")
    secret, uid, gid, _, home, shell = fields
    if not isNumber(uid) or not isNumber(gid):
        raise ValueError("no number where passwd(5) has one")
    account = Account(
        os.fsdecode(entry.name),
        int(uid),
        int(gid),
        os.fsdecode(home),
        os.fsdecode(shell) or _DEFAULT_SHELL,
    )
    return User(account, _ownIn(entry.name, secret))


def _insistOnFiles() -> None:
    """
    Insist that files can be opened.  If they can't, the name service finds nobody, and
    doesn't say why.

    @raise OSError: if too many are open.
    """
    os.close(os.open(os.devnull, os.O_RDONLY))


def _groupList(name: bytes, gid: int) -> list[int]:
    """
    Ask the name service for the groups of a user.

    @raise OSError: if it can't tell.
    """
    import ctypes

    # No system has more than 2**16.
    size = 64
    while size <= 2**17:
        gids = (ctypes.c_uint * size)()
        count = ctypes.c_int(size)
        if getgrouplist()(name, gid, gids, ctypes.byref(count)) >= 0:
            return list(gids[: count.value])
        # Not every system tells how many there are.
        size = max(count.value, 2 * size)
    raise OSError(f"the groups of {name!r} can't be listed")


@cache
def getgrouplist() -> Any:
    """
    Find the function of the C library.  C{os.getgrouplist} holds on to the
    interpreter's lock, so that a slow directory would stop the reactor.
    """
    import ctypes

    function = ctypes.CDLL(None).getgrouplist
    pointer = ctypes.POINTER(ctypes.c_uint)
    count = ctypes.POINTER(ctypes.c_int)
    function.argtypes = [ctypes.c_char_p, ctypes.c_uint, pointer, count]
    return function


__all__ = [
    "ADVICE",
    "FileUsers",
    "Found",
    "SystemUsers",
    "User",
    "Users",
    "getgrouplist",
    "hashOf",
    "userOf",
]
