"""
The rule of a bucket, as pure functions.

A bucket is two times, in seconds: C{empty}, when all of its failures will be forgotten,
and C{last}, when the last guess was counted.  Its level at a time is how many failures it
takes to be forgotten by C{empty}.
"""

from __future__ import annotations

from math import ceil, log2

from ._interface import Bucket, Guess, Limit, Reservation

#: For how long a source that has failed at an account is no newcomer there, in seconds.
LATELY = 86_400.0

#: For how long the same password costs nothing again, in seconds.
TRIED = 86_400.0

#: Of how many sources it is remembered at least that they have logged in to an account.
MOST_KNOWN = 16

#: The kinds of sources of guesses at an account: one that is known there, one that hasn't
#: failed there lately, and any other.
KNOWN_SOURCE, NEWCOMER, STRANGER = KINDS = range(3)

#: A bucket: when it is empty, and when the last guess was counted.
Times = tuple[float, float]

#: A bucket in which there is nothing.
EMPTY: Times = 0.0, 0.0


def bucketsOf(guess: Guess, kind: int) -> list[Bucket]:
    """
    Return the buckets that count a guess, that of the pair first.

    @param kind: the kind of its source.
    """
    others = ((), guess.newcomers, guess.strangers)[kind]
    return [*others] if guess.pair is None else [guess.pair, *others]


def letThrough(token: tuple[float, int]) -> Reservation:
    """
    Return the answer to a guess that is let through.

    @param token: when it was counted, and the kind of its source.
    """
    return Reservation(0.0, token, token[1] == KNOWN_SOURCE)


def pauseAfter(level: float, limit: Limit) -> float:
    """
    Return how long the pause is after a guess that has brought a bucket to a level, in
    seconds.
    """
    over = ceil(level - limit.free - 1e-6)
    if over <= 0:
        return 0.0
    # More than that no limit allows, and a float can't hold.
    return min(limit.longest, 2.0 ** min(over - 1, 60))


def waitAt(time: float, bucket: Times, limit: Limit) -> float:
    """
    Return for how long no guess is let through, in seconds; 0 if one is.
    """
    empty, last = bucket
    level = (empty - last) / limit.forget
    # If the clock was set back nobody waits until it is there again.
    if level <= limit.free or last > time:
        return 0.0
    pause = pauseAfter(level, limit)
    # A sum may be rounded up.
    return min(pause, max(0.0, last + pause - time))


def isNew(time: float, bucket: Times) -> bool:
    """
    Return whether there was no failure lately.
    """
    empty, last = bucket
    return empty <= time and (not last or last + LATELY <= time)


def charged(bucket: Times, time: float, limit: Limit) -> Times:
    """
    Return a bucket with one failure more.  Of so many that the pause is the longest none
    more are kept: otherwise it would take longer and longer until they are forgotten.
    """
    # Before this one is added, so that to take it back takes back no other one.
    most = limit.free + ceil(log2(max(1.0, limit.longest)))
    empty = min(max(bucket[0], time), time + most * limit.forget)
    return empty + limit.forget, time


def refunded(bucket: Times, last: float, limit: Limit) -> Times:
    """
    Return a bucket with one failure less.  The pause ends, unless another guess was
    counted meanwhile.

    @param last: when the guess was counted that is taken back.
    """
    empty, latest = bucket
    empty = max(0.0, empty - limit.forget)
    if latest != last:
        return empty, latest
    return (empty, last - limit.longest) if empty > last else EMPTY


def isForgiven(now: float, until: float, remember: float, limit: Limit) -> bool:
    """
    Return whether the right password has the failures of a pair forgotten: once while one
    is forgotten by itself.  Otherwise an attacker behind the same address as the owner
    could guess anew after each login of the owner's.

    @param until: until when the source is known for the account, from the last time that
        they were; 0 if it isn't.
    @param remember: for how long it was known then, in seconds.
    """
    since = until - remember
    # It is later than now where the clock was set back; a little, where it was rounded.
    return not until or not since - 1.0 <= now < since + limit.forget


__all__ = [
    "EMPTY",
    "KINDS",
    "KNOWN_SOURCE",
    "LATELY",
    "MOST_KNOWN",
    "NEWCOMER",
    "STRANGER",
    "TRIED",
    "Times",
    "bucketsOf",
    "charged",
    "isForgiven",
    "isNew",
    "letThrough",
    "pauseAfter",
    "refunded",
    "waitAt",
]
