"""
Checkers with what stands around them, as one checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import LoginEvent
from .._callers import noteCaller
from .._chain import CheckerChain, acceptsAtOnce, partsOf
from .._contracts import AvatarID, ICredentials, ICredentialsChecker
from .._reporting import (
    Asked,
    Attempt,
    Watcher,
    reporterOf,
    reportsOutcome,
    setReporter,
    tellAll,
)
from .._state import ISharedState
from ._cache import LoginCache
from ._throttle import Ask, Throttle


class CheckerStack(CheckerChain):
    """
    Checkers, asked one after another as in a chain, with what stands around all of them.

    A login passes the throttle, which lets it wait or lets it through; then the cache,
    which may know it; then the checkers.  When it is over the audit log and the metrics
    are told, once.

    The checkers can be looked at, as those of a chain can; to ask one of them by itself
    is to get around the throttle.

    Behind a L{SessionPortal<mycred.portal.SessionPortal>} the audit log and the metrics
    get to know what the realm says, too, and what checkers beside the stack say.
    Elsewhere they know what the stack says.

    @ivar checkers: the checkers, in the order in which they are asked.
    @ivar credentialInterfaces: all that they check together.
    @ivar throttle: what makes guesses wait, or L{None}.
    @ivar cache: what remembers logins that were accepted, or L{None}.
    @ivar audit: what is told how each login has ended, or L{None}.
    @ivar metrics: what counts them, or L{None}.
    @ivar watchers: what is told how each login has ended: the audit log and the metrics.
    """

    authType = "stack"

    _log = Logger()

    def __init__(
        self,
        checkers: Iterable[ICredentialsChecker],
        *,
        throttle: Throttle | None = None,
        cache: LoginCache | None = None,
        audit: Callable[[LoginEvent], object] | None = None,
        metrics: Callable[[LoginEvent], object] | None = None,
    ) -> None:
        """
        @param checkers: the checkers, in the order in which to ask them.
        @param throttle: what makes guesses wait.
        @param cache: what remembers logins that were accepted.
        @param audit: what is told how each login has ended.
        @param metrics: what counts them.

        @raise ValueError: if one of the checkers is a stack: a guess would cost twice,
            and the inner cache would know nothing of the outer throttle.
        """
        super().__init__(checkers)
        if any(map(_holdsStack, self.checkers)):
            raise ValueError("a stack can't stand in a stack")
        self.throttle, self.cache = throttle, cache
        self.audit, self.metrics = audit, metrics
        # An audit log may have nobody to tell.
        self.watchers = tuple(
            part
            for part in (audit, metrics)
            if part is not None and getattr(part, "isObserved", True)
        )
        self._count = _counterOf(self.watchers)
        ask: Ask = self._askCheckers
        if cache is not None:
            ask = cache.around(self.checkers, ask)
        if throttle is not None:
            ask = throttle.around(ask)
        self._ask = ask

    @property
    def state(self) -> ISharedState | None:
        """
        Where the throttle counts, and where programs may keep what their processes share;
        L{None} if there is no throttle.
        """
        return None if self.throttle is None else self.throttle.state

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that the checkers read at logins.
        """
        return tuple(
            path for part in partsOf(self) for path in getattr(part, "opensLater", ())
        )

    @property
    def writesLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are appended to at logins.
        """
        paths: tuple[str, ...] = getattr(self.audit, "writesLater", ())
        return paths

    @property
    def databasesLater(self) -> tuple[str, ...]:
        """
        The paths of the files that the state writes at logins, with others beside them.
        """
        paths: tuple[str, ...] = getattr(self.state, "writesLater", ())
        return paths

    def requestAvatarId(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Check credentials.

        @return: a L{Deferred} as from L{CheckerChain}; it fails with
            L{Throttled<mycred.error.Throttled>} if the login has to wait.
        """
        noteCaller(credentials)
        above = reporterOf(credentials)
        if above is None or above.owner is self:
            return self._askReporting(credentials)
        if isinstance(above, Attempt):
            # It knows more than this checker.
            above.watch(self.watchers)
            # Twisted's own portal doesn't tell it which checker is asked.
            above.checker = self
            return self._ask(credentials, above)
        if self.watchers:
            return self._askAndTell(credentials)
        return self._ask(credentials, None)

    def close(self) -> Deferred[None]:
        """
        Close the connections of the checkers, and of what stands around them.

        @return: a L{Deferred} that fires when that is done.
        """
        around = (self.throttle, self.cache, self.audit, self.metrics)
        parts: tuple[Any, ...] = (*partsOf(self), *around)
        closing = [
            maybeDeferred(part.close).addErrback(self._ebClose)
            for part in parts
            if hasattr(part, "close")
        ]
        return DeferredList(closing).addCallback(lambda _: None)

    @reportsOutcome
    def _askReporting(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Check credentials where nothing nearer to the client logs the outcome.
        """
        attempt = cast(Attempt, reporterOf(credentials))
        attempt.watch(self.watchers)
        return self._ask(credentials, attempt)

    def _askAndTell(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Ask, and tell those who watch how the login has ended: a portal above logs it, and
        tells nobody.
        """
        began = monotonic()
        asked = Asked(self)
        answer = self._ask(credentials, asked)
        if acceptsAtOnce(answer):
            # As the attempt below tells it.
            checker, cached = asked.checker, asked.cached
            if self._count is None:
                avatarId = answer.result
                event = LoginEvent(credentials, None, began, checker, avatarId, cached)
                tellAll(self.watchers, event)
                return answer
            seconds = monotonic() - began
            try:
                self._count("accepted", credentials, checker, cached, seconds)
            except Exception:
                self._log.failure("Counting a login has failed")
            return answer
        attempt = Attempt(credentials, self, began)
        attempt.watch(self.watchers)

        def report(result: Any) -> Any:
            if not isinstance(result, Failure):
                attempt.avatarId = result
            attempt.checker, attempt.cached = asked.checker, asked.cached
            attempt.end(credentials, result, isLogged=False)
            return result

        return answer.addBoth(report)

    def _askCheckers(
        self, credentials: ICredentials, asked: Asked | None
    ) -> Deferred[AvatarID]:
        """
        Ask the checkers.  They tell what asks, whichever mark credentials have by then.
        """
        if asked is None:
            return self._search(credentials)
        named = reporterOf(credentials)
        if named is asked:
            return self._search(credentials)
        setReporter(credentials, asked)
        try:
            return self._search(credentials)
        finally:
            setReporter(credentials, named)

    def _ebClose(self, failure: Failure) -> None:
        """
        Log what can't be closed, and close the others.
        """
        self._log.failure("Closing a checker", failure=failure)


def _counterOf(watchers: tuple[Watcher, ...]) -> Callable[..., object] | None:
    """
    Return what counts logins without their events, if nothing else watches; L{None} if
    something wants the events, such as a program's subclass that overrides C{__call__}.
    """
    if len(watchers) != 1:
        return None
    kind = type(watchers[0])
    called = next((base for base in kind.__mro__ if "__call__" in vars(base)), kind)
    if "countLogin" not in vars(called):
        return None
    count: Callable[..., object] = cast(Any, watchers[0]).countLogin
    return count


def _holdsStack(checker: object) -> bool:
    """
    Return whether a checker is a stack, or a chain with one in it.
    """
    if isinstance(checker, CheckerStack):
        return True
    return isinstance(checker, CheckerChain) and any(map(_holdsStack, checker.checkers))


__all__ = ["CheckerStack"]
