"""
The rule of a bucket, as pure functions.

A bucket is two times, in seconds: C{empty}, when all of its failures will be forgotten,
and C{last}, when the last guess was counted.  Its level at a time is how many failures it
takes to be forgotten by C{empty}.
"""

from __future__ import annotations

from math import ceil, log2

from ._interface import Limit

#: A bucket in which there is nothing.
EMPTY = 0.0, 0.0


def levelAt(time: float, empty: float, limit: Limit) -> float:
    """
    Return the level at a time.
    """
    return max(0.0, (empty - time) / limit.forget)


def pauseAfter(level: float, limit: Limit) -> float:
    """
    Return how long the pause is after a guess that has brought a bucket to a level, in
    seconds.
    """
    over = ceil(level - limit.free - 1e-6)
    return 0.0 if over <= 0 else min(limit.longest, 2.0 ** (over - 1))


def highest(limit: Limit) -> int:
    """
    Return the highest level: the first with the longest pause.
    """
    return limit.free + 1 + ceil(log2(max(1.0, limit.longest)))


def endOfPause(bucket: tuple[float, float], limit: Limit) -> float:
    """
    Return when the next guess is let through.
    """
    empty, last = bucket
    return last + pauseAfter(levelAt(last, empty, limit), limit)


def charged(
    bucket: tuple[float, float], time: float, limit: Limit
) -> tuple[float, float]:
    """
    Return a bucket with one failure more.
    """
    empty = max(bucket[0], time) + limit.forget
    return min(empty, time + highest(limit) * limit.forget), time


def refunded(
    bucket: tuple[float, float], last: float, limit: Limit
) -> tuple[float, float]:
    """
    Return a bucket with one failure less.  The pause ends, unless another guess was
    counted meanwhile.

    @param last: when the guess was counted that is taken back.
    """
    empty, latest = bucket
    return empty - limit.forget, 0.0 if latest == last else latest


__all__ = [
    "EMPTY",
    "charged",
    "endOfPause",
    "highest",
    "levelAt",
    "pauseAfter",
    "refunded",
]
