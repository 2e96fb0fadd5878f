"""
State that processes share, and that this process goes on with alone while its home is
down.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred

from .._gauged import SERVERS
from ._clock import LazyReactor
from ._errors import StateUnavailable
from ._interface import Bucket, Guess, ISharedState, Outcome, Reservation
from ._outage import Home
from ._process import ProcessState

# For how long a wait is told again without asking the home, in seconds: one that a right
# password has ended in another process may last longer by that.
_TOLD_AGAIN = 1.0

# How many waits are remembered, and how many outcomes the home is told when it is back,
# all at once.
_MOST_WAITS, _MOST_OWED = 10_000, 500

# What a home is told of a login that it hasn't counted.
_UNCOUNTED = Reservation(0.0)


class _Counted:
    """
    What a login was counted as.

    @ivar shared: in the home; L{None} if it wasn't, or that isn't known yet.
    @ivar local: in this process; L{None} if it wasn't let through here.
    @ivar outcome: how it has ended, if it has.
    """

    __slots__ = ("local", "outcome", "shared")

    def __init__(self) -> None:
        self.shared: Reservation | None = None
        self.local: Reservation | None = None
        self.outcome: Outcome | None = None


@implementer(ISharedState)
class Fallback:
    """
    A home of shared state, and this process while that is down.

    All that the home lets through is counted here, too, so that this process knows what
    it has seen itself.  While the home is up only its own count decides.

    No login waits longer for a home than L{LONGEST_WAIT<mycred._state._outage>}, and none
    waits for one of which it is known that it is down.  It makes no login fail.

    @ivar kind: what it is, for metrics.
    """

    kind = "shared state"

    def __init__(
        self,
        shared: ISharedState,
        local: ProcessState,
        name: str,
        reactor: Any = None,
    ) -> None:
        """
        @param shared: the home.
        @param local: what counts in this process.
        @param name: what the home is called in the log; no secret.
        @param reactor: the reactor; the one that is installed if L{None}.
        """
        self._reactor = LazyReactor() if reactor is None else reactor
        self._shared, self._local = shared, local
        self._home = Home(shared, name, self._reactor, self._payOff)
        # By the buckets: until when it is told again, and until when it lasts.
        self._waits: dict[object, tuple[float, float]] = {}
        self._owed: deque[tuple[Guess, Reservation, Outcome]] = deque(maxlen=_MOST_OWED)
        SERVERS.add(self)

    @property
    def name(self) -> str:
        """
        What the home is called.
        """
        return self._home.name

    @property
    def isDown(self) -> bool:
        """
        Whether the home is down.
        """
        return self._home.isDown

    @property
    def writesLater(self) -> tuple[str, ...]:
        """
        The paths of the files that the home writes later.
        """
        return tuple(getattr(self._shared, "writesLater", ()))

    def reserve(self, guess: Guess) -> Any:
        """
        Let a login through, or have it wait.
        """
        if self._waits:
            wait = self._toldBefore(guess)
            if wait > 0:
                return Reservation(wait)
        counted = _Counted()
        return self._home.ask(
            lambda: self._shared.reserve(guess),
            lambda reservation: self._cbReserved(guess, counted, reservation),
            lambda: self._countHere(guess, counted),
            lambda reservation: self._cbLate(guess, counted, reservation),
        )

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> Any:
        """
        Take back what was counted.
        """
        counted = reservation.token
        counted.outcome = outcome
        isRight = outcome is Outcome.RIGHT
        if isRight:
            self._waits.pop(_placeOf(guess), None)
        if counted.local is not None or isRight:
            self._local.settle(guess, counted.local or _UNCOUNTED, outcome)
        if counted.shared is None and not isRight:
            return None
        owed = guess, counted.shared or _UNCOUNTED, outcome
        return self._home.ask(
            lambda: self._shared.settle(*owed),
            _nothing,
            lambda: self._owed.append(owed),
            _nothing,
        )

    def recall(self, key: bytes) -> Any:
        """
        Return the value of a key; while the home is down that which this process has set,
        if there is one.
        """
        return self._home.ask(
            lambda: self._shared.recall(key),
            lambda value: value,
            lambda: self._local.recall(key),
            _nothing,
        )

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> Any:
        """
        Set the value of a key; while the home is down, in this process.  A key that must
        have no value, and that this process has set, has one whatever the home says.

        @raise StateUnavailable: if the home is down, and the value is for ever: a secret
            that others don't have would stay another one.
        """
        if not seconds:
            return self._home.ask(
                lambda: self._shared.compareAndSet(key, old, new, seconds),
                lambda isSet: isSet,
                _refuse,
                _nothing,
            )
        if old is None and self._local.recall(key) is not None:
            return False

        def setHere(isSet: bool) -> bool:
            if isSet:
                # If there is no room here the home knows it all the same.
                now = self._local.recall(key)
                self._local.compareAndSet(key, now, new, seconds)
            return isSet

        return self._home.ask(
            lambda: self._shared.compareAndSet(key, old, new, seconds),
            setHere,
            lambda: self._local.compareAndSet(key, old, new, seconds),
            _nothing,
        )

    def close(self) -> Any:
        """
        Close the connections of the home.

        @return: what its own C{close} returns.
        """
        SERVERS.discard(self)
        self._home.close()
        self._local.close()
        return self._shared.close()

    def _cbReserved(
        self, guess: Guess, counted: _Counted, reservation: Reservation
    ) -> Reservation:
        """
        Count here what the home lets through, and remember whom it has wait.
        """
        if reservation.wait > 0:
            now = self._reactor.seconds()
            if len(self._waits) >= _MOST_WAITS:
                self._waits.clear()
            again = min(reservation.wait, _TOLD_AGAIN)
            self._waits[_placeOf(guess)] = now + again, now + reservation.wait
            return reservation
        counted.shared = reservation
        here = self._local.reserve(guess)
        if not here.wait:
            counted.local = here
        return reservation._replace(token=counted)

    def _countHere(self, guess: Guess, counted: _Counted) -> Reservation:
        """
        Have this process decide.
        """
        here = self._local.reserve(guess)
        if here.wait:
            # Should the home let it through later, nothing was learned.
            counted.outcome = Outcome.UNKNOWN
            return here
        counted.local = here
        return here._replace(token=counted)

    def _cbLate(self, guess: Guess, counted: _Counted, reservation: Reservation) -> None:
        """
        Note what the home has counted, though this process has decided before.
        """
        if reservation.wait:
            return
        counted.shared = reservation
        if counted.outcome is not None:
            self._tell(guess, reservation, counted.outcome)

    def _toldBefore(self, guess: Guess) -> float:
        """
        Return the rest of a wait that the home has told; 0 if it is to be asked.
        """
        place = _placeOf(guess)
        again, end = self._waits.get(place, (0.0, 0.0))
        if not end:
            return 0.0
        now: float = self._reactor.seconds()
        if now < again:
            return end - now
        del self._waits[place]
        return 0.0

    def _payOff(self) -> None:
        """
        Tell the home what it couldn't be told.
        """
        owed = list(self._owed)
        self._owed.clear()
        for each in owed:
            self._tell(*each)

    def _tell(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Tell the home how a login has ended, if it can be told.
        """
        told = maybeDeferred(self._shared.settle, guess, reservation, outcome)
        told.addErrback(lambda _: None)


def _placeOf(guess: Guess) -> tuple[Bucket | None, tuple[Bucket, ...]]:
    """
    Return what a wait depends on, whatever the password is.
    """
    return guess.pair, guess.strangers


def _nothing(_: object) -> None:
    """
    Do nothing.
    """


def _refuse() -> Deferred[bool]:
    """
    Fail.
    """
    return fail(StateUnavailable("its home is down, and it must be the same for all"))


__all__ = ["Fallback"]
