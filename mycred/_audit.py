"""
What the log says of logins: one line for each, written when its verdict is known.

Whoever is nearest to the client writes it, and those below keep still, since the
credentials say that somebody will:

    - the portal of a connection (L{SessionPortal<mycred._sessions.SessionPortal>}),
      which knows the service and the client, and tells of good logins, too;
    - else a bare L{Portal<mycred.portal.Portal>}, which tells of those that fail;
    - else, under Twisted's own portal, the checker.

What a checker has found out on its way goes to the log at debug level, and travels
with its failure (L{because}).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from time import monotonic
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from ._contracts import ANONYMOUS, IAnonymous, ICredentialsChecker
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

# How much is shown of a name, and of a reason, in characters.
_LONGEST_NAME, _LONGEST_REASON = 64, 300

# What stands between quotes, since a client or a file may have written it.
_QUOTED = {"user", "avatar", "key", "reason", "why"}

# What of a text could be taken for the end of a value, or for the next field.
_SIGNS = {'"', "\\", "="}


class Teller:
    """
    Who tells the log how a login ends.  It stands in the credentials meanwhile, so that
    those below keep still.

    @ivar owner: the portal or the checker.
    """

    __slots__ = ("owner",)

    def __init__(self, owner: object) -> None:
        self.owner = owner

    def __deepcopy__(self, memo: object) -> Teller:
        """
        Tell of copies of the credentials, too.
        """
        return self

    def __reduce__(self) -> Any:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()


class Attempt(Teller):
    """
    A login that is under way.

    @ivar avatarId: whom a checker has let in; L{None} as long as none has.
    @ivar checker: who is asked, or has let them in.
    """

    __slots__ = ("_before", "_began", "_isOver", "avatarId", "checker")

    def __init__(
        self, credentials: object, owner: object, began: float | None = None
    ) -> None:
        """
        @param credentials: what is presented.  They say from now on that somebody will
            tell the log how it ends.
        @param owner: who will.
        @param began: when it began, as C{time.monotonic} counts; now, if L{None}.
        """
        super().__init__(owner)
        self._began = monotonic() if began is None else began
        # The same may be presented again meanwhile, and that may end first.
        self._before = tellerOf(credentials)
        self._isOver = False
        self.avatarId: object = None
        self.checker: object = None
        setTeller(credentials, self)

    def accept(self, avatarId: Any) -> Any:
        """
        Remember whom a checker has let in.

        @return: the same.
        """
        self.avatarId = avatarId
        return avatarId

    def end(self, credentials: Any, result: object) -> None:
        """
        Tell the log how the login has ended.

        @param result: the failure; anything else stands for success.
        """
        self.leave(credentials)
        tell(credentials, result, self._began, self.checker, self.avatarId)

    def leave(self, credentials: object) -> None:
        """
        Have credentials say what they said before, since the login has ended.
        """
        self._isOver = True
        teller = tellerOf(credentials)
        while isinstance(teller, Attempt) and teller._isOver:
            teller = teller._before
        setTeller(credentials, teller)


# For credentials that take no attribute, by their C{id}: themselves, so that nothing else
# gets that meanwhile, and who tells.
_elsewhere: dict[int, tuple[object, Teller]] = {}


def tellerOf(credentials: object) -> Teller | None:
    """
    Return who tells the log how a login ends.

    @return: L{None} if nobody is known who does.
    """
    teller = getattr(credentials, "_mycredTeller", None)
    if teller is None and _elsewhere:
        _, teller = _elsewhere.get(id(credentials), (None, None))
    return teller


def setTeller(credentials: Any, teller: Teller | None) -> None:
    """
    Have credentials say who tells the log how a login ends.
    """
    try:
        if teller is not None:
            credentials._mycredTeller = teller
        else:
            # So that they are what they were, and equal to what they equalled.
            del credentials._mycredTeller
    except Exception:
        # Whatever it is that keeps them as they are.
        if teller is None:
            _elsewhere.pop(id(credentials), None)
        else:
            _elsewhere[id(credentials)] = credentials, teller


def isToldAbove(credentials: object, owner: object) -> bool:
    """
    Tell whether somebody nearer to the client tells the log how a login ends.  Where the
    owner does so already, that is for another login, by the same credentials.
    """
    teller = tellerOf(credentials)
    return teller is not None and teller.owner is not owner


def nowAsked(teller: Teller | None, checker: object) -> None:
    """
    Remember who is asked, of several: the last one, if the login succeeds.
    """
    if isinstance(teller, Attempt):
        teller.checker = checker


def because(error: _E, why: str, avatarId: object = None) -> _E:
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
    known: dict[str, Any] = vars(failure)
    known.setdefault("checker", checker)
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
        said = [f"{authTypeOf(_part(f, 'checker'))}: {reasonOf(f)}" for f in failures]
        vars(last)["why"] = "; ".join(said)
    return last


def tellingAlone(method: Callable[..., Deferred[Any]]) -> Callable[..., Deferred[Any]]:
    """
    Decorate the C{requestAvatarId} of a checker, so that it tells the log how a login
    has ended if nobody else will: under Twisted's own portal.
    """

    @wraps(method)
    def requestAvatarId(self: ICredentialsChecker, credentials: Any) -> Deferred[Any]:
        if isToldAbove(credentials, self):
            return method(self, credentials)
        attempt = Attempt(credentials, self)
        attempt.checker = self

        def tellEnd(result: Any) -> Any:
            if not isinstance(result, Failure):
                attempt.avatarId = result
            attempt.end(credentials, result)
            return result

        try:
            answer = method(self, credentials)
        except BaseException:
            tellEnd(Failure())
            raise
        return answer.addBoth(tellEnd)

    return requestAvatarId


def tell(
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
        "user": _text(_part(credentials, "username"), _LONGEST_NAME),
        "avatar": _text(_named(avatarId), _LONGEST_NAME),
        "key": _text(_part(avatarId, "provedBy"), _LONGEST_REASON),
        "reason": _text(reason, _LONGEST_REASON),
        "why": _text(why, _LONGEST_REASON),
        "by": authTypeOf(getattr(result, "checker", checker)),
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
    why = _said(_part(result, "why") or _part(error, "why") or "") or None
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


def _part(whole: object, name: str) -> Any:
    """
    Return an attribute; L{None} if there is none, or a program's code fails to tell.
    """
    with suppress(Exception):
        return getattr(whole, name, None)
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
    if name in _QUOTED:
        return '"' + "".join(map(_escaped, text)) + '"'
    return "".join("?" if c.isspace() else _escaped(c) for c in text[:_LONGEST_NAME])


def _escaped(character: str) -> str:
    """
    Write a character, by its code if it could mislead.
    """
    if character not in _SIGNS and character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that isn't UTF-8 (PEP 383).
        code -= 0xDC00
    form = "\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x"
    return form % code


__all__ = [
    "UNFINISHED",
    "Attempt",
    "Teller",
    "authTypeOf",
    "because",
    "checkedBy",
    "isToldAbove",
    "nowAsked",
    "reasonOf",
    "setTeller",
    "sumUp",
    "tell",
    "tellerOf",
    "tellingAlone",
]
