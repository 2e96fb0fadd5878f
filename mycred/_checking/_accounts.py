"""
What the checkers of accounts share: a verdict becomes an avatar ID or a failure,
and the log is told why.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from .._accounts import isPlausibleLogin
from .._audit import withReason
from .._contracts import AvatarID, IUsernamePassword
from .._encodings import triesDecodings
from .._reporting import reportsOutcome
from .._secrets import LONGEST, asBytes
from .._verdict import Kind, Verdict
from ..error import AccountDenied, LoginFailed, TemporaryFailure, UnauthorizedLogin
from ._avatarids import avatarIdOf
from ._passwords import PasswordMatching, refusal


class AccountChecker(PasswordMatching):
    """
    Base of the checkers of accounts.

    @cvar countsRefusals: whether the accounts' keeper counts wrong passwords.
    @cvar longestPassword: longer passwords are refused before any work, in bytes.
    """

    countsRefusals = False
    credentialInterfaces = (IUsernamePassword,)
    longestPassword = LONGEST

    @reportsOutcome
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password, and whether the account may be used.

        @param credentials: a provider of L{IUsernamePassword}.

        @return: a L{Deferred} that fires with the name as the system spells it, in
            the type in which the credentials have it; L{accountOf} tells more about
            it.  It fails with L{UnauthorizedLogin
            <mycred.error.UnauthorizedLogin>}, with L{AccountDenied
            <mycred.error.AccountDenied>} if the password was right, and with
            L{TemporaryFailure<mycred.error.TemporaryFailure>} if nothing could be
            found out.
        """
        return self._check(credentials)

    @triesDecodings
    def _check(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password, as text may be read.
        """
        name, password = asBytes(credentials.username), asBytes(credentials.password)
        if not self._isPlausible(name, password):
            why = "no account has such a name, or the password is empty or too long"
            return fail(refusal(why))
        looking: Deferred[Any] = self._lookUp(name, password, credentials)
        return looking.addCallback(self._cbVerdict, credentials)

    def _isPlausible(self, name: bytes, password: bytes) -> bool:
        """
        Tell whether it is worth any work.
        """
        return isPlausibleLogin(name, password, self.longestPassword)

    def _lookUp(
        self, name: bytes, password: bytes, credentials: Any
    ) -> Deferred[Verdict]:
        """
        Have a verdict found.
        """
        raise NotImplementedError

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> AvatarID | Failure:
        """
        Conclude from a verdict.
        """
        if verdict.kind is Kind.ACCEPTED:
            return avatarIdOf(verdict, credentials)
        return Failure(errorOf(verdict))


def errorOf(verdict: Verdict) -> LoginFailed:
    """
    Return the error with which a verdict that lets nobody in ends a login.
    """
    error: LoginFailed = UnauthorizedLogin()
    if verdict.kind is Kind.UNSURE:
        error = TemporaryFailure("Temporarily unavailable")
    elif verdict.denial is not None:
        error = AccountDenied(verdict.denial)
    account = verdict.name if verdict.denial is not None else None
    return withReason(error, verdict.why, account)


__all__ = ["AccountChecker", "errorOf"]
