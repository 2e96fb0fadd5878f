"""
The steps in which Twisted checks the password of an account, for programs that override
one of them: each is called as Twisted calls it, with its arguments.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from .._accounts import (
    AccountRules,
    Accounts,
    RecordUsers,
    ShadowDatabase,
    SystemUsers,
    Users,
    isPlausibleLogin,
    lastDecoy,
)
from .._checking._accounts import AccountChecker
from .._checking._passwords import refusal
from .._checking._stores import unavailable
from .._contracts import AvatarID
from .._counterparts import isOverridden, overridable
from .._passwordfile import StoredSecret, verified
from .._secrets import asBytes, printable
from .._types import GroupDatabase, PasswordCredentials, UserDatabase
from .._verdict import Kind
from ..credentials import UsernamePassword


class UNIXSteps(AccountChecker):
    """
    Base of L{UNIXChecker<mycred.checkers.UNIXChecker>}, which goes this way only if a
    step is overridden: what it does is done at once, in the reactor's thread.
    """

    _rules = AccountRules()
    _userdb: UserDatabase | None = None
    _groupdb: GroupDatabase | None = None
    _shadow: str | None = None

    def _stepsAreTheirs(self) -> bool:
        """
        Return whether a program has overridden a step.
        """
        return isOverridden(self, "checkPwd", "checkSpwd")

    def _askSteps(self, credentials: PasswordCredentials) -> Deferred[AvatarID] | None:
        """
        Check a password step by step.

        @return: L{None} if a program has left it to the checker.
        """
        username, password = credentials.username, credentials.password
        # A program's own may have a length, and hold no user.
        userdb = _system() if self._userdb is None else self._userdb
        checked = self.checkPwd(userdb, username, password)
        if checked is not None or not isOverridden(self, "checkSpwd"):
            return checked
        try:
            checked = self.checkSpwd(ShadowDatabase(self._shadow), username, password)
        except OSError as error:
            why = f"{printable(str(error))}"
            return fail(unavailable(why))
        return fail(refusal("wrong password").value) if checked is None else checked

    @overridable
    def checkPwd(
        self, pwd: UserDatabase, username: bytes | str, password: bytes | str
    ) -> Deferred[AvatarID] | None:
        """
        Check a password against the passwd file, as Twisted has it.

        @param pwd: what has C{getpwnam}.
        @param username: the name.
        @param password: the password.

        @return: a L{Deferred} that has fired with the name, in the type in which it was
            given, or failed; L{None} if the hash isn't there, or isn't the password's.
        """
        return self._verifyHash(SystemUsers(pwd, self._groupdb), username, password)

    @overridable
    def checkSpwd(
        self, spwd: Any, username: bytes | str, password: bytes | str
    ) -> Deferred[AvatarID] | None:
        """
        Check a password against the shadow file, as Twisted has it, and whether the
        account may be used.

        @param spwd: what has C{getspnam}, as the module of that name had it.
        @param username: the name.
        @param password: the password.

        @return: as from L{checkPwd}.

        @raise OSError: if the file can't be read.
        """
        try:
            record = spwd.getspnam(os.fsdecode(asBytes(username)))
        except (KeyError, ValueError):
            verified(StoredSecret(None), asBytes(password), lastDecoy())
            return fail(refusal("no such user").value)
        users = RecordUsers(self._userdb, self._groupdb, record)
        return self._verifyHash(users, username, password)

    def _verifyHash(
        self, users: Users, username: bytes | str, password: bytes | str
    ) -> Deferred[AvatarID] | None:
        """
        Check a password against the hash that a user has there.
        """
        name, secret = asBytes(username), asBytes(password)
        user = None
        if isPlausibleLogin(name, secret, self.longestPassword):
            user = users.find(name).user
        if user is None:
            verified(StoredSecret(None), secret, lastDecoy())
            return fail(refusal("no such user").value)
        if user.own is None:
            return None
        verdict = Accounts(users, None, self._rules).lookUp(name, secret)
        if verdict.kind is Kind.REFUSED:
            return None
        presented = UsernamePassword(username, password)  # type: ignore[arg-type]
        answer = self._cbVerdict(verdict, presented)
        return fail(answer) if isinstance(answer, Failure) else succeed(answer)


def _system() -> UserDatabase:
    """
    Return the name service.
    """
    import pwd

    return pwd


__all__ = ["UNIXSteps"]
