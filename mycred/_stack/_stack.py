"""
Checkers with what stands around them, as one checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import LoginEvent
from .._callers import noteCaller
from .._chain import CheckerChain, acceptsAtOnce, partsOf
from .._contracts import AvatarID, ICredentials, ICredentialsChecker
from .._reporting import Asked, Attempt, Reporter, reporterOf, setReporter, tellAll
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
        self.watchers = tuple(part for part in (audit, metrics) if part is not None)
        ask: Ask = self._search
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
        isAbove = above is not None and above.owner is not self
        if isAbove and isinstance(above, Attempt):
            # It knows more than this checker.
            above.watch(self.watchers)
            # Twisted's own portal doesn't tell it which checker is asked.
            above.checker = self
        elif self.watchers or not isAbove:
            return self._askAndTell(credentials, above, isAbove)
        return self._ask(credentials)

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

    def _askAndTell(
        self, credentials: ICredentials, above: Reporter | None, isAbove: bool
    ) -> Deferred[AvatarID]:
        """
        Ask, and tell those who watch how the login has ended.

        @param above: what credentials name as that which logs it.
        @param isAbove: whether that does; else this checker logs it.
        """
        began = monotonic()
        asked = Asked(self)
        setReporter(credentials, asked)
        try:
            answer = self._ask(credentials)
        finally:
            setReporter(credentials, above)
        if isAbove and acceptsAtOnce(answer):
            # As the attempt below tells it.
            checker, avatarId = asked.checker, answer.result
            event = LoginEvent(credentials, None, began, checker, avatarId, asked.cached)
            tellAll(self.watchers, event)
            return answer
        attempt = Attempt(credentials, self, began)
        attempt.watch(self.watchers)

        def report(result: Any) -> Any:
            if not isinstance(result, Failure):
                attempt.avatarId = result
            attempt.checker, attempt.cached = asked.checker, asked.cached
            attempt.end(credentials, result, isLogged=not isAbove)
            return result

        return answer.addBoth(report)

    def _ebClose(self, failure: Failure) -> None:
        """
        Log what can't be closed, and close the others.
        """
        self._log.failure("Closing a checker", failure=failure)


def _holdsStack(checker: object) -> bool:
    """
    Return whether a checker is a stack, or a chain with one in it.
    """
    if isinstance(checker, CheckerStack):
        return True
    return isinstance(checker, CheckerChain) and any(map(_holdsStack, checker.checkers))


__all__ = ["CheckerStack"]
