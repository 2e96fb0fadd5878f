"""
Numbers with their names and labels, as all parts of this package hand them on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: The pairs of a label and its value.
Labels = tuple[tuple[str, str], ...]

# What marks the process that a gauge is of, where there are several.  No label is called
# C{job}, C{instance} or C{service}: Prometheus, or its operator, has those itself.
_WORKER = "worker"


class Family(NamedTuple):
    """
    What is said of all numbers of one name.

    @ivar kind: C{counter}, C{histogram} or C{gauge}.
    @ivar help: what the number is, in one sentence.
    """

    kind: str
    help: str


class Sample(NamedTuple):
    """
    A number.

    @ivar family: the name of its family.
    @ivar suffix: what follows that name, such as C{_total}.
    @ivar labels: its labels.
    @ivar value: the number.
    """

    family: str
    suffix: str
    labels: Labels
    value: float


class BadSamples(ValueError):
    """
    Text has no samples in it.
    """


def add(
    families: Mapping[str, Family],
    parts: Iterable[tuple[str | None, Iterable[Sample]]],
) -> list[Sample]:
    """
    Return the samples of several processes as those of one: what is counted is added up,
    and a gauge is marked by its process.

    @param families: all families.
    @param parts: the mark of each process, L{None} for none, and its samples.
    """
    totals: dict[tuple[str, str, Labels], float] = {}
    for worker, samples in parts:
        for family, suffix, labels, value in samples:
            if worker is not None and families[family].kind == "gauge":
                labels = (*labels, (_WORKER, worker))
            key = family, suffix, labels
            totals[key] = totals.get(key, 0) + value
    return [Sample(*key, value) for key, value in totals.items()]


def counted(families: Mapping[str, Family], samples: Iterable[Sample]) -> list[Sample]:
    """
    Return those samples that never fall.
    """
    return [one for one in samples if families[one.family].kind != "gauge"]


def encode(samples: Iterable[Sample]) -> bytes:
    """
    Return samples as text for another process.
    """
    return json.dumps(list(samples), separators=(",", ":")).encode("ascii")


def decode(families: Mapping[str, Family], data: bytes) -> list[Sample]:
    """
    Return the samples in a text.

    @raise BadSamples: if it isn't one that L{encode} returns, for these families.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError):
        raise BadSamples("no JSON") from None
    if type(rows) is not list:
        raise BadSamples("no list")
    return [_sampleIn(families, row) for row in rows]


def _sampleIn(families: Mapping[str, Family], row: object) -> Sample:
    """
    Return the sample in a row.

    @raise BadSamples: if there is none.
    """
    if type(row) is not list or len(row) != 4:
        raise BadSamples("no row")
    family, suffix, labels, value = row
    if type(family) is not str or family not in families:
        raise BadSamples("no family")
    if type(suffix) is not str or type(labels) is not list:
        raise BadSamples("no labels")
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise BadSamples("no number")
    return Sample(family, suffix, tuple(map(_labelIn, labels)), value)


def _labelIn(pair: object) -> tuple[str, str]:
    """
    Return a label and its value.

    @raise BadSamples: if these are none.
    """
    if type(pair) is not list or [type(part) for part in pair] != [str, str]:
        raise BadSamples("no label")
    name, value = pair
    return name, value


__all__ = [
    "BadSamples",
    "Family",
    "Labels",
    "Sample",
    "add",
    "counted",
    "decode",
    "encode",
]
