"""
What the keys of SCRAM of most users of a store are like, so that a client can't tell from
the salt and the count of rounds that it is sent who is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Union

from .._scram import HASHES, mechanismOf
from ._stored import StoredSecret

# What keys are like: their rounds and the size of their salt; L{None} where they are
# computed at each login.
_Kind = Union[tuple[int, int], None]


class ScramSurvey:
    """
    What keys the users of a store have.

    @ivar users: how many users were looked at.
    """

    def __init__(self) -> None:
        self.users = 0
        self._kinds: dict[str, Counter[_Kind]] = {hash: Counter() for hash in HASHES}
        self._samples: dict[tuple[str, _Kind], StoredSecret] = {}

    def add(self, user: StoredSecret) -> None:
        """
        Look at a user.
        """
        self.users += 1
        for hash, kind in _kindsOf(user):
            self._kinds[hash][kind] += 1
            self._samples.setdefault((hash, kind), user)

    def remove(self, user: StoredSecret) -> None:
        """
        Forget a user again.
        """
        self.users -= 1
        for hash, kind in _kindsOf(user):
            kinds = self._kinds[hash]
            kinds[kind] -= 1
            if not kinds[kind]:
                del kinds[kind], self._samples[hash, kind]

    @property
    def hashes(self) -> frozenset[str]:
        """
        The hashes for which at least one user has keys.
        """
        return frozenset(hash for hash, kinds in self._kinds.items() if kinds)

    def without(self) -> Iterator[tuple[str, int]]:
        """
        Yield the names of the mechanisms for which some users have keys and others don't,
        with the number of the others.
        """
        for hash, kinds in self._kinds.items():
            others = self.users - sum(kinds.values())
            if kinds and others:
                yield mechanismOf(hash), others

    def usual(self, hash: str) -> StoredSecret | None:
        """
        Return a user with keys like those of most; L{None} if nobody has keys for this
        hash.
        """
        common = self._kinds[hash].most_common(1)
        return self._samples[hash, common[0][0]] if common else None


def _kindsOf(user: StoredSecret) -> Iterator[tuple[str, _Kind]]:
    """
    Yield the hashes for which a user has keys, and what these are like.
    """
    if user.isPlain:
        yield from dict.fromkeys(HASHES).items()
    keys = None if user.hash is None else user.hash.scramKeys
    if keys is not None:
        yield keys.hash, (keys.iterations, len(keys.salt))


__all__ = ["ScramSurvey"]
