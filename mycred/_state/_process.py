"""
State that is kept in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from zope.interface import implementer

from .._gauged import TABLES
from .._types import Clock
from ._buckets import (
    EMPTY,
    KNOWN_SOURCE,
    NEWCOMER,
    STRANGER,
    TRIED,
    bucketsOf,
    charged,
    isForgiven,
    isNew,
    letThrough,
    refunded,
    waitAt,
)
from ._interface import Bucket, Guess, ISharedState, Outcome, Reservation
from ._table import Table
from ._values import Values

# How many entries there is room for, by the names of tables.  Those of IPv6 clients are
# apart, since anybody may have millions of such addresses.
_ROOM = {
    "address4": 5 << 18,
    "address6": 5 << 18,
    "pair": 1 << 19,
    "known": 1 << 18,
    "tried": 1 << 19,
}
_ROOM_ELSEWHERE = 1 << 17

# How often it is noted that a source has logged in again, in seconds.
_HOUR = 3600.0

# How many logins may be under way that are counted only if they fail.
_MOST_ENTERED = 10_000


#: A login that is counted only if it fails: its account and its pair, as the keys of
#: both; when it was let through; and what makes its guess, of what.
Entered = tuple[bytes, float, Callable[[Any], Guess], Any]


@implementer(ISharedState)
class ProcessState:
    """
    State in the memory of this process, which never takes more than about 120 MB.

    Where a table is full the buckets go that are empty first.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        """
        @param clock: what tells the time; L{None} for one that nobody sets back.
        """
        self._seconds = monotonic if clock is None else clock.seconds
        self._tables: dict[str, Table] = {}
        # Until when a source is known, and whether it has failed since.
        self._known = self._table("known")
        # When a password was tried, and three times how many logins have to end, plus
        # the kind of their source.
        self._tried = self._table("tried")
        self._entered: dict[bytes, Entered] = {}
        self._values = Values(self._seconds)

    def trusts(self, known: bytes, remember: float) -> bool:
        """
        Return whether a login may go on without being counted: its source is known and
        hasn't failed since, and it is the only one of its pair that is under way.

        Most logins are like this, and are right.  One that is over at once costs nothing
        more, of others L{enter} must be told before anything else happens: together that
        takes a fourth of the time of C{reserve} and C{settle}.

        @param known: its account and its pair, as the keys of both.
        @param remember: for how long a source that has logged in is known, in seconds.
        """
        times = self._known.get(known)
        if times is None or times[1] or times[0] < self._seconds() + remember - _HOUR:
            return False
        entered = self._entered
        return not entered or (known not in entered and len(entered) < _MOST_ENTERED)

    def enter(self, known: bytes, make: Callable[[Any], Guess], parts: Any) -> Entered:
        """
        Note a login that is under way, and isn't counted.

        @param known: its account and its pair, as the keys of both.
        @param make: makes its guess, of C{parts}, if that is needed.

        @return: what L{leave} needs.
        """
        new = self._entered[known] = known, self._seconds(), make, parts
        return new

    def leave(self, login: Entered, outcome: Outcome | None) -> None:
        """
        Count a login if it has failed.

        @param login: what L{enter} has returned.
        @param outcome: how it has ended; L{None} if it has failed.
        """
        known, when, make, parts = login
        if self._entered.get(known) is login:
            if outcome is None:
                self._count(known)
            else:
                del self._entered[known]
        elif outcome is not None:
            # It was counted, since others of its pair came.
            self.settle(make(parts), Reservation(0.0, (when, KNOWN_SOURCE)), outcome)

    def reserve(self, guess: Guess) -> Reservation:
        """
        Let a login through, or have it wait.
        """
        now, pair = self._seconds(), guess.pair
        if pair is None:
            return self._reserve(guess, now, STRANGER)
        key = guess.account + pair.key
        if key in self._entered:
            self._count(key)
        known = self._known.get(key)
        if known is not None and known[0] > now:
            if not known[1]:
                self._known.put(key, (known[0], 1.0))
            return self._reserve(guess, now, KNOWN_SOURCE)
        times = self._table(pair.table).get(pair.key)
        isOld = times is not None and not isNew(now, times)
        return self._reserve(guess, now, STRANGER if isOld else NEWCOMER)

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Take back what was counted.
        """
        pair, isRight = guess.pair, outcome is Outcome.RIGHT
        if reservation.token is not None:
            when, kind = reservation.token
            self._takeBack(guess, when, kind, isRight)
        if isRight and pair is not None:
            self._forgive(guess, pair)

    def recall(self, key: bytes) -> bytes | None:
        """
        Return the value of a key.
        """
        return self._values.recall(key)

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> bool:
        """
        Set the value of a key.

        @return: whether it was set.  Where there is no room it isn't: no other value is
            forgotten before its time.
        """
        return self._values.compareAndSet(key, old, new, seconds)

    def close(self) -> None:
        """
        Do nothing: there are no connections.
        """

    def _reserve(self, guess: Guess, now: float, kind: int) -> Reservation:
        """
        Let a login through, or have it wait.

        @param kind: the kind of its source.
        """
        found = [
            (bucket, table, table.get(bucket.key) or EMPTY)
            for bucket, table in self._counting(guess, kind)
        ]
        wait = max(waitAt(now, times, bucket.limit) for bucket, _, times in found)
        if wait > 0:
            return Reservation(wait)
        tried = guess.tried
        if tried is not None:
            record = self._tried.get(tried)
            if record is not None and record[0] + TRIED > now:
                when, counted = record
                self._tried.put(tried, (when, counted + 3))
                return letThrough((when, int(counted) % 3))
            self._tried.put(tried, (now, 3.0 + kind))
        for bucket, table, times in found:
            table.put(bucket.key, charged(times, now, bucket.limit))
        return letThrough((now, kind))

    def _count(self, known: bytes) -> None:
        """
        Count a login that was let through uncounted.
        """
        _, when, make, parts = self._entered.pop(known)
        times = self._known.get(known)
        if times is not None:
            self._known.put(known, (times[0], 1.0))
        self._reserve(make(parts), when, KNOWN_SOURCE)

    def _forgive(self, guess: Guess, pair: Bucket) -> None:
        """
        Have a source known for an account, and forget its failures there.
        """
        now, key = self._seconds(), guess.account + pair.key
        until, _ = self._known.get(key) or EMPTY
        failures = self._table(pair.table)
        if isForgiven(now, until, guess.remember, pair.limit):
            failures.drop(pair.key)
            until = now + guess.remember
        hasFailed = failures.get(pair.key) is not None
        self._known.put(key, (until, float(hasFailed)))

    def _takeBack(self, guess: Guess, when: float, kind: int, isRight: bool) -> None:
        """
        Take back what was counted, if nobody waits for it any more.
        """
        if guess.tried is not None and not self._isLast(guess.tried, when, isRight):
            return
        for bucket, table in self._counting(guess, kind):
            times = refunded(table.get(bucket.key) or EMPTY, when, bucket.limit)
            if times == EMPTY:
                table.drop(bucket.key)
            else:
                table.put(bucket.key, times)

    def _isLast(self, tried: bytes, when: float, isRight: bool) -> bool:
        """
        Return whether what a password has cost is to be taken back now.
        """
        record = self._tried.get(tried)
        if record is None or record[0] != when:
            # It was taken back already.
            return False
        counted = record[1]
        if not isRight and counted >= 6:
            self._tried.put(tried, (when, counted - 3))
            return False
        self._tried.drop(tried)
        return True

    def _counting(self, guess: Guess, kind: int) -> Iterator[tuple[Bucket, Table]]:
        """
        Yield the buckets that count, with their tables.
        """
        for bucket in bucketsOf(guess, kind):
            yield bucket, self._table(bucket.table)

    def _table(self, name: str) -> Table:
        """
        Return a table.
        """
        table = self._tables.get(name)
        if table is None:
            room = _ROOM.get(name, _ROOM_ELSEWHERE)
            table = self._tables[name] = Table(room, f"throttle {name}")
            TABLES.add(table)
        return table


__all__ = ["ProcessState"]
