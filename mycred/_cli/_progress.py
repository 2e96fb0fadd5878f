"""
A bar that shows how far a long run has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """
    A bar on a terminal; elsewhere there is none, nor for what is done at once.
    """

    #: When the bar comes first, and how long it stays as it is, in seconds.
    PATIENCE = 0.5
    STEP = 0.1

    _WIDTH = 30

    def __init__(
        self, stream: TextIO, total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        @param stream: where to draw.
        @param total: how much there is to do.
        @param clock: tells the time, in seconds.
        """
        self._stream = stream
        self._total = total
        self._clock = clock
        self._wanted = stream.isatty() and total > 0
        self._next = clock() + self.PATIENCE
        self._drawn = ""

    def show(self, done: int) -> None:
        """
        Draw the bar, if it is time to.

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
        Wipe the bar out, so that something else can be written.
        """
        if self._drawn:
            self._stream.write("\r" + " " * len(self._drawn) + "\r")
            self._stream.flush()
            self._drawn = ""


__all__ = ["Progress"]
