"""
The steps of a look-up, in words.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Steps:
    """
    What was done for a login.

    @ivar steps: what was done, in words, and how long it took; L{None} if that isn't
        recorded.
    """

    def __init__(self, isWatched: bool) -> None:
        """
        @param isWatched: whether to record the steps.
        """
        self._since = time.monotonic()
        self.steps: list[str] | None = [] if isWatched else None

    def step(self, told: Callable[[], str]) -> None:
        """
        Record what was done since the last step.

        @param told: a function that returns it in words, and is called only if steps are
            recorded.
        """
        if self.steps is not None:
            now = time.monotonic()
            self.steps.append(f"{(now - self._since) * 1000:8.1f} ms  {told()}")
            self._since = now


__all__ = ["Steps"]
