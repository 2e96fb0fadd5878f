"""
What is sent to a Redis server, and what its replies mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, inf
from struct import pack
from typing import Any, NamedTuple

from .._buckets import KINDS, bucketsOf, charged, letThrough
from .._errors import StateUnavailable
from .._interface import Bucket, Guess, Limit, Outcome, Reservation
from ._lua import COMPARE_AND_SET, RECALL, RESERVE, SETTLE, Script

_MICRO = 1_000_000

# The longest value, in bytes.
_LONGEST_VALUE = 4096

# What a reply begins with if a guess came too late.
_LATE = -1

# No time is later, and so no wait is longer, in microseconds: the year 2255.
_LATEST = 2**53

# The longest time for which a server keeps something, in milliseconds: 100 years.
_LONGEST_LIFE = 100 * 365 * 86_400_000

#: Why a server can't be used whose replies can't be those of the scripts.
NONSENSE = "it answers what makes no sense"


class Call(NamedTuple):
    """
    A script, and what it works on.
    """

    script: Script
    keys: Sequence[bytes]
    arguments: Sequence[bytes]

    def command(self, isKnown: bool) -> tuple[bytes, ...]:
        """
        Return the command.

        @param isKnown: whether the server has the script already.
        """
        script = self.script
        which = (b"EVALSHA", script.digest) if isKnown else (b"EVAL", script.text)
        return *which, b"%d" % len(self.keys), *self.keys, *self.arguments


class Calls:
    """
    What is sent to a server.

    @ivar ahead: how far the server's clock is set forward, in microseconds.
    """

    def __init__(self, prefix: bytes) -> None:
        """
        @param prefix: what all keys begin with.
        """
        self._prefix = prefix
        self.ahead = 0

    def reserve(self, guess: Guess, until: int) -> Call:
        """
        Return what lets a login through, or has it wait.

        @param until: when nobody waits for the answer any more, by the server's clock.
        """
        _, pair, newcomers, strangers, tried, _ = guess
        buckets = *newcomers, *strangers
        member = b""
        if pair is not None:
            buckets = pair, *buckets
        keys = [self._bucket(b) for b in buckets]
        if pair is not None:
            keys.append(self._key(b"known", guess.account))
            member = pair.key
        if tried is not None:
            keys.append(self._key(b"tried", tried))
        numbers = pack(
            "<ddddd",
            self.ahead,
            until,
            pair is not None,
            len(newcomers),
            len(strangers),
        )
        return Call(RESERVE, keys, (_packed(buckets), numbers, member))

    def settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> Call:
        """
        Return what takes back what was counted.
        """
        # One that wasn't counted here is taken back from no bucket.
        when, kind = reservation.token or (0, 0)
        pair, buckets = guess.pair, bucketsOf(guess, kind)
        member = b"" if pair is None else pair.key
        keys = [self._bucket(b) for b in buckets]
        if guess.tried is not None:
            keys.append(self._key(b"tried", guess.tried))
        if pair is not None:
            keys.append(self._key(b"known", guess.account))
        numbers = pack(
            "<ddddddd",
            self.ahead,
            when,
            kind,
            outcome is Outcome.RIGHT,
            pair is not None,
            guess.tried is not None,
            guess.remember * _MICRO,
        )
        return Call(SETTLE, keys, (_packed(buckets), numbers, member))

    def recall(self, key: bytes) -> Call:
        """
        Return what brings a value.
        """
        return Call(RECALL, [self._key(b"value", key)], [pack("<d", self.ahead)])

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> Call:
        """
        Return what sets a value.

        @raise ValueError: if the new one is too long.
        """
        if len(new) > _LONGEST_VALUE:
            raise ValueError("the value is too long")
        before = b"" if old is None else b"=" + old
        life = b""
        if seconds:
            life = b"%d" % max(1, min(ceil(seconds * 1000), _LONGEST_LIFE))
        arguments = pack("<d", self.ahead), before, new, life
        return Call(COMPARE_AND_SET, [self._key(b"value", key)], arguments)

    def claim(self) -> tuple[bytes, ...]:
        """
        Return a command that needs what the scripts need: that something can be written.
        """
        return b"SET", self._prefix + b"probe", b"", b"PX", b"1"

    def _bucket(self, bucket: Bucket) -> bytes:
        """
        Return the key of a bucket.
        """
        return self._key(bucket.table.encode("utf-8"), bucket.key)

    def _key(self, kind: bytes, key: bytes) -> bytes:
        """
        Return a key of some kind.
        """
        return b"%b%b:%b" % (self._prefix, kind, key)


def reservationOf(reply: Any, guess: Guess) -> tuple[Reservation | None, int]:
    """
    Return what a reply means, and the server's clock.  There is no reservation if the
    guess came too late.

    @raise StateUnavailable: if it makes no sense.
    """
    if not isinstance(reply, list) or list(map(type, reply)) != [int] * 4:
        raise StateUnavailable(NONSENSE)
    wait, clock, when, kind = reply
    if not (_LATE <= wait < _LATEST and 0 < clock < _LATEST and 0 <= when < _LATEST):
        raise StateUnavailable(NONSENSE)
    if wait == _LATE:
        return None, clock
    if wait > 0:
        # Whatever the keys hold: nobody is told to wait for longer.
        limits = [b.limit for b in (*guess.newcomers, *guess.strangers)]
        limits += [] if guess.pair is None else [guess.pair.limit]
        return Reservation(min(wait / _MICRO, max(x.longest for x in limits))), clock
    if kind not in KINDS:
        raise StateUnavailable(NONSENSE)
    return letThrough((when, kind)), clock


def valueOf(reply: Any) -> bytes | None:
    """
    Return the value that a reply holds; L{None} if there is none.

    @raise StateUnavailable: if it makes no sense.
    """
    if reply is not None and not isinstance(reply, bytes):
        raise StateUnavailable(NONSENSE)
    return reply


def clockOf(reply: Any) -> int:
    """
    Return the clock that the reply to C{TIME} tells, in microseconds.

    @raise StateUnavailable: if it makes no sense.
    """
    try:
        seconds, micro = reply
        return int(seconds) * _MICRO + int(micro)
    except (TypeError, ValueError):
        raise StateUnavailable(NONSENSE) from None


def _packed(buckets: Sequence[Bucket]) -> bytes:
    """
    Return the limits of buckets, as the scripts want them.
    """
    return _packedLimits(tuple([b.limit for b in buckets]))


@lru_cache(maxsize=64)
def _packedLimits(limits: tuple[Limit, ...]) -> bytes:
    """
    Return limits as the scripts want them, with how far ahead the time is at most when a
    bucket will be empty to which a guess is added.
    """
    return b"".join(
        pack(
            "<dddd",
            limit.free,
            limit.longest * _MICRO,
            limit.forget * _MICRO,
            (charged((inf, 0.0), 0.0, limit)[0] - limit.forget) * _MICRO,
        )
        for limit in limits
    )


__all__ = ["NONSENSE", "Call", "Calls", "clockOf", "reservationOf", "valueOf"]
