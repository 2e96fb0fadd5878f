"""
For how long a server that has failed is passed over.
"""

from __future__ import annotations

import time
from threading import Lock

# In seconds: at first, and at most.
_FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0


def pauseAfter(failures: int) -> float:
    """
    Tell for how long a server is passed over, in seconds.

    @param failures: how often it had failed before, one time after the other.
    """
    return min(_FIRST_PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE)


class Doubt:
    """
    Whether others are asked before a server that works when it is tried, and fails those
    who ask it in earnest: it may have nobody's password at hand, say, and ask a third
    party that hangs.
    """

    def __init__(self, longest: float) -> None:
        """
        @param longest: how long it may take to find out whether it still stands, in
            seconds.
        """
        self._longest = longest
        self._lock = Lock()
        self._failures = 0
        # There is none if that is zero.
        self._until = 0.0
        self._failedAt = 0.0

    def grow(self, began: float) -> None:
        """
        Remember that the server has failed somebody.

        @param began: when it was asked: what is older than the last failure is no news.
        """
        now = time.monotonic()
        with self._lock:
            if began >= self._failedAt:
                self._until = now + pauseAfter(self._failures)
                self._failures += 1
                self._failedAt = now

    def end(self) -> None:
        """
        Remember that the server has answered somebody.
        """
        if not self._failures:
            return
        with self._lock:
            self._until = 0.0
            if time.monotonic() > self._failedAt + 2 * LONGEST_PAUSE:
                self._failures = 0

    def stands(self) -> bool:
        """
        Tell whether others are asked first.  When it is time again one who wants to know
        is told that they aren't, and finds out for all.
        """
        if not self._until:
            return False
        now = time.monotonic()
        with self._lock:
            if not self._until:
                return False
            if now < self._until:
                return True
            # If he doesn't tell, the next one may try.
            self._until = now + self._longest + pauseAfter(0)
            return False


__all__ = ["LONGEST_PAUSE", "Doubt", "pauseAfter"]
