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

When a server that was down is back, L{Demotion} has no doubt about it for any role.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping
from enum import Enum
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from ._demotion import Demotion
from ._terms import Terms

_R = TypeVar("_R", bound=Hashable)

# For how long the log isn't told another reason why a server is down, in seconds: while
# it starts there may be one after the other.
_QUIET = 8.0

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


class Health(Generic[_R]):
    """
    The state of a server.

    @ivar isDown: whether it has failed for all logins, and hasn't worked since.
    @ivar isProbed: whether a thread is probing it because it failed a login.
    @ivar isRetried: whether a thread is probing it because it is down and its pause is
        over.
    @ivar reason: why it was last down, for the log.
    """

    def __init__(self, name: str, roles: Iterable[_R], terms: Terms) -> None:
        """
        @param name: the name of the server.
        @param roles: what it may be asked for.
        @param terms: how it is used.
        """
        self.isDown = self.isProbed = self.isRetried = False
        self.reason = ""
        self._name = name
        self._terms = terms
        self._lock = Lock()
        self._demotions = {role: Demotion(terms.longest) for role in roles}
        # An item for each: lists need no lock for that.
        self._users: list[None] = []
        self._answeredAt = dict.fromkeys(self._demotions, 0.0)
        self._backoff = terms.pauses()
        self._retryAt = self._retriedAt = self._upSince = 0.0
        # Why it was down when the log was told last, and when that was.
        self._told, self._toldAt = "", 0.0

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
        now = time.monotonic()
        with self._lock:
            isClaimed = now >= self._retryAt and self._change(Event.CLAIM_RETRY)
            if isClaimed:
                self._retriedAt = now
            return isClaimed

    def waitEnd(self, came: float, soon: float, longest: float) -> float:
        """
        Return until when to wait for the probe of a server that is down.  Where pauses
        are awaited, that is one which has begun since the caller came: it finds out what
        is true by then.  All times are by L{time.monotonic}.

        @param came: when the caller came.
        @param soon: until when to wait at most.
        @param longest: how long a probe may take that is waited for, in seconds.

        @return: the time; if it is past there is nothing to wait for.
        """
        with self._lock:
            if self.isRetried:
                return min(self._retriedAt + longest, soon)
            if self._backoff.areAwaited and self._retriedAt < came:
                return min(self._retryAt, soon)
            return 0.0

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
            isOther = why != self._told and now >= self._toldAt + _QUIET
            isTold = isNews and (isOther or not self.isDown)
            if isTold:
                self._told, self._toldAt = why, now
            if isNews:
                self._retryAt = now + self._backoff.fail()
                self.reason = why
                self._change(Event.MARK_DOWN)
        if isTold:
            self._terms.note(f"A {self._terms.kind} fails: {why}")

    def markUp(self, role: _R) -> None:
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
            elif now - self._upSince > self._backoff.longestPause:
                self._backoff.reset()
        if isReturn:
            for demotion in self._demotions.values():
                demotion.recordAnswer()
            self._terms.note(f"{self._name} works again")

    def claimTurn(self, role: _R) -> bool:
        """
        Return whether this login asks the server in turn, rather than after the others.

        @param role: what it is asked for.
        """
        return not self.isProbed and self._demotions[role].claimTurn()

    def recordFailure(self, role: _R, began: float) -> None:
        """
        Record that the server failed a login.

        @param began: when the login asked it.
        """
        self._demotions[role].recordFailure(began)

    def recordAnswer(self, role: _R) -> None:
        """
        Record that the server answered a login.
        """
        self._demotions[role].recordAnswer()
        self.markUp(role)

    def beginUse(self) -> None:
        """
        Count the caller as a user of the server, until L{endUse}.
        """
        self._users.append(None)

    def endUse(self) -> None:
        """
        Don't count the caller any more.
        """
        self._users.pop()

    def servesOthers(self, own: int = 0) -> bool:
        """
        Return whether others are being served: then the server works, though it may
        accept no more connections.

        @param own: how many users of the server don't count.
        """
        if len(self._users) <= own:
            return False
        return time.monotonic() < max(self._answeredAt.values()) + _LATELY

    def answeredSince(self, role: _R, began: float) -> bool:
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


__all__ = ["TRANSITIONS", "Event", "Health", "Transition"]
