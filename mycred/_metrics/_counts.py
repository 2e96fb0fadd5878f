"""
How many logins there were, and how long they took.

A login is a look-up in a table and a few additions; names of numbers and labels are made
when they are read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from operator import add

from zope.interface import implementedBy, providedBy

from .._audit import LoginEvent, authTypeOf
from .._conversations import IScramCredentials
from .._mechanism import OTHER, mechanismOf
from ._samples import Family, Labels, Sample

#: The outcomes that a login may have.
OUTCOMES = (
    "accepted",
    "refused",
    "denied",
    "throttled",
    "temporary",
    "failed",
    "cancelled",
)

#: The upper ends of the buckets of durations, in seconds: from a look-up in memory, over
#: bcrypt, to the deadline of a directory.
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: What is counted.
COUNTED = {
    "mycred_logins": Family("counter", "Logins that have ended, by outcome."),
    "mycred_login_duration_seconds": Family(
        "histogram", "How long logins took, from the credentials to the avatar."
    ),
    "mycred_login_cache_lookups": Family(
        "counter", "Logins that the cache was asked for."
    ),
}

#: The value of a label where nothing is known.
UNKNOWN = "unknown"

# How many values a label may have that programs name, before others are called "other";
# and how many combinations of auth type, service and mechanism there may be.
_MOST_NAMES, _MOST_TRIPLES = 16, 100

# How many keys are remembered for one of them.
_MOST_KEYS = 4096

_name = re.compile(r"[A-Za-z0-9_.+-]{1,40}")

# The upper end of the first bucket.
_FIRST = BOUNDS[0]

# The buckets' upper ends as labels.
_ENDS = [*map(str, BOUNDS), "+Inf"]


class _Cell:
    """
    The logins of one outcome, auth type, service and mechanism.

    @ivar buckets: how many of them ended in each bucket.
    @ivar seconds: how long all took together.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, other: _Cell) -> None:
        """
        Add the logins of another cell.
        """
        self.buckets = list(map(add, self.buckets, other.buckets))
        self.seconds += other.seconds


class _Names:
    """
    The values that a label may have: the first ones that come.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, name: object) -> str:
        """
        Return the value for what a program calls something.
        """
        if name is None:
            return UNKNOWN
        if not isinstance(name, str) or not _name.fullmatch(name):
            return OTHER
        if name not in self._known:
            if len(self._known) >= _MOST_NAMES:
                return OTHER
            self._known.add(name)
        return name


class LoginCounts:
    """
    Count logins.

    No label tells who logs in: there would be as many values as there are users, and as
    many as a client likes to make up.
    """

    def __init__(self) -> None:
        self._lookups = {True: 0, False: 0}
        self._authTypes, self._services = _Names(), _Names()
        # By what an event has; several keys may stand for one cell.
        self._found: dict[tuple[object, ...], _Cell] = {}
        # By auth type, service and mechanism: a cell for each outcome.
        self._cells: dict[tuple[str, str, str], dict[str, _Cell]] = {}
        # So that each outcome has a value from the start: what comes first isn't seen as
        # an increase otherwise.
        self._cellsOf((UNKNOWN, UNKNOWN, UNKNOWN))

    def __call__(self, event: LoginEvent) -> None:
        """
        Count a login.
        """
        self.countLogin(
            event.verdict, event.credentials, event.checker, event.cached, event.seconds
        )

    def countLogin(
        self,
        verdict: str | None,
        credentials: object,
        checker: object,
        cached: bool | None,
        seconds: float,
    ) -> None:
        """
        Count a login of which these attributes of its event are known: where each login
        is counted it takes no event.
        """
        key: tuple[object, ...] | None = None
        try:
            # What is equal for logins of one outcome, auth type, service and mechanism.
            key = (
                verdict,
                type(checker),
                getattr(checker, "authType", None),
                getattr(credentials, "service", None),
                type(credentials),
                getattr(credentials, "mechanism", None),
            )
            cell = self._found[key]
        except Exception:
            # It is the first one of its kind; or programs' objects do what they like.
            cell = self._find(verdict, credentials, checker, key)
        # Most that needn't wait end in the first one.
        cell.buckets[0 if seconds <= _FIRST else bisect_left(BOUNDS, seconds)] += 1
        cell.seconds += seconds
        if cached is not None:
            self._lookups[cached] += 1

    def samples(self) -> Iterator[Sample]:
        """
        Return what was counted.
        """
        durations: dict[tuple[str, str], _Cell] = {}
        for (authType, service, mechanism), cells in list(self._cells.items()):
            for outcome, cell in cells.items():
                durations.setdefault((authType, outcome), _Cell()).add(cell)
                labels: Labels = (
                    ("outcome", outcome),
                    ("auth_type", authType),
                    ("protocol", service),
                    ("mechanism", mechanism),
                )
                yield Sample("mycred_logins", "_total", labels, sum(cell.buckets))
        for (authType, outcome), cell in durations.items():
            labels = (("auth_type", authType), ("outcome", outcome))
            yield from _histogramSamples(labels, cell)
        for isHit, count in self._lookups.items():
            result = (("result", "hit" if isHit else "miss"),)
            yield Sample("mycred_login_cache_lookups", "_total", result, count)

    def _find(
        self,
        verdict: str | None,
        credentials: object,
        checker: object,
        key: tuple[object, ...] | None,
    ) -> _Cell:
        """
        Return the cell of a login, and remember it for others of its kind.

        @param key: what is equal for all of them; L{None} if that can't be told.
        """
        outcome = verdict if verdict in OUTCOMES else "failed"
        try:
            service = getattr(credentials, "service", None)
            names = (
                self._authTypes.of(authTypeOf(checker)),
                self._services.of(service),
                mechanismOf(credentials),
            )
            cell = self._cellsOf(names)[outcome]
            # What a client could make up isn't kept.
            if names[1] in (service, UNKNOWN) and _isOfItsClass(credentials):
                if key is not None and len(self._found) < _MOST_KEYS:
                    self._found[key] = cell
        except Exception:
            return self._cellsOf((OTHER, OTHER, OTHER))[outcome]
        return cell

    def _cellsOf(self, names: tuple[str, str, str]) -> dict[str, _Cell]:
        """
        Return the cells of an auth type, a service and a mechanism, by outcome.
        """
        if names not in self._cells and len(self._cells) >= _MOST_TRIPLES:
            names = (OTHER, OTHER, OTHER)
        if names not in self._cells:
            self._cells[names] = {outcome: _Cell() for outcome in OUTCOMES}
        return self._cells[names]


def _isOfItsClass(credentials: object) -> bool:
    """
    Return whether all credentials of the same class have the same mechanism, unless they
    name it.
    """
    if IScramCredentials.providedBy(credentials):
        return getattr(credentials, "mechanism", None) is not None
    return providedBy(credentials) is implementedBy(type(credentials))


def _histogramSamples(labels: Labels, cell: _Cell) -> Iterator[Sample]:
    """
    Return durations as Prometheus has it: each bucket with all that are below it.
    """
    family = "mycred_login_duration_seconds"
    counts = list(accumulate(cell.buckets))
    for end, count in zip(_ENDS, counts):
        yield Sample(family, "_bucket", (*labels, ("le", end)), count)
    yield Sample(family, "_sum", labels, cell.seconds)
    yield Sample(family, "_count", labels, counts[-1])


__all__ = ["BOUNDS", "COUNTED", "OUTCOMES", "UNKNOWN", "LoginCounts"]
