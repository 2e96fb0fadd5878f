"""
State that is kept in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Union

from zope.interface import implementer

from .._types import Clock
from ._buckets import EMPTY, TRIED, charged, isNew, refunded, waitAt
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

# Which buckets have counted for a login besides the pair's.
_NONE, _NEWCOMERS, _STRANGERS = range(3)

# How many logins are charged in a shorter way at a time.
_MOST_LIGHT = 512

# When a login was let through, which buckets have counted; and of one that is charged in
# a shorter way, the guess, and until when its source was known.
_Token = tuple[float, int, Union[Guess, None], float]


@implementer(ISharedState)
class ProcessState:
    """
    State in the memory of this process, which never takes more than about 100 MB.

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
        # which buckets have counted.
        self._tried = self._table("tried")
        # Most logins are of sources that are known and haven't failed.  Nothing else
        # changes if they are right.
        self._light: dict[bytes, _Token] = {}
        self._values = Values(self._seconds)

    def reserve(self, guess: Guess) -> Reservation:
        """
        Let a login through, or have it wait.
        """
        now = self._seconds()
        account, pair = guess.account, guess.pair
        if pair is None:
            return self._reserve(guess, now, _STRANGERS)
        known = self._known.get(account + pair.key)
        if known is not None and known[0] > now:
            if known[1] or pair.key in self._light:
                return self._reserve(guess, now, _NONE)
            token = self._light[pair.key] = now, _NONE, guess, known[0]
            if len(self._light) > _MOST_LIGHT:
                for key in list(self._light):
                    self._chargeLight(key)
            return Reservation(0.0, token)
        times = self._table(pair.table).get(pair.key)
        isOld = times is not None and not isNew(now, times)
        return self._reserve(guess, now, _STRANGERS if isOld else _NEWCOMERS)

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Take back what was counted.
        """
        token: _Token = reservation.token
        when, kind, _, until = token
        pair, isRight = guess.pair, outcome is Outcome.RIGHT
        if pair is not None and self._light.get(pair.key) is token:
            del self._light[pair.key]
            if not isRight or until > when + guess.remember - _HOUR:
                return
        else:
            self._settle(guess, when, kind, isRight)
        if isRight and pair is not None:
            self._table(pair.table).drop(pair.key)
            until = self._seconds() + guess.remember
            self._known.put(guess.account + pair.key, (until, 0.0))

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

        @param kind: which buckets count.
        """
        pair, tried = guess.pair, guess.tried
        if pair is not None and pair.key in self._light:
            self._chargeLight(pair.key)
        found = [
            (bucket, table, table.get(bucket.key) or EMPTY)
            for bucket, table in self._counting(guess, kind)
        ]
        wait = max(waitAt(now, times, bucket.limit) for bucket, _, times in found)
        if wait > 0:
            return Reservation(wait)
        if tried is not None:
            record = self._tried.get(tried)
            if record is not None and record[0] + TRIED > now:
                when, counted = record
                self._tried.put(tried, (when, counted + 3))
                return Reservation(0.0, (when, int(counted) % 3, None, 0.0))
            self._tried.put(tried, (now, 3.0 + kind))
        for bucket, table, times in found:
            table.put(bucket.key, charged(times, now, bucket.limit))
        return Reservation(0.0, (now, kind, None, 0.0))

    def _chargeLight(self, key: bytes) -> None:
        """
        Charge a login in the usual way, since it isn't known when it will end.
        """
        when, _, guess, until = self._light.pop(key)
        if guess is not None and guess.pair is not None:
            self._known.put(guess.account + key, (until, 1.0))
            self._reserve(guess, when, _NONE)

    def _settle(self, guess: Guess, when: float, kind: int, isRight: bool) -> None:
        """
        Take back what was counted in the usual way.
        """
        tried = guess.tried
        if tried is not None:
            record = self._tried.get(tried)
            if record is None or record[0] != when:
                # It was taken back already.
                return
            counted = record[1]
            if not isRight and counted >= 6:
                self._tried.put(tried, (when, counted - 3))
                return
            self._tried.drop(tried)
        for bucket, table in self._counting(guess, kind):
            times = refunded(table.get(bucket.key) or EMPTY, when, bucket.limit)
            if times == EMPTY:
                table.drop(bucket.key)
            else:
                table.put(bucket.key, times)

    def _counting(self, guess: Guess, kind: int) -> Iterator[tuple[Bucket, Table]]:
        """
        Yield the buckets that count, with their tables.
        """
        if guess.pair is not None:
            yield guess.pair, self._table(guess.pair.table)
        for bucket in ((), guess.newcomers, guess.strangers)[kind]:
            yield bucket, self._table(bucket.table)

    def _table(self, name: str) -> Table:
        """
        Return a table.
        """
        table = self._tables.get(name)
        if table is None:
            table = Table(_ROOM.get(name, _ROOM_ELSEWHERE))
            self._tables[name] = table
        return table


__all__ = ["ProcessState"]
