"""
What the log says of logins: one line for each, written when its verdict is known, by whom
L{mycred._reporting} says.

What a checker has found out on its way goes to the log at debug level, and travels with
its failure (L{withReason}).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import CancelledError
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from ._contracts import ANONYMOUS, IAnonymous
from ._encodings import decodedName
from ._peers import hostOf
from ._secrets import printable
from .error import AccountDenied, LoginFailed, TemporaryFailure, UnhandledCredentials

_E = TypeVar("_E", bound=BaseException)

# Where the events go, so that a site can send them where it likes.
_log = Logger(namespace="mycred.login")

#: The failures that are no verdict yet: conch's way to say "right so far".  They are
#: known by name, since conch is not always installed.
UNFINISHED = (
    "twisted.conch.error.ValidPublicKey",
    "twisted.conch.error.NotEnoughAuthentication",
)

# What the log should be told of failures besides: their checker, and why.  Not in the
# failures: Perspective Broker sends a client all that one holds.
_found: WeakKeyDictionary[Failure, dict[str, Any]] = WeakKeyDictionary()

# How much is shown of a name, and of a reason, in characters.
_LONGEST_NAME, _LONGEST_REASON = 64, 300

# What stands between quotes, since a client or a file may have written it.
_QUOTED = {"user", "avatar", "key", "reason", "why"}

# What would end a value that stands without quotes.
_SPACE = re.compile(r"\s")

# What of a text could be taken for the end of a value, or for the next field.
_SIGNS = {'"', "\\", "="}


def withReason(error: _E, why: str, avatarId: object = None) -> _E:
    """
    Attach to an error what the log should be told, and the client shouldn't.

    @param why: why the login ends so.
    @param avatarId: whose account it is, if it was found out.

    @return: the error.
    """
    told: Any = error
    told.why, told.avatarId = why, avatarId
    return error


def checkedBy(failure: Failure, checker: object) -> Failure:
    """
    Attach to a failure which checker it comes from, unless one nearer to it has.

    @return: the failure.
    """
    _found.setdefault(failure, {}).setdefault("checker", checker)
    return failure


def sumUp(failures: Sequence[Failure]) -> Failure:
    """
    Have the log told what several checkers have failed with, each of which could have let
    somebody in.

    @param failures: failures of one kind, with their checkers.

    @return: the last one.
    """
    last = failures[-1]
    if len(failures) > 1:
        said = [
            f"{authTypeOf(_foundOf(f).get('checker'))}: {reasonOf(f)}" for f in failures
        ]
        _found.setdefault(last, {})["why"] = "; ".join(said)
    return last


def logOutcome(
    credentials: object,
    result: object,
    began: float,
    checker: object,
    avatarId: object = None,
) -> None:
    """
    Tell the log how a login has ended.  Whatever a program's credentials, errors and
    avatar IDs do when they are shown, the login ends as it does.

    @param credentials: what was presented.
    @param result: the failure; anything else stands for success.
    @param began: when it began, as C{time.monotonic} counts.
    @param checker: who was asked.
    @param avatarId: whom a checker has let in; L{None} if none has.
    """
    verdict, reason, why = _verdict(result)
    if verdict is None or _isVisit(credentials, result):
        return
    if isinstance(result, Failure):
        found = _part(result.value, "avatarId")
        avatarId = avatarId if found is None else found
    facts = {
        "user": _text(decodedName(_part(credentials, "username")), _LONGEST_NAME),
        "avatar": _text(_named(avatarId), _LONGEST_NAME),
        "key": _text(_part(avatarId, "provedBy"), _LONGEST_REASON),
        "reason": _text(reason, _LONGEST_REASON),
        "why": _text(why, _LONGEST_REASON),
        "by": authTypeOf(_foundOf(result).get("checker", checker)),
        "service": _text(_part(credentials, "service"), _LONGEST_NAME),
        "ms": str(round((monotonic() - began) * 1000)),
        # The last one, so that a pattern for addresses can count on it.
        "peer": hostOf(_part(credentials, "peer")),
    }
    known = {name: text for name, text in facts.items() if text is not None}
    level = LogLevel.warn if verdict in ("temporary", "failed") else LogLevel.info
    _log.emit(
        level,
        "Login {verdict}: {told}",
        verdict=verdict,
        told=" ".join(f"{name}={_value(name, text)}" for name, text in known.items()),
        **{name: printable(text) for name, text in known.items()},
    )


def reasonOf(failure: Failure) -> str:
    """
    Return what the log is told of a failure, and the client isn't.
    """
    error = failure.value
    said = _part(error, "why") or _said(error) or type(error).__name__
    return str(said)[:_LONGEST_REASON]


def authTypeOf(checker: object) -> str | None:
    """
    Return what to call a checker: the auth type by which it is known on the command
    line, or its class.
    """
    if checker is None:
        return None
    name = _part(checker, "authType")
    return name if isinstance(name, str) else type(checker).__name__


def _verdict(result: object) -> tuple[str | None, str | None, str | None]:
    """
    Say how a login has ended.

    @return: the verdict, L{None} if there is none yet; for a denial, its reason; and
        what is known besides.
    """
    if not isinstance(result, Failure):
        return "accepted", None, None
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
        # A program's own error may say it otherwise.
        reason = _part(_part(error, "reason"), "value")
        return "denied", _said(reason or error), why
    if isinstance(error, TemporaryFailure):
        return "temporary", None, told
    return "refused", None, told or None


def _isVisit(credentials: object, result: object) -> bool:
    """
    Return whether nothing was presented, and visitors aren't let in.

    That is no try to log in: twisted.web.guard asks for visitors whenever a request
    has no login yet, as the first one of each browser.
    """
    return (
        isinstance(result, Failure)
        and result.check(UnhandledCredentials) is not None
        and IAnonymous.providedBy(credentials)
    )


def _foundOf(result: object) -> dict[str, Any]:
    """
    Return what was found out about a failure besides what it holds.
    """
    return _found.get(result, {}) if isinstance(result, Failure) else {}


def _part(whole: object, name: str) -> Any:
    """
    Return an attribute; L{None} if there is none, or a program's code fails to tell.
    """
    try:
        return getattr(whole, name, None)
    except Exception:
        return None


def _said(what: object) -> str:
    """
    Return the text of something; the name of its kind if it can't tell.
    """
    with suppress(Exception):
        return str(what)
    return type(what).__name__


def _named(avatarId: object) -> object:
    """
    Return an avatar ID, with a name for nobody's.
    """
    isAnonymous = isinstance(avatarId, tuple) and avatarId == ANONYMOUS
    return "anonymous" if isAnonymous else avatarId


def _text(value: object, longest: int) -> str | None:
    """
    Return as much of a value as the log shows; L{None} if there is none.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value[: 4 * longest + 1].decode("utf-8", "surrogateescape")
    elif not isinstance(value, str):
        value = type(value).__name__
    return value[:longest] + "..." if len(value) > longest else value


def _value(name: str, text: str) -> str:
    """
    Write a value so that nothing in it can be taken for a field, for the end of the
    line, or for a command to a terminal.
    """
    if name not in _QUOTED:
        return _escaped(_SPACE.sub("?", text[:_LONGEST_NAME]))
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """
    Write characters that could mislead by their codes.
    """
    if text.isprintable() and _SIGNS.isdisjoint(text):
        # As nearly all is: how long a reason is must take no time, since it would tell
        # a client which one it is.
        return text
    return "".join(c if c.isprintable() and c not in _SIGNS else _codeOf(c) for c in text)


def _codeOf(character: str) -> str:
    """
    Write a character by its code.
    """
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that isn't UTF-8 (PEP 383).
        code -= 0xDC00
    form = "\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x"
    return form % code


__all__ = [
    "UNFINISHED",
    "authTypeOf",
    "checkedBy",
    "logOutcome",
    "reasonOf",
    "sumUp",
    "withReason",
]
