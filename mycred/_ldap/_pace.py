"""
How long a directory takes to verify a password, so that refusals take as long.
"""

from __future__ import annotations

from threading import Lock

# A refusal takes so many times as long as a slow bind, but no more than so many seconds.
_MARGIN, _LONGEST_DELAY = 1.25, 1.0

# Of so many people who were let in it is remembered how long that took.
_MOST_REMEMBERED = 64


class Pace:
    """
    How long it takes to verify passwords.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # One of each: whoever logs in all the time doesn't count more than others.
        self._accepted: dict[str, float] = {}
        self._slowestRefused = 0.0

    def accept(self, dn: str, seconds: float) -> None:
        """
        Remember how long it took to let somebody in.
        """
        with self._lock:
            self._accepted.pop(dn, None)
            self._accepted[dn] = seconds
            if len(self._accepted) > _MOST_REMEMBERED:
                del self._accepted[next(iter(self._accepted))]

    def refuse(self, seconds: float) -> None:
        """
        Remember how long it took to refuse somebody.  That may have been done without
        a look at the password, and counts while nobody has got in.
        """
        with self._lock:
            self._slowestRefused = max(self._slowestRefused, seconds)

    def least(self) -> float:
        """
        Tell how long a refusal takes at least, in seconds.
        """
        with self._lock:
            took = sorted(self._accepted.values()) or [self._slowestRefused]
        # Nearly all are quicker than this; a few may have taken far longer.
        return min(took[-1 - len(took) // 16] * _MARGIN, _LONGEST_DELAY)


__all__ = ["Pace"]
