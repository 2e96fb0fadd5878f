"""
What the checkers of accounts have in common: a verdict names an account.
"""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure

from .._accounts import isPlausibleLogin
from .._contracts import AvatarID, IUsernamePassword
from .._secrets import LONGEST
from .._verdict import Kind, Verdict
from ._avatarids import avatarIdOf
from ._passwords import PasswordChecker, errorOf


class AccountChecker(PasswordChecker):
    """
    Base of the checkers of accounts, whose avatar IDs L{accountOf
    <mycred.checkers.accountOf>} tells more about.

    @cvar countsRefusals: whether the accounts' keeper counts wrong passwords.
    """

    countsRefusals = False
    credentialInterfaces = (IUsernamePassword,)
    longestPassword = LONGEST

    _implausible = "no account has such a name, or the password is empty or too long"

    def _isPlausible(self, name: Any, password: Any) -> bool:
        """
        Return whether a name and a password are worth any work.
        """
        return isPlausibleLogin(name, password, self.longestPassword)

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> AvatarID | Failure:
        """
        Conclude from a verdict.
        """
        if verdict.kind is Kind.ACCEPTED:
            return avatarIdOf(verdict, credentials)
        return Failure(errorOf(verdict))


__all__ = ["AccountChecker", "errorOf"]
