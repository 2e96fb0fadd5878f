"""
Check passwords against an LDAP directory.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from .._checking._accounts import AccountChecker
from .._checking._stores import DirectoryStore
from .._ldap import Directory, Settings
from .._peers import sourceOf
from .._secrets import LONGEST
from .._types import PasswordCredentials
from .._verdict import Verdict
from ..workers import Workers


class LDAPChecker(AccountChecker):
    """
    The users who can bind to an LDAP directory, and whom its entries let in.

    The avatar ID is the user's name as the directory spells it.  While the directory
    can't be asked, logins are temporary failures; other checkers beside this one work.
    """

    authType = "ldap"

    # As a password policy has it.
    countsRefusals = True

    def __init__(self, settings: Settings, *, workers: Workers | None = None) -> None:
        """
        @param settings: where the directory is, and which of its users are let in
            (L{ldapSettings<mycred.checkers.ldap.ldapSettings>}).
        @param workers: the threads that wait for it, and for nothing else; if L{None},
            six of the reactor that is installed.
        """
        self.store = DirectoryStore(Directory(settings), settings.timeout, workers)

    def close(self) -> None:
        """
        Close the connections to the directory.
        """
        self.store.directory.close()

    def _isPlausible(self, name: object, password: object) -> bool:
        """
        Return whether a directory could know such a name, and such a password.
        """
        return isPlausibleName(name) and (
            isinstance(password, bytes)
            and 0 < len(password) <= self.longestPassword
            and b"\0" not in password
        )

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: PasswordCredentials
    ) -> Deferred[Verdict]:
        """
        Have the directory find a verdict.
        """
        find, source = self.store.directory.lookUp, sourceOf(credentials)
        return self.store.lookUp(find, name, password, source=source)


def isPlausibleName(name: object) -> bool:
    """
    Return whether a directory could know such a name: it is text, and no spaces only,
    which a directory takes for nothing.
    """
    if not isinstance(name, bytes) or len(name) > LONGEST or b"\0" in name:
        return False
    try:
        return bool(name.decode("utf-8").strip())
    except UnicodeDecodeError:
        return False


__all__ = ["LDAPChecker", "isPlausibleName"]
