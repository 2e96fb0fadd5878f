"""
Who tells the log how a login has ended.

It is whoever is nearest to the client, and those below keep still, since the credentials
say that somebody will:

    - the portal of a connection (L{SessionPortal<mycred.portal.SessionPortal>}),
      which knows the service and the client, and tells of good logins, too;
    - else a bare L{Portal<mycred.portal.Portal>}, which tells of those that fail;
    - else, under Twisted's own portal, the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._audit import logOutcome
from ._contracts import ICredentialsChecker


class Reporter:
    """
    Who tells the log how a login ends.  It stands in the credentials meanwhile, so that
    those below keep still.

    @ivar owner: the portal or the checker.
    """

    __slots__ = ("owner",)

    def __init__(self, owner: object) -> None:
        self.owner = owner

    def __deepcopy__(self, memo: object) -> Reporter:
        """
        Tell of copies of the credentials, too.
        """
        return self

    def __reduce__(self) -> Any:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()


class Attempt(Reporter):
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
        self._before = reporterOf(credentials)
        self._isOver = False
        self.avatarId: object = None
        self.checker: object = None
        setReporter(credentials, self)

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
        logOutcome(credentials, result, self._began, self.checker, self.avatarId)

    def leave(self, credentials: object) -> None:
        """
        Have credentials say what they said before, since the login has ended.
        """
        self._isOver = True
        reporter = reporterOf(credentials)
        while isinstance(reporter, Attempt) and reporter._isOver:
            reporter = reporter._before
        setReporter(credentials, reporter)


# For credentials that take no attribute, by their C{id}: themselves, so that nothing else
# gets that meanwhile, and who tells.
_elsewhere: dict[int, tuple[object, Reporter]] = {}


def reporterOf(credentials: object) -> Reporter | None:
    """
    Return who tells the log how a login ends.

    @return: L{None} if nobody is known who does.
    """
    reporter = getattr(credentials, "_mycredReporter", None)
    if reporter is None and _elsewhere:
        _, reporter = _elsewhere.get(id(credentials), (None, None))
    return reporter


def setReporter(credentials: Any, reporter: Reporter | None) -> None:
    """
    Have credentials say who tells the log how a login ends.
    """
    try:
        if reporter is not None:
            credentials._mycredReporter = reporter
        else:
            # So that they are what they were, and equal to what they equalled.
            del credentials._mycredReporter
    except Exception:
        # Whatever it is that keeps them as they are.
        if reporter is None:
            _elsewhere.pop(id(credentials), None)
        else:
            _elsewhere[id(credentials)] = credentials, reporter


def isReportedAbove(credentials: object, owner: object) -> bool:
    """
    Tell whether somebody nearer to the client tells the log how a login ends.  Where the
    owner does so already, that is for another login, by the same credentials.
    """
    reporter = reporterOf(credentials)
    return reporter is not None and reporter.owner is not owner


def noteAsked(reporter: Reporter | None, checker: object) -> None:
    """
    Remember who is asked, of several: the last one, if the login succeeds.
    """
    if isinstance(reporter, Attempt):
        reporter.checker = checker


def reportsOutcome(method: Callable[..., Deferred[Any]]) -> Callable[..., Deferred[Any]]:
    """
    Decorate the C{requestAvatarId} of a checker, so that it tells the log how a login
    has ended if nobody else will: under Twisted's own portal.
    """

    @wraps(method)
    def requestAvatarId(self: ICredentialsChecker, credentials: Any) -> Deferred[Any]:
        if isReportedAbove(credentials, self):
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


__all__ = [
    "Attempt",
    "Reporter",
    "isReportedAbove",
    "noteAsked",
    "reporterOf",
    "reportsOutcome",
    "setReporter",
]
