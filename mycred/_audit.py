"""
How a login has ended, as those get it who are told: the log (L{mycred._loginline}) and
others.

Reasons that the client mustn't learn travel with the failure (L{withReason}).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from ._contracts import IAnonymous
from .error import (
    AccountDenied,
    LoginFailed,
    StaleNonce,
    TemporaryFailure,
    Throttled,
    UnhandledCredentials,
)

_E = TypeVar("_E", bound=BaseException)

#: The failure of a login that takes another factor besides.  It is known by name, since
#: conch is not always installed.
NOT_ENOUGH = "twisted.conch.error.NotEnoughAuthentication"

#: The failures that are no verdict yet: conch's way to say "right so far".
UNFINISHED = ("twisted.conch.error.ValidPublicKey", NOT_ENOUGH)

# What is known of failures besides: their checker, why, and whether one was a guess all
# the same.  It isn't kept in the failures: Perspective Broker sends a client all that one
# holds.
_found: WeakKeyDictionary[Failure, dict[str, object]] = WeakKeyDictionary()

# How much is kept of a reason, in characters.
_LONGEST_REASON = 300


def withReason(error: _E, why: str, avatarId: object = None) -> _E:
    """
    Attach to an error a reason for the log, which the client doesn't get.

    @param why: why the login ends so.
    @param avatarId: the avatar ID of the account, if it was found out.

    @return: the error.
    """
    vars(error).update(why=why, avatarId=avatarId)
    return error


def checkedBy(failure: Failure, checker: object) -> Failure:
    """
    Attach to a failure the checker that it comes from, unless it has one already.

    @return: the failure.
    """
    _found.setdefault(failure, {}).setdefault("checker", checker)
    return failure


def sameFailure(failure: Failure) -> Failure:
    """
    Return another failure with the same error, and with what is known of it besides.
    """
    other = Failure(failure.value)
    if failure in _found:
        _found[other] = dict(_found[failure])
    return other


def noteRefusedByOne(failure: Failure) -> None:
    """
    Note that a checker has refused a login, or may have, which ends with a temporary
    failure, since another one couldn't tell.
    """
    _found.setdefault(failure, {})["isRefusedByOne"] = True


def isRefusedByOne(failure: Failure) -> bool:
    """
    Return whether a checker has refused a login which has ended with a temporary failure.
    """
    return bool(_foundOf(failure).get("isRefusedByOne"))


def sumUp(failures: Sequence[Failure]) -> Failure:
    """
    Attach to the last of several failures the reasons of all of them.

    @param failures: failures of one kind, of checkers each of which could have accepted
        the login.

    @return: the last one.
    """
    last = failures[-1]
    if len(failures) > 1:
        said = [
            f"{authTypeOf(_foundOf(f).get('checker'))}: {reasonOf(f)}" for f in failures
        ]
        _found.setdefault(last, {})["why"] = "; ".join(said)
    return last


class LoginEvent:
    """
    How a login has ended.

    @ivar credentials: what was presented.
    @ivar verdict: C{accepted}, C{refused}, C{denied}, C{throttled}, C{temporary},
        C{failed} or C{cancelled}; L{None} if it is none, such as "right so far", or an
        answer of HTTP Digest that came too late.
    @ivar reason: the reason for a denial, in words; L{None} if there is none.
    @ivar why: what else is known of a failure, for the log; L{None} if nothing is.
    @ivar error: what a login that wasn't accepted has failed with, or L{None}.
    @ivar checker: the checker that has given the verdict; L{None} if it isn't known.
    @ivar avatarId: the avatar ID that a checker has accepted; L{None} if none has.
    @ivar cached: whether a cache has accepted it; L{None} if none was asked.
    @ivar seconds: how long it took.
    """

    __slots__ = (
        "avatarId",
        "cached",
        "checker",
        "credentials",
        "error",
        "reason",
        "seconds",
        "verdict",
        "why",
    )

    def __init__(
        self,
        credentials: object,
        result: object,
        began: float,
        checker: object,
        avatarId: object = None,
        cached: bool | None = None,
    ) -> None:
        """
        @param credentials: what was presented.
        @param result: the failure; anything else stands for success.
        @param began: when it began, as C{time.monotonic} counts.
        @param checker: the checker that was asked.
        @param avatarId: the avatar ID that a checker has accepted; L{None} if none has.
        @param cached: whether a cache has accepted it; L{None} if none was asked.
        """
        self.credentials = credentials
        self.cached = cached
        self.seconds = monotonic() - began
        self.error: BaseException | None = None
        self.verdict: str | None = "accepted"
        self.reason: str | None = None
        self.why: str | None = None
        self.checker, self.avatarId = checker, avatarId
        if isinstance(result, Failure):
            self.error = result.value
            self.verdict, self.reason, self.why = _verdict(result)
            if _isVisit(credentials, result):
                self.verdict = None
            accepted = partOf(result.value, "avatarId")
            self.avatarId = avatarId if accepted is None else accepted
            self.checker = _foundOf(result).get("checker", checker)


def reasonOf(failure: Failure) -> str:
    """
    Return the reason for a failure as the log gets it, and the client doesn't.
    """
    error = failure.value
    said = partOf(error, "why") or _said(error) or type(error).__name__
    return str(said)[:_LONGEST_REASON]


def authTypeOf(checker: object) -> str | None:
    """
    Return the name of a checker in the log: the auth type by which it is known on the
    command line, or its class.
    """
    if checker is None:
        return None
    name = partOf(checker, "authType")
    return name if isinstance(name, str) else type(checker).__name__


def _verdict(result: Failure) -> tuple[str | None, str | None, str | None]:
    """
    Return how a login has failed.

    @return: the verdict, L{None} if there is none yet; the reason for a denial; and what
        else is known.
    """
    error = result.value
    why = _said(_foundOf(result).get("why") or partOf(error, "why") or "") or None
    if result.check(*UNFINISHED, StaleNonce):
        return None, None, None
    if isinstance(error, CancelledError):
        return "cancelled", None, None
    if not isinstance(error, LoginFailed):
        return "failed", None, why or qual(type(error))
    told = why or _said(error)
    if isinstance(error, AccountDenied):
        # A program's own error may have another kind of reason.
        reason = partOf(partOf(error, "reason"), "value")
        return "denied", _said(reason or error), why
    if isinstance(error, Throttled):
        return "throttled", None, told
    if isinstance(error, TemporaryFailure):
        return "temporary", None, told
    return "refused", None, told or None


def _isVisit(credentials: object, result: Failure) -> bool:
    """
    Return whether a login without a name was asked for, and none is served.

    That is no try to log in: twisted.web.guard asks for one whenever a request has no
    login yet, as the first one of each browser.
    """
    isUnhandled = result.check(UnhandledCredentials) is not None
    return isUnhandled and IAnonymous.providedBy(credentials)


def _foundOf(failure: Failure) -> dict[str, object]:
    """
    Return what is known about a failure besides what it holds.
    """
    return _found.get(failure, {})


def partOf(whole: object, name: str) -> object:
    """
    Return an attribute, or L{None} if there is none or a program's code fails.
    """
    try:
        part: object = getattr(whole, name, None)
        return part
    except Exception:
        return None


def _said(what: object) -> str:
    """
    Return the text of an object, or the name of its class if it has none.
    """
    with suppress(Exception):
        return str(what)
    return type(what).__name__


__all__ = [
    "NOT_ENOUGH",
    "UNFINISHED",
    "LoginEvent",
    "authTypeOf",
    "checkedBy",
    "isRefusedByOne",
    "noteRefusedByOne",
    "partOf",
    "reasonOf",
    "sameFailure",
    "sumUp",
    "withReason",
]
