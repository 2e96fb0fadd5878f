"""
What notices that a caller has waited for too long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# How often the reactor must have gone round since somebody seems to have waited too long:
# it may have been held up itself, and then first writes what was asked, and reads the
# answer after that.
_ROUNDS = 2


class OverdueWatch:
    """
    One timer for many callers that wait, of which the first one is due first.
    """

    def __init__(
        self,
        reactor: Any,
        longest: float,
        oldest: Callable[[], float | None],
        call: Callable[[], object],
    ) -> None:
        """
        @param longest: how long one may wait, in seconds.
        @param oldest: returns since when the first one waits; L{None} if none does.
        @param call: is called when that is too long.
        """
        self._reactor = reactor
        self._longest = longest
        self._oldest = oldest
        self._call = call
        self._timer: Any = None

    def begin(self) -> None:
        """
        Watch, as a caller waits.
        """
        if self._timer is None:
            self._timer = self._reactor.callLater(self._longest, self._look)

    def stop(self) -> None:
        """
        Watch no more.
        """
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self, rounds: int = 0) -> None:
        """
        Look whether a caller has waited for too long.

        @param rounds: how often the reactor has gone round since it seemed so.
        """
        self._timer = None
        since = self._oldest()
        if since is None:
            return
        left = since + self._longest - self._reactor.seconds()
        if left > 0:
            self._timer = self._reactor.callLater(left, self._look)
        elif rounds < _ROUNDS:
            self._timer = self._reactor.callLater(0, self._look, rounds + 1)
        else:
            self._call()


__all__ = ["OverdueWatch"]
