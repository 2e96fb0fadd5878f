"""
The secret of all processes that count together.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import monotonic

from twisted.internet.defer import Deferred, succeed

from .._sharedvalues import secretIn
from .._state import ISharedState

# Its key in the state, and how often it is asked for: the store may have lost it
# meanwhile.  In seconds.
_KEY, _AGAIN = b"throttle", 60.0


class SharedSecret:
    """
    A secret that a state keeps, and one of this process until the state answers.

    @ivar isAsked: whether it is known what the state says.
    """

    def __init__(self, state: ISharedState, changed: Callable[[bytes], object]) -> None:
        """
        @param state: the state.
        @param changed: called with the secret now, and whenever there is another.
        """
        self._state, self._changed = state, changed
        self._secret = secrets.token_bytes(32)
        self._askAt = float("-inf")
        self._waiting: list[Deferred[None]] = []
        self.isAsked = False
        changed(self._secret)

    def ask(self) -> Deferred[None]:
        """
        Ask the state, unless that was done lately.

        @return: a L{Deferred} that fires when it has answered for the first time, or has
            failed to.
        """
        if self._askAt < monotonic():
            self._askAt = monotonic() + _AGAIN
            asking = secretIn(self._state, _KEY, self._secret)
            # That the state is down is logged already.
            asking.addCallbacks(self._cbSecret, lambda _: None).addCallback(self._cbEnd)
        if self.isAsked:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _cbSecret(self, secret: bytes) -> None:
        """
        Take the secret of the others.
        """
        if secret != self._secret:
            self._secret = secret
            self._changed(secret)

    def _cbEnd(self, _: object) -> None:
        """
        Let those go on who have waited.
        """
        self.isAsked = True
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


__all__ = ["SharedSecret"]
