"""
What most lines of a file are like, so that an unknown user is refused after the same work
as most of those who are known.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from .._hashes import Hash
from ._layout import Entry
from ._scramsurvey import ScramSurvey
from ._stored import StoredKind, StoredSecret

# How many decoys of each kind are kept: some of them the library may refuse.
_MOST_DECOYS = 3


class LineSurvey:
    """
    What most lines of a file are like.

    @ivar scram: what keys of SCRAM the users have.
    """

    def __init__(self) -> None:
        self.scram = ScramSurvey()
        self._kinds: Counter[StoredKind] = Counter()
        self._typical: dict[StoredKind, Entry] = {}
        self._samples: defaultdict[StoredKind, list[Hash]] = defaultdict(list)

    def add(self, entry: Entry, stored: StoredSecret) -> None:
        """
        Look at a line.

        @param stored: what it stores.
        """
        kind, samples = stored.kind, self._samples
        self._kinds[kind] += 1
        self._typical.setdefault(kind, entry)
        if stored.hash is not None and len(samples[kind]) < _MOST_DECOYS:
            samples[kind].append(stored.hash)
        if kind is not None:
            self.scram.add(stored)

    @property
    def typical(self) -> Entry | None:
        """
        A line like most others; L{None} if there is none.
        """
        common = self._common
        return self._typical[common[0]] if common else None

    @property
    def decoys(self) -> list[Hash]:
        """
        Some hashes of each kind, first those that most are of.
        """
        return [h for kind in self._common for h in self._samples.get(kind, ())]

    @property
    def majority(self) -> int:
        """
        How many hashes are of the kind that most are of.
        """
        return max((self._kinds[kind] for kind in self._samples), default=0)

    @property
    def _common(self) -> list[StoredKind]:
        """
        The kinds of lines, the most common one first.
        """
        common = [kind for kind, _ in self._kinds.most_common()]
        # Lines that nothing matches are like no others.
        return sorted(common, key=lambda kind: kind is None)


__all__ = ["LineSurvey"]
