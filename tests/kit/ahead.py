"""
A clock that a test sets forward, while real servers go on.
"""

from __future__ import annotations

import time


class Time:
    """
    A clock that a test sets forward.

    @ivar ahead: by how much, in seconds.
    """

    def __init__(self) -> None:
        self.ahead = 0.0
        self._monotonic = time.monotonic

    def monotonic(self) -> float:
        """
        Return the time.
        """
        return self._monotonic() + self.ahead


__all__ = ["Time"]
