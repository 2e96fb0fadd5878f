"""
How a server is doing, as far as the logins that use it can tell.

Four things are known of a server: whether it is down, whether a thread is probing it
because a login failed (meanwhile others are asked first), whether a thread is probing
it because it is down and its pause is over, and for each role whether it is demoted,
which is asked last.

An event happens only in the states that L{TRANSITIONS} names for it, and only if its
condition holds::

    event       when                               condition
    claimProbe  a login failed, or waited long     -
    endProbe    that probe is over                 -
    claimRetry  a login comes while it is down     its pause is over
    endRetry    that probe is over                 -
    markDown    it can't be reached, or a probe    the request began after it was last
                failed                             back, and no pause is under way
    markUp      it answered a login or a probe     -

L{Demotion} has three states for each role::

    state     recordFailure   recordAnswer   claimTurn
    in turn   demoted         in turn        True
    demoted   demoted         in turn        False; after the pause True for one caller:
                                             on trial
    on trial  demoted         in turn        False; if the caller on trial isn't heard
                                             of, True for the next one after a while

When a server that was down is back it is in turn for both roles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from threading import Lock
from typing import NamedTuple

from ._connection import Role

# A server that is in use, and has answered a login within so many seconds, works.
_LATELY = 1.0


class Event(Enum):
    """
    What changes the state of a server.
    """

    CLAIM_PROBE = "claimProbe"
    END_PROBE = "endProbe"
    CLAIM_RETRY = "claimRetry"
    END_RETRY = "endRetry"
    MARK_DOWN = "markDown"
    MARK_UP = "markUp"


class Transition(NamedTuple):
    """
    What an event does to the flags of L{Health}.

    @ivar needs: the values that flags must have for the event to happen.
    @ivar sets: the values that flags have afterwards.
    """

    needs: Mapping[str, bool]
    sets: Mapping[str, bool]


TRANSITIONS: Mapping[Event, Transition] = {
    Event.CLAIM_PROBE: Transition(
        needs={"isDown": False, "isProbed": False}, sets={"isProbed": True}
    ),
    Event.END_PROBE: Transition(needs={}, sets={"isProbed": False}),
    Event.CLAIM_RETRY: Transition(
        needs={"isDown": True, "isRetried": False}, sets={"isRetried": True}
    ),
    Event.END_RETRY: Transition(needs={}, sets={"isRetried": False}),
    Event.MARK_DOWN: Transition(needs={}, sets={"isDown": True}),
    Event.MARK_UP: Transition(needs={"isDown": True}, sets={"isDown": False}),
}


class Backoff:
    """
    Pauses that grow from failure to failure.

    @cvar firstPause: the first pause, in seconds.
    @cvar longestPause: the longest one, in seconds.
    @ivar failures: how many failures in a row there have been.
    """

    firstPause = 0.5
    longestPause = 8.0

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


class Health:
    """
    The state of a server.

    @ivar isDown: whether it has failed for all logins, and hasn't worked since.
    @ivar isProbed: whether a thread is probing it because it failed a login.
    @ivar isRetried: whether a thread is probing it because it is down and its pause is
        over.
    @ivar reason: why it was last down, for the log.
    """

    def __init__(self, name: str, longest: float, note: Callable[[str], None]) -> None:
        """
        @param name: the name of the server.
        @param longest: how long a login waits for it while others are left, in seconds.
        @param note: a function that is called, in any thread, with a line for the log
            when the server fails and when it works again.
        """
        self.isDown = self.isProbed = self.isRetried = False
        self.reason = ""
        self._name = name
        self._note = note
        self._lock = Lock()
        self._demotions = {role: Demotion(longest) for role in Role}
        self._users = 0
        self._answeredAt = dict.fromkeys(Role, 0.0)
        self._backoff = Backoff()
        self._retryAt = self._upSince = 0.0

    def claimProbe(self) -> bool:
        """
        Claim the probe of a server that is up; L{endProbe} gives it back.

        @return: whether the caller has it: the server isn't known to be down, and no
            other thread is probing it.
        """
        with self._lock:
            return self._change(Event.CLAIM_PROBE)

    def endProbe(self) -> None:
        """
        Give back what L{claimProbe} has claimed.
        """
        with self._lock:
            self._change(Event.END_PROBE)

    def claimRetry(self) -> bool:
        """
        Claim the probe of a server that is down, if its pause is over; L{endRetry}
        gives it back.

        @return: whether the caller has it.
        """
        with self._lock:
            isDue = time.monotonic() >= self._retryAt
            return isDue and self._change(Event.CLAIM_RETRY)

    def endRetry(self) -> None:
        """
        Give back what L{claimRetry} has claimed.
        """
        with self._lock:
            self._change(Event.END_RETRY)

    def markDown(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while.

        @param began: when the request began that failed.  If that was before the server
            was last back, or during its pause, nothing changes.
        @param why: the reason, for the log.
        """
        now = time.monotonic()
        with self._lock:
            isNews = began >= self._upSince and now >= self._retryAt
            isTold = isNews and not (self.isDown and why == self.reason)
            if isNews:
                self._retryAt = now + self._backoff.fail()
                self.reason = why
                self._change(Event.MARK_DOWN)
        if isTold:
            self._note(f"A server of the directory fails: {why}")

    def markUp(self, role: Role) -> None:
        """
        Record that the server works.  Its next pause is the first one again only after it
        has worked for as long as the longest pause.

        @param role: what it was asked for.
        """
        now = self._answeredAt[role] = time.monotonic()
        if not self._backoff.failures:
            return
        with self._lock:
            isReturn = self._change(Event.MARK_UP)
            if isReturn:
                self._retryAt, self._upSince = 0.0, now
            elif now - self._upSince > Backoff.longestPause:
                self._backoff.reset()
        if isReturn:
            for demotion in self._demotions.values():
                demotion.recordAnswer()
            self._note(f"{self._name} works again")

    def claimTurn(self, role: Role) -> bool:
        """
        Return whether this login asks the server in turn, rather than after the others.

        @param role: what it is asked for.
        """
        return not self.isProbed and self._demotions[role].claimTurn()

    def recordFailure(self, role: Role, began: float) -> None:
        """
        Record that the server failed a login.

        @param began: when the login asked it.
        """
        self._demotions[role].recordFailure(began)

    def recordAnswer(self, role: Role) -> None:
        """
        Record that the server answered a login.
        """
        self._demotions[role].recordAnswer()
        self.markUp(role)

    @contextmanager
    def inUse(self) -> Iterator[None]:
        """
        Count the caller as a user of the server meanwhile.
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
        Return whether others are being served: then the server works, though it may
        accept no more connections.

        @param own: how many users of the server don't count.
        """
        if self._users <= own:
            return False
        return time.monotonic() < max(self._answeredAt.values()) + _LATELY

    def answeredSince(self, role: Role, began: float) -> bool:
        """
        Return whether the server has answered since then.
        """
        return self._answeredAt[role] > began

    def _change(self, event: Event) -> bool:
        """
        Set the flags as an event does.

        @return: whether the event happened: the flags were as it needs.
        """
        needs, sets = TRANSITIONS[event]
        if any(getattr(self, flag) is not value for flag, value in needs.items()):
            return False
        for flag, value in sets.items():
            setattr(self, flag, value)
        return True


__all__ = ["TRANSITIONS", "Backoff", "Demotion", "Event", "Health", "Transition"]
