"""
How long a store takes to accept a login, so that refusals take as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock

# A refusal takes so many times as long as a slow bind.
_MARGIN = 1.25

# How many accepted users are remembered, with how long they took.
_MOST_REMEMBERED = 64

# A slow refusal is remembered for this long, and at most for twice as long, in seconds:
# anyone who makes a directory slow, and compares names meanwhile, has to wait for it to
# be forgotten before they learn anything again.  An accepted login is remembered for as
# long, and the last one until there is another: otherwise refusals would take for ever
# as long as they did in a flood.
_MEMORY = 600.0


class Timing:
    """
    How long logins take.

    @cvar longestDelay: a refusal isn't made to take longer than this, in seconds.
    """

    longestDelay = 1.0

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """
        @param seconds: a function that returns the time, in seconds.
        """
        self._lock = Lock()
        self._seconds = seconds
        # One for each user, so that one who logs in all the time doesn't count more than
        # others: how long it took, and when that was.
        self._accepted: dict[Hashable, tuple[float, float]] = {}
        # The slowest refusals of this period and of the one before, and when this began.
        self._slowest = self._slowestBefore = 0.0
        self._since = seconds()
        # When the logins began that are under way.
        self._begun: dict[object, float] = {}

    @contextmanager
    def underWay(self) -> Iterator[None]:
        """
        Count a login as under way meanwhile.  How long it has taken so far counts for
        others before it ends: many that come at once find a directory slow that was quick
        before.
        """
        key = object()
        with self._lock:
            self._begun[key] = self._seconds()
        try:
            yield
        finally:
            with self._lock:
                del self._begun[key]

    def accept(self, user: Hashable, seconds: float) -> None:
        """
        Record how long it took to accept a user.
        """
        with self._lock:
            self._accepted.pop(user, None)
            self._accepted[user] = seconds, self._seconds()
            if len(self._accepted) > _MOST_REMEMBERED:
                del self._accepted[next(iter(self._accepted))]

    def refuse(self, seconds: float) -> None:
        """
        Record how long it took to refuse a login.  That may have happened without a look
        at the password: only slow refusals count, however many quick ones there are.
        """
        with self._lock:
            self._forget()
            self._slowest = max(self._slowest, seconds)

    def least(self) -> float:
        """
        Return how long a refusal takes at least, in seconds.
        """
        with self._lock:
            self._forget()
            now, known = self._seconds(), list(self._accepted.values())
            lately = [seconds for seconds, since in known if now - since < _MEMORY]
            took = sorted(lately) or [seconds for seconds, _ in known[-1:]] or [0.0]
            slowest = max(self._slowest, self._slowestBefore)
            longest = now - min(self._begun.values(), default=now)
        # Nearly all are quicker than this; a few may have taken far longer.
        slow = max(took[-1 - len(took) // 16], slowest, longest)
        return min(slow * _MARGIN, self.longestDelay)

    def _forget(self) -> None:
        """
        Forget refusals of long ago.
        """
        age = self._seconds() - self._since
        if age >= _MEMORY:
            self._slowestBefore = self._slowest if age < 2 * _MEMORY else 0.0
            self._slowest, self._since = 0.0, self._since + age


__all__ = ["Timing"]
