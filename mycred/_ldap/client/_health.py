"""
How a server is doing, as far as those know who have asked it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from ._backoff import LONGEST_PAUSE, Doubt, pauseAfter
from ._connection import Role

# A server that has answered somebody during so many seconds works, if others use it.
_LATELY = 1.0


class Health:
    """
    How a server is doing.

    @ivar isDown: whether it has failed for everybody, and hasn't worked since.
    @ivar isSuspect: whether it has failed for somebody, and it is being found out whether
        it is down.
    @ivar reason: why it was down last.
    """

    def __init__(self, name: str, longest: float, note: Callable[[str], None]) -> None:
        """
        @param name: what the server is called.
        @param longest: how long somebody waits for it while others are left, in seconds.
        @param note: what is told, in any thread, when it fails and works again.
        """
        self.isDown = self.isSuspect = False
        self.reason = ""
        self._name = name
        self._note = note
        self._lock = Lock()
        self._doubts = {role: Doubt(longest) for role in Role}
        self._isTried = False
        self._users = 0
        self._answeredAt = dict.fromkeys(Role, 0.0)
        self._failures = 0
        self._retryAt = self._upSince = 0.0

    def claim(self) -> bool:
        """
        Tell whether it is time to try again a server that is down, and let nobody else
        do so until L{release}.
        """
        with self._lock:
            isDue = self.isDown and not self._isTried
            if not isDue or time.monotonic() < self._retryAt:
                return False
            self._isTried = True
            return True

    def release(self) -> None:
        """
        Let others try again.
        """
        self._isTried = False

    def suspect(self) -> bool:
        """
        Tell whether it is to be found out whether the server is down: it isn't known
        yet, and nobody is at it.
        """
        with self._lock:
            if self.isDown or self.isSuspect:
                return False
            self.isSuspect = True
            return True

    def clear(self) -> None:
        """
        Suspect the server no more.
        """
        self.isSuspect = False

    def isLast(self, role: Role) -> bool:
        """
        Tell whether others are to be asked before this server.
        """
        return self.isSuspect or self._doubts[role].stands()

    @contextmanager
    def use(self) -> Iterator[None]:
        """
        Count whoever uses the server meanwhile.
        """
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1

    def servesOthers(self, own: int = 0) -> bool:
        """
        Tell whether others than a user are being served: then the server works, though
        it may take no more connections.

        @param own: how many users don't count.
        """
        if self._users <= own:
            return False
        return time.monotonic() < max(self._answeredAt.values()) + _LATELY

    def answeredSince(self, role: Role, began: float) -> bool:
        """
        Tell whether somebody has had an answer since then.
        """
        return self._answeredAt[role] > began

    def doubt(self, role: Role, began: float) -> None:
        """
        Remember that the server has failed somebody.

        @param began: when he has asked.
        """
        self._doubts[role].grow(began)

    def answer(self, role: Role) -> None:
        """
        Remember that the server has answered somebody.
        """
        self._doubts[role].end()
        self.work(role)

    def fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while.

        @param began: when it was asked: what is older than its return is no news.
        """
        now = time.monotonic()
        with self._lock:
            isNews = began >= self._upSince and now >= self._retryAt
            isTold = isNews and not (self.isDown and why == self.reason)
            if isNews:
                self._retryAt = now + pauseAfter(self._failures)
                self._failures += 1
                self.isDown, self.reason = True, why
        if isTold:
            self._note(f"A server of the directory fails: {why}")

    def work(self, role: Role) -> None:
        """
        Remember that the server works.
        """
        now = self._answeredAt[role] = time.monotonic()
        if not self._failures:
            return
        with self._lock:
            isReturn = self.isDown
            if isReturn:
                self.isDown, self._retryAt, self._upSince = False, 0.0, now
            elif now - self._upSince > LONGEST_PAUSE:
                # It has worked for as long as it may be left alone.
                self._failures = 0
        if isReturn:
            for doubt in self._doubts.values():
                doubt.end()
            self._note(f"{self._name} works again")


__all__ = ["Health"]
