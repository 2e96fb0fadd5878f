"""
Encode metrics a piece at a time.

C{prometheus_client} encodes all at once, and a metric with many labels would keep the
reactor waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from prometheus_client import Metric

# How many samples are encoded at a time.
_MOST = 500

# The ends of names of samples that stand behind all others of their metric, as metrics of
# their own, in the older format.  In OpenMetrics they stay with those of their labels.
_APART = ("_created", "_gcount", "_gsum")

_said = re.compile(rb"#.*\n")
_head = re.compile(rb"(?:#.*\n)*")


class Collector(Protocol):
    """
    What has metrics: L{LoginMetrics<mycred.metrics.LoginMetrics>}, or a registry of
    C{prometheus_client}, which may have those of a program, too.
    """

    def collect(self) -> Iterator[Metric]:
        """
        Return the metrics.  Where that takes long C{inSteps} returns the same, with
        L{None} between them where others may have their turn.
        """


class _Registry:
    """
    A registry with some metrics.
    """

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """
        Return them.
        """
        return iter(self._metrics)


def encodeAll(
    metrics: Collector, encode: Callable[[Any], bytes], pieces: list[bytes]
) -> Iterator[None]:
    """
    Encode metrics, a piece at each step.

    @param encode: what encodes all metrics of a registry.
    @param pieces: what gets the pieces of the page.
    """
    # Only OpenMetrics has one.
    end = encode(_Registry())
    apart = () if end else _APART
    inSteps: Callable[[], Iterable[Metric | None]]
    inSteps = getattr(metrics, "inSteps", metrics.collect)
    for metric in inSteps():
        if metric is None:
            yield
            continue
        told: set[bytes] = set()
        for part in _partsOf(metric, apart):
            piece = encode(_Registry(part)).removesuffix(end)
            pieces.append(_withoutRepeats(piece, told))
            yield
    pieces.append(end)


def _partsOf(metric: Metric, apart: Iterable[str]) -> Iterator[Metric]:
    """
    Return a metric in parts, each with some of its samples.

    @param apart: the ends of names of samples that stand behind all others.
    """
    groups: dict[str, list[Any]] = {"": []}
    for sample in metric.samples:
        end = next((end for end in apart if sample.name == metric.name + end), "")
        groups.setdefault(end, []).append(sample)
    for end in sorted(groups):
        samples = groups[end]
        for first in range(0, max(1, len(samples)), _MOST):
            part = copy(metric)
            part.samples = samples[first : first + _MOST]
            yield part


def _withoutRepeats(piece: bytes, told: set[bytes]) -> bytes:
    """
    Return a piece without the lines at its head that tell what a metric is, if they were
    told before.

    @param told: the lines that were told.
    """
    head = _head.match(piece)
    size = 0 if head is None else head.end()
    lines = [line for line in _said.findall(piece[:size]) if line not in told]
    told.update(lines)
    return b"".join(lines) + piece[size:]


__all__ = ["Collector", "encodeAll"]
