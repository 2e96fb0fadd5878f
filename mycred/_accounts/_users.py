"""
Users, wherever they are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from .._passwordfile import PasswordFile
from .._verdict import Account, Doubt, Note
from ._shadow import Shadow

#: The shell of an account for which none is given (passwd(5)).
DEFAULT_SHELL = "/bin/sh"


class User(NamedTuple):
    """
    A user.

    @ivar name: the name of the account.
    @ivar account: what is known of the account, without its groups.
    @ivar own: what stands in place of a line of shadow(5); L{None} if that line is
        to be looked up.
    """

    name: bytes
    account: Account
    own: Shadow | None


class FoundUser(NamedTuple):
    """
    What was found for a name.

    @ivar user: the user; L{None} if there is none of this name.
    @ivar flaw: what is wrong with the user's line, so that it doesn't count.
    @ivar doubt: the state of the file, if it had changed just before.
    """

    user: User | None = None
    flaw: str = ""
    doubt: Doubt = None


class UserGroups(NamedTuple):
    """
    The groups of a user.

    @ivar gids: their gids, the primary group's first.
    @ivar names: the names of those that have one.
    @ivar doubt: the state of the file, if it had changed just before.
    """

    gids: tuple[int, ...]
    names: tuple[str, ...]
    doubt: Doubt = None


class Users(Protocol):
    """
    Where users are found.
    """

    @property
    def file(self) -> PasswordFile | None:
        """
        The file of the users, with the hashes that it holds; L{None} if they aren't in
        a file.
        """

    def find(self, name: bytes) -> FoundUser:
        """
        Return the user of a name.

        @raise OSError: if that can't be found out now.
        """

    def groupsOf(self, account: Account) -> UserGroups:
        """
        Return the groups of an account.

        @raise OSError: if they can't be found out now.
        """

    def gidOf(self, group: str) -> int | None:
        """
        Return the gid of a group; L{None} if there is no such group.

        @raise OSError: if that can't be found out now.
        """

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what is to be logged.
        """


def findAccount(users: Users, name: bytes) -> Account | None:
    """
    Return what is known of an account, with its groups; L{None} if there is no such
    account.

    @raise OSError: if that can't be found out now.
    """
    user = users.find(name).user
    if user is None:
        return None
    groups = users.groupsOf(user.account)
    return user.account._replace(groups=groups.names, gids=groups.gids)


__all__ = [
    "DEFAULT_SHELL",
    "FoundUser",
    "User",
    "UserGroups",
    "Users",
    "findAccount",
]
