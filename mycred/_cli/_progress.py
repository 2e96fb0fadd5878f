"""
A progress bar.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """
    A progress bar.  It shows on terminals only, and not for what is done at once.
    """

    #: After how long the bar is drawn first, and how often then, in seconds.
    PATIENCE = 0.5
    STEP = 0.1

    _WIDTH = 30

    def __init__(
        self, stream: TextIO, total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        @param stream: where to draw.
        @param total: how much there is to do.
        @param clock: return the time, in seconds.
        """
        self._stream = stream
        self._total = total
        self._clock = clock
        self._wanted = stream.isatty() and total > 0
        self._next = clock() + self.PATIENCE
        self._drawn = ""

    def show(self, done: int) -> None:
        """
        Draw the bar, unless that was done a moment ago.

        @param done: how much is done.
        """
        if not self._wanted or self._clock() < self._next:
            return
        self._next = self._clock() + self.STEP
        full = self._WIDTH * done // self._total
        bar = "#" * full + "." * (self._WIDTH - full)
        self._drawn = f"\r[{bar}] {100 * done // self._total:3} %"
        self._stream.write(self._drawn)
        self._stream.flush()

    def clear(self) -> None:
        """
        Erase the bar, so that something else can be printed.
        """
        if self._drawn:
            self._stream.write("\r" + " " * len(self._drawn) + "\r")
            self._stream.flush()
            self._drawn = ""


__all__ = ["Progress"]
