"""
Which object logs how a login has ended.

It is the one nearest to the client.  The credentials name it while a checker is asked, so
that those below it log nothing:

    - the portal of a connection (L{SessionPortal<mycred.portal.SessionPortal>}),
      which knows the service and the client, and logs accepted logins, too;
    - else a bare L{Portal<mycred.portal.Portal>}, which logs those that fail;
    - else, under Twisted's own portal, the checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from time import monotonic
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._audit import LoginEvent
from ._loginline import logLogin

_T = TypeVar("_T")

#: What is told how logins end.
Watcher = Callable[[LoginEvent], object]

_log = Logger()

_Method = TypeVar("_Method", bound=Callable[..., Deferred[Any]])


class Reporter:
    """
    The mark in credentials that their login's outcome will be logged.

    @ivar owner: the portal or the checker that will log it.
    """

    __slots__ = ("owner",)

    def __init__(self, owner: object) -> None:
        self.owner = owner

    def __deepcopy__(self, memo: object) -> Reporter:
        """
        Return the same one: it logs the outcome of copies of the credentials, too.
        """
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()


class Asked(Reporter):
    """
    A mark that remembers which checker is asked.

    @ivar checker: the checker that is asked, or has accepted.
    @ivar cached: whether a cache has accepted the login; L{None} if none was asked.
    """

    __slots__ = ("cached", "checker")

    def __init__(self, owner: object) -> None:
        self.owner = self.checker = owner
        self.cached: bool | None = None


class Attempt(Asked):
    """
    A login that is under way.

    @ivar avatarId: the avatar ID that a checker has accepted; L{None} as long as none
        has.
    """

    __slots__ = ("_before", "_began", "_isOver", "_watchers", "avatarId")

    def __init__(
        self, credentials: object, owner: object, began: float | None = None
    ) -> None:
        """
        @param credentials: what is presented.  They name this attempt from now on.
        @param owner: the portal or the checker that will log how it ends.
        @param began: when it began, as C{time.monotonic} counts; now, if L{None}.
        """
        self.owner = owner
        self._began = monotonic() if began is None else began
        # The same may be presented again meanwhile, and that may end first.
        self._before = reporterOf(credentials)
        self._isOver = False
        self._watchers: tuple[Watcher, ...] = ()
        self.avatarId: object = None
        self.checker: object = None
        self.cached = None
        setReporter(credentials, self)

    def accept(self, avatarId: _T) -> _T:
        """
        Remember the avatar ID that a checker has accepted.

        @return: the same.
        """
        self.avatarId = avatarId
        return avatarId

    def watch(self, watchers: Iterable[Watcher]) -> None:
        """
        Have others told how the login ends, besides the log.  Those who are told already
        are told once: a checker may be asked several times for one login.
        """
        for watcher in watchers:
            if watcher not in self._watchers:
                self._watchers += (watcher,)

    def end(self, credentials: object, result: object, isLogged: bool = True) -> None:
        """
        Log how the login has ended.

        @param result: the failure; anything else stands for success.
        @param isLogged: whether the log is told; else it is only those who watch.
        """
        self.leave(credentials)
        if not (isLogged or self._watchers):
            return
        event = LoginEvent(
            credentials, result, self._began, self.checker, self.avatarId, self.cached
        )
        if event.verdict is None:
            return
        if isLogged:
            logLogin(event)
        tellAll(self._watchers, event)

    def leave(self, credentials: object) -> None:
        """
        Have credentials name the reporter that they named before, since the login has
        ended.
        """
        self._isOver = True
        reporter = reporterOf(credentials)
        while isinstance(reporter, Attempt) and reporter._isOver:
            reporter = reporter._before
        setReporter(credentials, reporter)


def tellAll(watchers: Iterable[Watcher], event: LoginEvent) -> None:
    """
    Tell those who watch how a login has ended.  What they raise is a defect of theirs: it
    is logged, and neither the login nor the others suffer from it.
    """
    for watcher in watchers:
        try:
            watcher(event)
        except Exception:
            _log.failure("What watches logins has failed")


# The reporters of credentials that take no attribute, by the C{id} of the credentials.
# These are kept beside, so that nothing else gets that id meanwhile.
_elsewhere: dict[int, tuple[object, Reporter]] = {}


def reporterOf(credentials: object) -> Reporter | None:
    """
    Return the reporter that credentials name, or L{None}.
    """
    reporter: Reporter | None = getattr(credentials, "_mycredReporter", None)
    if reporter is None and _elsewhere:
        _, reporter = _elsewhere.get(id(credentials), (None, None))
    return reporter


def setReporter(credentials: Any, reporter: Reporter | None) -> None:
    """
    Have credentials name a reporter, or none.
    """
    try:
        if reporter is not None:
            credentials._mycredReporter = reporter
        else:
            # So that they are what they were, and equal to what they equalled.
            del credentials._mycredReporter
    except Exception:
        # Programs' credentials may refuse attributes in any way.
        if reporter is None:
            _elsewhere.pop(id(credentials), None)
        else:
            _elsewhere[id(credentials)] = credentials, reporter


def isReportedAbove(credentials: object, owner: object) -> bool:
    """
    Return whether an object nearer to the client logs how a login ends.  Where the owner
    does so already, that is for another login, by the same credentials.
    """
    reporter = reporterOf(credentials)
    return reporter is not None and reporter.owner is not owner


def noteAsked(reporter: Reporter | None, checker: object) -> None:
    """
    Remember which of several checkers is asked: the last one, if the login succeeds.
    """
    if isinstance(reporter, Asked):
        reporter.checker = checker


def reportsOutcome(method: _Method) -> _Method:
    """
    Decorate the C{requestAvatarId} of a checker, so that it logs how a login has ended if
    nothing nearer to the client does: under Twisted's own portal.
    """

    @wraps(method)
    def requestAvatarId(self: object, credentials: object) -> Deferred[Any]:
        # As isReportedAbove has it, in half of the time.
        reporter = getattr(credentials, "_mycredReporter", None)
        if reporter is None and _elsewhere:
            reporter = reporterOf(credentials)
        if reporter is not None and reporter.owner is not self:
            return method(self, credentials)
        attempt = Attempt(credentials, self)
        attempt.checker = self

        def report(result: _T) -> _T:
            if not isinstance(result, Failure):
                attempt.avatarId = result
            attempt.end(credentials, result)
            return result

        try:
            answer = method(self, credentials)
        except BaseException:
            report(Failure())
            raise
        return answer.addBoth(report)

    return cast(_Method, requestAvatarId)


__all__ = [
    "Asked",
    "Attempt",
    "Reporter",
    "Watcher",
    "isReportedAbove",
    "noteAsked",
    "reporterOf",
    "reportsOutcome",
    "setReporter",
    "tellAll",
]
