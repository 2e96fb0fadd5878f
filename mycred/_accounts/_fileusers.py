"""
The users in files like /etc/passwd and /etc/group.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from .._hashes import Hash, UnusableHash
from .._passwordfile import Entry, PasswordFile, Snapshot, UserFile
from .._verdict import Account, Note
from ._account import ACCOUNTS, ADVICE, MORE, isId
from ._shadow import hashIn, ownShadow
from ._users import DEFAULT_SHELL, FoundUser, User, UserGroups


class FileUsers:
    """
    The users in a passwd file, and in a group file if there is one.

    @ivar file: the passwd file.
    """

    def __init__(self, passwd: str, group: str | None = None) -> None:
        """
        @param passwd: the path of a file as passwd(5) has it.
        @param group: the path of a file as group(5) has it; if L{None}, of the groups of
            a user only the gid of the primary one is known.
        """
        self.file = PasswordFile(
            UserFile(passwd, ACCOUNTS), passwdHash, advice=ADVICE, more=MORE
        )
        self._group = None if group is None else GroupFile(group)

    def find(self, name: bytes) -> FoundUser:
        """
        Return the user of a name.

        @raise OSError: if the file can't be read.
        """
        stored = self.file.stored(name)
        if stored.entry is None:
            if self.file.typical is not None:
                # To parse a line takes time: it is done for unknown users, too.
                with suppress(ValueError):
                    userIn(self.file.typical)
            return FoundUser(doubt=stored.doubt)
        shell = stored.entry.secret.rpartition(b":")[2]
        if stored.entry.isCut and (stored.doubt is not None or not shell):
            # The rest may still be written, and the rules go by it.
            return FoundUser(flaw="half a line", doubt=stored.doubt)
        try:
            return FoundUser(userIn(stored.entry), doubt=stored.doubt)
        except ValueError as error:
            return FoundUser(flaw=str(error), doubt=stored.doubt)

    def groupsOf(self, account: Account) -> UserGroups:
        """
        Return the groups of an account.

        @raise OSError: if the file can't be read.
        """
        if self._group is None:
            return UserGroups((account.gid,), ())
        return self._group.groupsOf(os.fsencode(account.name), account.gid)

    def gidOf(self, group: str) -> int | None:
        """
        Return the gid of a group; L{None} if there is no such group, or no group file.

        @raise OSError: if the file can't be read.
        """
        return None if self._group is None else self._group.gidOf(group)

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what is to be logged: what is odd about the passwd file.
        """
        return self.file.takeNotes()


class GroupFile:
    """
    A file of groups, as group(5) has it.

    It may have very many lines, and very long ones: only lines that hold what is looked
    for are parsed.
    """

    def __init__(self, path: str) -> None:
        """
        @param path: the path of the file.
        """
        self._file = UserFile(path, ACCOUNTS)

    def groupsOf(self, user: bytes, gid: int) -> UserGroups:
        """
        Return the groups of a user.

        @param user: the name of the user.
        @param gid: the gid of the primary group.

        @raise OSError: if the file can't be read.
        """
        snapshot = self._file.snapshot()
        found: dict[str, int] = {}
        for name, known, _ in _groupsIn(snapshot, b":%d:" % gid):
            if known == gid:
                found[name] = gid
                break
        for name, known, members in _groupsIn(snapshot, user):
            if user in members:
                found[name] = known
        gids = tuple(dict.fromkeys([gid, *found.values()]))
        doubt = snapshot.state.signature if snapshot.state.isYoung else None
        return UserGroups(gids, tuple(found), doubt)

    def gidOf(self, name: str) -> int | None:
        """
        Return the gid of a group; L{None} if there is no such group.

        @raise OSError: if the file can't be read.
        """
        snapshot = self._file.snapshot()
        for group, gid, _ in _groupsIn(snapshot, os.fsencode(name) + b":"):
            if group == name:
                return gid
        return None


def userIn(entry: Entry) -> User:
    """
    Return the user in a line of passwd(5).

    @raise ValueError: if it isn't such a line.
    """
    fields = entry.secret.split(b":")
    if len(fields) != 6:
        raise ValueError("not as many fields as passwd(5) has")
    secret, uid, gid, _, home, shell = fields
    if not isId(uid) or not isId(gid):
        raise ValueError("no uid or gid where passwd(5) has one")
    account = Account(
        os.fsdecode(entry.name),
        int(uid),
        int(gid),
        os.fsdecode(home),
        os.fsdecode(shell) or DEFAULT_SHELL,
    )
    return User(entry.name, account, ownShadow(entry.name, secret))


def passwdHash(entry: Entry) -> Hash | None:
    """
    Return the hash in a line of passwd(5); L{None} if no password is meant to match.

    @raise UnusableHash: if it can't be verified, or the line isn't one.
    """
    try:
        own = userIn(entry).own
    except ValueError as error:
        raise UnusableHash(str(error)) from None
    return None if own is None else hashIn(own.secret)


def _groupsIn(snapshot: Snapshot, part: bytes) -> Iterator[tuple[str, int, list[bytes]]]:
    """
    Yield the groups in whose lines something stands.

    @return: the name, the gid and the members of each.
    """
    for line, isCut in snapshot.linesWith(part):
        parsed = ACCOUNTS.parse(line)
        fields = parsed[1].split(b":") if parsed is not None else []
        if parsed is None or len(fields) != 3 or not isId(fields[1]):
            continue
        # The rest of the last line, and of the last name in it, may still be written.
        if not (isCut and snapshot.state.isYoung):
            yield os.fsdecode(parsed[0]), int(fields[1]), fields[2].split(b",")


__all__ = ["FileUsers", "GroupFile", "passwdHash", "userIn"]
