"""
Checkers with what stands around them, as one checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._audit import LoginEvent
from .._chain import CheckerChain
from .._contracts import AvatarID, ICredentials, ICredentialsChecker
from .._reporting import Attempt, reporterOf
from ._cache import LoginCache
from ._throttle import Ask, Throttle


@implementer(ICredentialsChecker)
class CheckerStack:
    """
    Checkers, asked one after another, with what stands around all of them.

    A login passes the throttle, which lets it wait or lets it through; then the cache,
    which may know it; then the checkers.  When it is over the audit log and the metrics
    are told, once.

    @ivar credentialInterfaces: all that the checkers check together.
    """

    authType = "stack"

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
        """
        self._chain = CheckerChain(checkers)
        self.credentialInterfaces = self._chain.credentialInterfaces
        self._throttle, self._cache = throttle, cache
        self._watchers = tuple(w for w in (audit, metrics) if w is not None)

    def requestAvatarId(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Check credentials.

        @return: a L{Deferred} as from the checkers; it fails with
            L{Throttled<mycred.error.Throttled>} if the login has to wait.
        """
        if not self._watchers:
            return self._ask(credentials)
        reporter = reporterOf(credentials)
        if isinstance(reporter, Attempt):
            # It knows more than this checker: what the realm says, too.
            reporter.watch(self._watchers)
            return self._ask(credentials)
        attempt = Attempt(credentials, self)
        attempt.watch(self._watchers)

        def report(result: Any) -> Any:
            if not isinstance(result, Failure):
                attempt.avatarId = result
            attempt.end(credentials, result, isLogged=reporter is None)
            return result

        return self._ask(credentials).addBoth(report)

    def _ask(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Ask the throttle, the cache and the checkers.
        """
        ask: Ask = self._chain.requestAvatarId
        if self._cache is not None:
            ask = self._cache.around(self._chain.checkers, ask)
        if self._throttle is not None:
            ask = self._throttle.around(ask)
        return ask(credentials)


__all__ = ["CheckerStack"]
