"""
Check passwords against a dictionary.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from twisted.internet.defer import Deferred

from .._checking._lookups import LookUps
from .._checking._passwords import PLAIN_INTERFACES, PasswordChecker
from .._contracts import AvatarID, twistedCheckers
from .._conversations import IScramCredentials
from .._counterparts import Counterpart
from .._fairqueue import Source
from .._scram import HASHES
from .._secrets import asBytes
from .._storedstate import NOBODY, stateDigest
from .._types import PasswordCredentials


class InMemoryUsernamePasswordDatabaseDontUse(
    Counterpart,
    PasswordChecker,
    twistedCheckers.InMemoryUsernamePasswordDatabaseDontUse,
):
    """
    Users and their passwords, in memory and in plain text: for tests and
    examples.  A server wants L{FilePasswordDB<mycred.checkers.FilePasswordDB>}
    at least.

    @ivar users: the password of each user.
    """

    authType = "memory"

    credentialInterfaces: Any = (*PLAIN_INTERFACES, IScramCredentials)

    plain = True

    def __init__(self, **users: bytes) -> None:
        """
        @param users: the password of each user, by names that are ASCII::

            InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        """
        self.users = {name.encode("ascii"): users[name] for name in users}

    def addUser(self, username: bytes, password: bytes) -> None:
        """
        Set the password of a user.

        @param username: the name of the user.
        @param password: the password.
        """
        self.users[username] = password

    def _checkDecoded(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, decoded in one way.
        """
        username = credentials.username
        users = self.users
        names = (username,) if type(username) is bytes else _spellings(username)
        for name in names:
            # In this way, since a program's own may have nothing else.
            if name in users:
                return self._matchPassword(credentials, users[name], username)
        return self._matchPassword(credentials, None, username)

    def storedState(
        self, credentials: PasswordCredentials, avatarId: object = None
    ) -> bytes:
        """
        Return what is stored for a user now.
        """
        username, users = credentials.username, self.users
        for name in (username,) if type(username) is bytes else _spellings(username):
            if name in users:
                stored = users[name]
                return stored if type(stored) is bytes else stateDigest(stored)
        return NOBODY

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes by which a user can log in by SCRAM: all, if there is a user.
        """
        return tuple(HASHES) if self.users else ()

    def _makeLookUps(self) -> LookUps:
        """
        Make the look-ups that SCRAM needs, whose keys are computed in threads.
        """
        return LookUps(self, self._findUser)

    def _findUser(self, username: bytes, source: Source) -> tuple[bytes, bytes] | None:
        """
        Return a user for SCRAM: the name and the password, marked as one, though it begin
        like a hash.
        """
        for name in (username, username.decode("utf-8", "surrogateescape")):
            if name in self.users:
                password = asBytes(self.users[name])
                isText = isinstance(password, bytes) and password
                return (username, b"{PLAIN}" + password) if isText else None
        return None


def _spellings(username: object) -> tuple[object, ...]:
    """
    Return the names under which a user is looked up.
    """
    if isinstance(username, str):
        return username, asBytes(username)
    try:
        hash(username)
    except TypeError:
        # Over PB a name may be anything, a list too.
        return ()
    return (username,)


__all__ = ["InMemoryUsernamePasswordDatabaseDontUse"]
