"""
Compare how long two things take.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple

# How often is asked what the medians might have been.
_RESAMPLES = 2000


class Comparison(NamedTuple):
    """
    Two samples beside each other, in seconds.

    @ivar one: the quartiles of the one; the second is the median.
    @ivar other: the quartiles of the other.
    @ivar ratio: the median of the other, as times that of the one.
    @ivar least: where the interval begins in which that ratio lies, with a
        probability of 95 %.
    @ivar most: where it ends.
    """

    one: list[float]
    other: list[float]
    ratio: float
    least: float
    most: float


def compare(one: Sequence[float], other: Sequence[float]) -> Comparison:
    """
    Compare the medians of two samples.
    """
    ours, theirs = quantiles(one), quantiles(other)
    sortedOne, sortedOther = sorted(one), sorted(other)
    ratios = sorted(
        _resampledMedian(sortedOther) / _resampledMedian(sortedOne)
        for _ in range(_RESAMPLES)
    )
    edge = _RESAMPLES // 40
    return Comparison(ours, theirs, theirs[1] / ours[1], ratios[edge], ratios[-1 - edge])


def _resampledMedian(ordered: Sequence[float]) -> float:
    """
    Return the median of a sample that is drawn from a sample (bootstrap).

    The median of so many uniform numbers has a beta distribution, and tells which of
    the values it is: none needs to be drawn but that one.
    """
    half = (len(ordered) + 1) / 2
    return ordered[int(random.betavariate(half, half) * len(ordered))]
