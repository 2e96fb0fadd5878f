"""
State that is kept in this process.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.internet.interfaces import IReactorTime

from ._buckets import EMPTY, charged, endOfPause, refunded
from ._interface import Bucket, Guess, ISharedState, Outcome, Reservation


@implementer(ISharedState)
class ProcessState:
    """
    State in the memory of this process.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """
        @param clock: what tells the time.
        """
        self._clock = clock
        self._buckets: dict[tuple[str, bytes], tuple[float, float]] = {}
        self._known: dict[bytes, float] = {}
        self._tried: dict[bytes, float] = {}
        self._values: dict[bytes, tuple[bytes, float]] = {}

    def reserve(self, guess: Guess) -> Reservation:
        """
        Let a login through, or have it wait.
        """
        now = self._clock.seconds()
        buckets = self._bucketsOf(guess, now)
        ends = [endOfPause(self._get(b), b.limit) for b in buckets]
        wait = max(ends, default=now) - now
        if wait > 0:
            return Reservation(wait)
        if guess.tried is not None and guess.tried in self._tried:
            return Reservation(0.0)
        for b in buckets:
            self._buckets[b.table, b.key] = charged(self._get(b), now, b.limit)
        if guess.tried is not None:
            self._tried[guess.tried] = now
        return Reservation(0.0, (now, buckets))

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Take back what was counted.
        """
        now = self._clock.seconds()
        if reservation.token is not None:
            last, charges = reservation.token
            for b in charges:
                self._buckets[b.table, b.key] = refunded(self._get(b), last, b.limit)
            if guess.tried is not None:
                self._tried.pop(guess.tried, None)
        if outcome is Outcome.RIGHT and guess.pair is not None:
            self._buckets.pop((guess.pair.table, guess.pair.key), None)
            self._known[guess.pair.key] = now + guess.remember

    def recall(self, key: bytes) -> bytes | None:
        """
        Return the value of a key.
        """
        value, until = self._values.get(key, (None, 0.0))
        return None if until and until <= self._clock.seconds() else value

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> bool:
        """
        Set the value of a key.
        """
        if self.recall(key) != old:
            return False
        self._values[key] = new, self._clock.seconds() + seconds if seconds else 0.0
        return True

    def close(self) -> None:
        """
        Do nothing: there are no connections.
        """

    def _bucketsOf(self, guess: Guess, now: float) -> list[Bucket]:
        """
        Return the buckets that count.
        """
        pair = guess.pair
        isKnown = pair is not None and self._known.get(pair.key, 0.0) > now
        return [*([] if pair is None else [pair]), *(() if isKnown else guess.strangers)]

    def _get(self, bucket: Bucket) -> tuple[float, float]:
        """
        Return a bucket.
        """
        return self._buckets.get((bucket.table, bucket.key), EMPTY)


__all__ = ["ProcessState"]
