"""
Deadlines for what waits in a thread of a driver's: one thread looks after them all.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from threading import Lock, Thread
from typing import Protocol


class Watched(Protocol):
    """
    What may take too long.
    """

    def look(self, now: float) -> None:
        """
        End what takes too long.

        @param now: the time, by L{time.monotonic}.
        """


class Watchdog:
    """
    Looks at what may take too long, some times a second.  Its thread is there as long as
    there is something to look at, and keeps no program from ending.

    @cvar pause: how long it waits between two looks, in seconds.
    """

    pause = 0.1

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: set[Watched] = set()
        self._thread: Thread | None = None
        # A child has none of the threads, and none of the connections are its own.
        os.register_at_fork(after_in_child=self._startOver)

    def add(self, watched: Watched) -> None:
        """
        Look at something from now on.

        @raise RuntimeError: if no thread can be started.
        """
        with self._lock:
            if self._thread is None:
                thread = Thread(target=self._watch, name="mycred SQL", daemon=True)
                thread.start()
                self._thread = thread
            self._watched.add(watched)

    def remove(self, watched: Watched) -> None:
        """
        Don't look at it any more.
        """
        with self._lock:
            self._watched.discard(watched)

    def _startOver(self) -> None:
        """
        Look at nothing.
        """
        self._lock, self._watched, self._thread = Lock(), set(), None

    def _watch(self) -> None:
        """
        Look at everything, again and again, until there is nothing.
        """
        while True:
            time.sleep(self.pause)
            with self._lock:
                watched = list(self._watched)
                if not watched:
                    self._thread = None
                    return
            now = time.monotonic()
            for each in watched:
                # Without this thread nothing has a deadline.
                with suppress(Exception):
                    each.look(now)


#: The one of this process.
WATCHDOG = Watchdog()

__all__ = ["WATCHDOG", "Watchdog", "Watched"]
