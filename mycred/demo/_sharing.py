"""
What servers have in common that share a state, since their C{--auth} names a stack with
one: HTTP Digest's challenges, and the secret of the site.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from .._contracts import ICredentialsChecker
from .._sharedvalues import SharedValues, siteSecretIn
from .._state import ISharedState, ProcessState


def sharedStateIn(checkers: Iterable[ICredentialsChecker]) -> ISharedState | None:
    """
    Return the state that a stack among some checkers shares with other processes; L{None}
    if there is no such stack.
    """
    for checker in checkers:
        state: Any = getattr(checker, "state", None)
        if state is not None and not isinstance(state, ProcessState):
            return state  # type: ignore[no-any-return]
    return None


def countsAlone(checkers: Iterable[ICredentialsChecker]) -> bool:
    """
    Return whether the throttle of a stack among some checkers counts in this process
    alone.
    """
    return any(isinstance(getattr(c, "state", None), ProcessState) for c in checkers)


class SiteSecret(Service):
    """
    The secret of the site, which all servers have that share a state.

    The first server's own becomes that of all.  While the state can't be reached a server
    has its own, or the one that it knows; it asks again each minute, and tells the state,
    if that has lost it.

    @cvar EVERY: how often it is asked for, in seconds.
    @ivar secret: the secret.
    """

    EVERY = 60.0

    def __init__(self, own: bytes, state: SharedValues | None, clock: Any) -> None:
        """
        @param own: the secret that this server has itself.
        @param state: the state; L{None} if there is none that others share.
        @param clock: what tells the time.
        """
        self.secret = own
        self._isShared = state is not None
        self._asking = LoopingCall(self._ask, state)
        self._asking.clock = clock

    def startService(self) -> None:
        """
        Begin to ask for the secret.
        """
        super().startService()
        if self._isShared:
            self._asking.start(self.EVERY)

    def stopService(self) -> None:
        """
        Ask no more.
        """
        super().stopService()
        if self._asking.running:
            self._asking.stop()

    def _ask(self, state: SharedValues) -> Deferred[None]:
        """
        Ask for the secret.
        """

        def cbFound(secret: bytes) -> None:
            self.secret = secret

        # Why the state can't be reached is logged already.
        asking = siteSecretIn(state, self.secret)
        return asking.addCallbacks(cbFound, lambda _: None)


__all__ = ["SiteSecret", "countsAlone", "sharedStateIn"]
