"""
Connections that are idle, and may be used again.
"""

from __future__ import annotations

import time
from threading import Lock

from ._connection import Link

# A connection that was idle for longer isn't used, in seconds: what stands between may
# have forgotten it, and would swallow what is sent.
_LONGEST_IDLE = 60.0

# More than so many are never used.
_MOST = 32


class Idle:
    """
    Connections to one server, for one use.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._links: list[Link] = []
        self._isClosed = False

    def take(self) -> Link | None:
        """
        Take the one that was used last.
        """
        since = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            if self._links and self._links[-1].usedAt >= since:
                link = self._links.pop()
                link.isReused = True
                return link
        return None

    def keep(self, link: Link) -> None:
        """
        Let one be idle, if it is as good as before, and close those that were so for too
        long.
        """
        surplus = []
        since = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            if self._isClosed or not link.isClean:
                surplus.append(link)
            else:
                self._links.append(link)
            while self._links and (
                self._links[0].usedAt < since or len(self._links) > _MOST
            ):
                surplus.append(self._links.pop(0))
        for stale in surplus:
            stale.close()

    def offer(self, link: Link) -> None:
        """
        Let one be idle if there is none, and close it otherwise.
        """
        if self._links:
            link.close()
        else:
            self.keep(link)

    def drop(self) -> int:
        """
        Close them.

        @return: how many there were.
        """
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.close()
        return len(links)

    def close(self) -> None:
        """
        Close them, and what would be idle from now on.
        """
        self._isClosed = True
        self.drop()


__all__ = ["Idle"]
