"""
The line that the log gets for each login, written when its verdict is known, by the
object that L{mycred._reporting} chooses.

Reasons that the client mustn't learn travel with the failure (L{withReason}).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import CancelledError
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from ._contracts import ANONYMOUS, IAnonymous
from ._encodings import decodedName
from ._peers import hostOf
from ._secrets import printable
from .error import (
    AccountDenied,
    LoginFailed,
    TemporaryFailure,
    Throttled,
    UnhandledCredentials,
)

_E = TypeVar("_E", bound=BaseException)

# A namespace of its own, so that a site can send the events where it likes.
_log = Logger(namespace="mycred.login")

#: The failures that are no verdict yet: conch's way to say "right so far".  They are
#: known by name, since conch is not always installed.
UNFINISHED = (
    "twisted.conch.error.ValidPublicKey",
    "twisted.conch.error.NotEnoughAuthentication",
)

# What the log is told of failures besides: their checker, and why.  It isn't kept in the
# failures: Perspective Broker sends a client all that one holds.
_found: WeakKeyDictionary[Failure, dict[str, object]] = WeakKeyDictionary()

# How much is shown of a name and of a reason, in characters.
_LONGEST_NAME, _LONGEST_REASON = 64, 300

# And of what the server itself has chosen.
_LONGEST = 4096

# The fields whose values stand between quotes, since a client or a file may have written
# them.
_QUOTED = {"user", "avatar", "key", "reason", "why"}

# What would end a value that stands without quotes.
_SPACE = re.compile(r"\s")

# The characters that could be taken for the end of a value, or for the next field.
_SIGNS = {'"', "\\", "="}


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
        C{failed} or C{cancelled}; L{None} if it is none, such as "right so far".
    @ivar reason: the reason for a denial, in words; L{None} if there is none.
    @ivar why: what else is known of a failure, for the log; L{None} if nothing is.
    @ivar error: what a login that wasn't accepted has failed with, or L{None}.
    @ivar checker: the checker that has given the verdict; L{None} if it isn't known.
    @ivar avatarId: the avatar ID that a checker has accepted; L{None} if none has.
    @ivar seconds: how long it took.
    @ivar cached: whether a cache knew the login; L{None} if none was asked.
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
    ) -> None:
        """
        @param credentials: what was presented.
        @param result: the failure; anything else stands for success.
        @param began: when it began, as C{time.monotonic} counts.
        @param checker: the checker that was asked.
        @param avatarId: the avatar ID that a checker has accepted; L{None} if none has.
        """
        self.credentials = credentials
        self.seconds = monotonic() - began
        self.error: BaseException | None = None
        self.cached: bool | None = None
        self.verdict: str | None = "accepted"
        self.reason: str | None = None
        self.why: str | None = None
        self.checker, self.avatarId = checker, avatarId
        if isinstance(result, Failure):
            self.error = result.value
            self.verdict, self.reason, self.why = _verdict(result)
            if _isVisit(credentials, result):
                self.verdict = None
            accepted = _part(result.value, "avatarId")
            self.avatarId = avatarId if accepted is None else accepted
            self.checker = _foundOf(result).get("checker", checker)


def logLogin(event: LoginEvent) -> None:
    """
    Log how a login has ended.  Whatever a program's credentials, errors and avatar IDs do
    when they are shown, the login ends as it does.
    """
    credentials, avatarId, verdict = event.credentials, event.avatarId, event.verdict
    # The address is the last one, so that a pattern for addresses can count on it.
    facts = (
        ("user", decodedName(_part(credentials, "username")), _LONGEST_NAME),
        ("avatar", _named(avatarId), _LONGEST_NAME),
        ("key", _part(avatarId, "provedBy"), _LONGEST_REASON),
        ("reason", event.reason, _LONGEST_REASON),
        ("why", event.why, _LONGEST_REASON),
        ("by", authTypeOf(event.checker), _LONGEST),
        ("service", _part(credentials, "service"), _LONGEST_NAME),
        ("ms", str(round(event.seconds * 1000)), _LONGEST),
        ("peer", hostOf(_part(credentials, "peer")), _LONGEST),
    )
    known: dict[str, str] = {}
    told: list[str] = []
    for name, value, longest in facts:
        if value is None:
            continue
        text = known[name] = _text(value, longest)
        # Nearly all texts are like this.  The time must not grow with the length of a
        # reason, which would tell a client which one it is.
        if text.isprintable() and _SIGNS.isdisjoint(text):
            isQuoted = name in _QUOTED
            shown = f'"{text}"' if isQuoted else text[:_LONGEST_NAME].replace(" ", "?")
        else:
            shown, known[name] = _value(name, text), printable(text)
        told.append(f"{name}={shown}")
    level = LogLevel.warn if verdict in ("temporary", "failed") else LogLevel.info
    _log.emit(
        level, "Login {verdict}: {told}", verdict=verdict, told=" ".join(told), **known
    )


def reasonOf(failure: Failure) -> str:
    """
    Return the reason for a failure as the log gets it, and the client doesn't.
    """
    error = failure.value
    said = _part(error, "why") or _said(error) or type(error).__name__
    return str(said)[:_LONGEST_REASON]


def authTypeOf(checker: object) -> str | None:
    """
    Return the name of a checker in the log: the auth type by which it is known on the
    command line, or its class.
    """
    if checker is None:
        return None
    name = _part(checker, "authType")
    return name if isinstance(name, str) else type(checker).__name__


def _verdict(result: Failure) -> tuple[str | None, str | None, str | None]:
    """
    Return how a login has failed.

    @return: the verdict, L{None} if there is none yet; the reason for a denial; and what
        else is known.
    """
    error = result.value
    why = _said(_foundOf(result).get("why") or _part(error, "why") or "") or None
    if result.check(*UNFINISHED):
        return None, None, None
    if isinstance(error, CancelledError):
        return "cancelled", None, None
    if not isinstance(error, LoginFailed):
        return "failed", None, why or qual(type(error))
    told = why or _said(error)
    if isinstance(error, AccountDenied):
        # A program's own error may have another kind of reason.
        reason = _part(_part(error, "reason"), "value")
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


def _part(whole: object, name: str) -> object:
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


def _named(avatarId: object) -> object:
    """
    Return an avatar ID for the log, with a name for the anonymous one.
    """
    isAnonymous = isinstance(avatarId, tuple) and avatarId == ANONYMOUS
    return "anonymous" if isAnonymous else avatarId


def _text(value: object, longest: int) -> str:
    """
    Return as much of a value as the log shows.
    """
    if isinstance(value, bytes):
        value = value[: 4 * longest + 1].decode("utf-8", "surrogateescape")
    elif not isinstance(value, str):
        value = type(value).__name__
    return value[:longest] + "..." if len(value) > longest else value


def _value(name: str, text: str) -> str:
    """
    Return a value as it is written, so that nothing in it can be taken for a field, for
    the end of the line, or for a command to a terminal.
    """
    if name not in _QUOTED:
        return _escaped(_SPACE.sub("?", text[:_LONGEST_NAME]))
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """
    Return a text in which characters that could mislead are written by their codes.
    """
    return "".join(c if c.isprintable() and c not in _SIGNS else _codeOf(c) for c in text)


def _codeOf(character: str) -> str:
    """
    Return the code of a character, as it is written in place of it.
    """
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that isn't UTF-8 (PEP 383).
        code -= 0xDC00
    form = "\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x"
    return form % code


__all__ = [
    "UNFINISHED",
    "LoginEvent",
    "authTypeOf",
    "checkedBy",
    "logLogin",
    "reasonOf",
    "sameFailure",
    "sumUp",
    "withReason",
]
