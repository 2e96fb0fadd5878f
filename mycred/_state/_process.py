"""
State that is kept in this process.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.internet.interfaces import IReactorTime

from ._buckets import EMPTY, TRIED, charged, isNew, refunded, waitAt
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
        self._tried: dict[bytes, tuple[int, float, int]] = {}
        self._values: dict[bytes, tuple[bytes, float]] = {}

    def reserve(self, guess: Guess) -> Reservation:
        """
        Let a login through, or have it wait.
        """
        now = self._clock.seconds()
        kind = self._kindOf(guess, now)
        buckets = self._bucketsOf(guess, kind)
        wait = max(waitAt(now, self._get(b), b.limit) for b in buckets)
        if wait > 0:
            return Reservation(wait)
        if guess.tried is not None:
            count, when, before = self._tried.get(guess.tried, (0, 0.0, 0))
            if count and when + TRIED > now:
                self._tried[guess.tried] = count + 1, when, before
                return Reservation(0.0, (when, before))
            self._tried[guess.tried] = 1, now, kind
        for b in buckets:
            self._buckets[b.table, b.key] = charged(self._get(b), now, b.limit)
        return Reservation(0.0, (now, kind))

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Take back what was counted.
        """
        when, kind = reservation.token
        isOver = True
        if guess.tried is not None:
            record = self._tried.get(guess.tried)
            if record is None or record[1] != when:
                isOver = False
            elif outcome is Outcome.UNKNOWN and record[0] > 1:
                self._tried[guess.tried] = record[0] - 1, when, kind
                isOver = False
            else:
                del self._tried[guess.tried]
        if isOver:
            for b in self._bucketsOf(guess, kind):
                self._buckets[b.table, b.key] = refunded(self._get(b), when, b.limit)
        if outcome is Outcome.RIGHT and guess.pair is not None:
            self._buckets.pop((guess.pair.table, guess.pair.key), None)
            self._known[guess.pair.key] = self._clock.seconds() + guess.remember

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

    def _kindOf(self, guess: Guess, now: float) -> int:
        pair = guess.pair
        if pair is None:
            return 2
        if self._known.get(pair.key, 0.0) > now:
            return 0
        return 1 if isNew(now, self._get(pair)) else 2

    def _bucketsOf(self, guess: Guess, kind: int) -> list[Bucket]:
        """
        Return the buckets that count.
        """
        others = ((), guess.newcomers, guess.strangers)[kind]
        return [*([] if guess.pair is None else [guess.pair]), *others]

    def _get(self, bucket: Bucket) -> tuple[float, float]:
        """
        Return a bucket.
        """
        return self._buckets.get((bucket.table, bucket.key), EMPTY)


__all__ = ["ProcessState"]
