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

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures = 0
        self._until = 0.0

    def grow(self) -> None:
        """
        Remember that the server has failed somebody.
        """
        now = time.monotonic()
        with self._lock:
            if now >= self._until:
                self._until = now + pauseAfter(self._failures)
                self._failures += 1

    def end(self) -> None:
        """
        Remember that the server has answered somebody.
        """
        if self._failures:
            with self._lock:
                self._failures, self._until = 0, 0.0

    def stands(self) -> bool:
        """
        Tell whether others are asked first.  As soon as it is time again one who wants
        to know is told that they aren't, and finds out for all.
        """
        if not self._failures:
            return False
        now = time.monotonic()
        with self._lock:
            if now < self._until:
                return True
            self._until = now + pauseAfter(self._failures)
        return False


__all__ = ["LONGEST_PAUSE", "Doubt", "pauseAfter"]
