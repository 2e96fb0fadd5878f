"""
Measure alternately, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median


def alternate(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, float]:
    """
    Measure each contestant in turn, round after round.

    @param contestants: by name, a callable that measures once, in seconds.
    @param rounds: how often.

    @return: the median of each, in seconds.
    """
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            measured[name].append(measure())
    return {name: median(times) for name, times in measured.items()}
