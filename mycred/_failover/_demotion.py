"""
Doubt about a server, and the pauses between two looks at one that fails.

A L{Demotion} has three states::

    state     recordFailure   recordAnswer   claimTurn
    in turn   demoted         in turn        True
    demoted   demoted         in turn        False; after the pause True for one caller:
                                             on trial
    on trial  demoted         in turn        False; if the caller on trial isn't heard
                                             of, True for the next one after a while
"""

from __future__ import annotations

import time
from threading import Lock


class Backoff:
    """
    Pauses that grow from failure to failure.

    @cvar firstPause: the first pause, in seconds.
    @cvar longestPause: the longest one, in seconds.
    @cvar areAwaited: whether all who come wait for the end of a pause, and a probe.
    @ivar failures: how many failures in a row there have been.
    """

    firstPause = 0.5
    longestPause = 8.0
    areAwaited = False

    def __init__(self) -> None:
        self.failures = 0

    def fail(self) -> float:
        """
        Count a failure, and return the pause after it, in seconds.
        """
        pause = self.firstPause * 2.0 ** min(self.failures, 10)
        self.failures += 1
        return min(pause, self.longestPause)

    def reset(self) -> None:
        """
        Begin again with the first pause.
        """
        self.failures = 0


class Brief(Backoff):
    """
    Pauses that don't grow, and are so short that those who come wait for their end: none
    fails when the server is back.
    """

    firstPause = longestPause = 0.05
    areAwaited = True


class Demotion:
    """
    Doubt about a server that passes probes but fails real logins, for instance because it
    proxies to a third party that hangs.  While in doubt it is asked last.
    """

    def __init__(self, longest: float) -> None:
        """
        @param longest: how long the one login that finds out whether the doubt still
            stands may take, in seconds.
        """
        self._longest = longest
        self._lock = Lock()
        self._backoff = Backoff()
        # 0 if the server is asked in turn.
        self._until = 0.0
        self._failedAt = 0.0

    def recordFailure(self, began: float) -> None:
        """
        Demote the server for a while, since it failed a login.

        @param began: when the login asked it.  A login that began before the last failure
            doesn't count again.
        """
        now = time.monotonic()
        with self._lock:
            if began >= self._failedAt:
                self._until = now + self._backoff.fail()
                self._failedAt = now

    def recordAnswer(self) -> None:
        """
        End the demotion, since the server answered a login.  Its next pause is the first
        one again only after some time without failures.
        """
        if not self._backoff.failures:
            return
        with self._lock:
            self._until = 0.0
            if time.monotonic() > self._failedAt + 2 * Backoff.longestPause:
                self._backoff.reset()

    def claimTurn(self) -> bool:
        """
        Return whether this login asks the server in turn.  After the pause one caller
        gets True and so probes the server on behalf of all others.
        """
        if not self._until:
            return True
        now = time.monotonic()
        with self._lock:
            if not self._until:
                return True
            if now < self._until:
                return False
            # If that caller isn't heard of, the next one may try.
            self._until = now + self._longest + Backoff.firstPause
            return True


__all__ = ["Backoff", "Brief", "Demotion"]
