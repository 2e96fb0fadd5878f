"""
What the checkers of accounts share: a verdict becomes an avatar ID or a failure,
and the log is told why.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._accounts import isPlausibleLogin
from .._audit import withReason
from .._contracts import AvatarID, IUsernamePassword
from .._encodings import triesDecodings
from .._fairqueue import Source
from .._privileged import Answer, Helper
from .._reporting import reportsOutcome
from .._secrets import LONGEST, asBytes
from .._verdict import Kind, Verdict
from ..error import AccountDenied, LoginFailed, TemporaryFailure, UnauthorizedLogin
from ..workers import Workers
from ._avatarids import avatarIdOf
from ._passwords import PasswordMatching, refusal

# What part of the time that a login may take the processes have for it.
_SHARE = 29 / 30

# What was logged lately isn't logged again: so many lines are remembered.
_MOST_REMEMBERED = 100


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


class Separate:
    """
    Looks made in processes of their own.
    """

    _log = Logger()

    def __init__(self, helper: Helper, workers: Workers | None = None) -> None:
        """
        @param helper: the processes.
        @param workers: threads that wait for them, and wait for nothing else: as
            many as there are processes.  If L{None}, they belong to the reactor.
        """
        self._helper = helper
        self._workers = workers
        self._told: deque[str] = deque(maxlen=_MOST_REMEMBERED)

    @property
    def workers(self) -> Workers:
        """
        The threads.
        """
        if self._workers is None:
            from twisted.internet import reactor

            self._workers = Workers(reactor, self._helper.processes)
        return self._workers

    def look(
        self, name: bytes, password: bytes, peer: str | None, source: Source = ()
    ) -> Deferred[Verdict]:
        """
        Look somebody up.

        @param name: the name.
        @param password: the password, or the key.
        @param peer: the address of the client, if it is known.
        @param source: who asks.

        @return: a L{Deferred} that fires after the delay that the verdict asks for.
        """
        # From now on, however long it waits for a thread; and a little less, so that
        # the log is told how it ends.
        until = time.monotonic() + self.workers.deadline * _SHARE
        asking: Deferred[Any]
        asked = name, password, peer, until
        asking = self.workers.run(self._helper.ask, *asked, source=source)
        return asking.addCallbacks(self._cbAnswer, self._ebAnswer)

    def _cbAnswer(self, answer: Answer) -> Any:
        """
        Log what has come with a verdict, and wait if it says so.
        """
        for note in answer.notes:
            # Each process finds out by itself what is odd.
            if note not in self._told:
                self._told.append(note)
                self._log.warn("{note}", note=note)
        verdict = answer.verdict
        if not verdict.delay:
            return verdict
        # Nobody and nothing is kept busy by that.
        delay = min(verdict.delay, self.workers.deadline)
        # Who has gone meanwhile has their verdict all the same, as the log is told.
        return self.workers.pause(delay).addBoth(lambda _: verdict)

    def _ebAnswer(self, failure: Failure) -> Failure:
        """
        Tell what has failed on this side.
        """
        if failure.check(LoginFailed, CancelledError):
            return failure
        self._log.failure("The processes that check logins can't be asked", failure)
        return Failure(TemporaryFailure("Temporarily unavailable"))


__all__ = ["AccountChecker", "Separate", "errorOf"]
