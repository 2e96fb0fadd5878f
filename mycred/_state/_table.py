"""
Tables of fixed size, for keys that nobody can choose.

An entry is a key and two times.  Where there is no room for a new one, that entry goes
whose first time is the least, of the few that share its place.
"""

from __future__ import annotations

from itertools import islice
from mmap import ACCESS_COPY, mmap
from struct import Struct

from ._buckets import Times

# How many entries share a place, and the size of a key, in bytes.
_SHARING, _KEY = 16, 8
_PLACE = _SHARING * _KEY

_leading = Struct(">I").unpack_from

# How many entries are kept in a dictionary before they get their places, and how many get
# them at once: all together would hold up the reactor for milliseconds, in all tables at
# the same time.
_YOUNG, _AT_ONCE = 512, 16


class Table:
    """
    Times by keys.

    A key is 8 bytes of a keyed digest; or 16, of two of them.  Then the first one alone
    says where the entry has its place, so that whatever goes with it pushes out nothing
    else.

    @ivar tableName: what it is called where its size is shown.
    """

    __slots__ = ("__weakref__", "_places", "_size", "_young", "tableName")

    def __init__(self, size: int, name: str = "") -> None:
        """
        @param size: for how many entries there is room, of 24 bytes each.  Memory is
            taken as it is used.
        @param name: what it is called.
        """
        self.tableName = name
        self._size = size
        self._young: dict[bytes, Times] = {}
        self._places: _Places | None = None

    def __len__(self) -> int:
        """
        Return how many entries there are, those twice that have changed lately.
        """
        placed = 0 if self._places is None else self._places.used
        return placed + len(self._young)

    @property
    def limit(self) -> int:
        """
        For how many entries there is room.
        """
        return self._size

    def get(self, key: bytes) -> Times | None:
        """
        Return the times of a key; L{None} if there are none.
        """
        times = self._young.get(key)
        if times is None and self._places is not None:
            times = self._places.get(key)
            if times is not None:
                # It may well be asked for again soon.
                self.put(key, times)
        return times

    def put(self, key: bytes, times: Times) -> None:
        """
        Set the times of a key.

        @param times: the first of them is greater than 0.
        """
        self._young[key] = times
        if len(self._young) > _YOUNG:
            if self._places is None:
                self._places = _Places(self._size)
            for each in list(islice(self._young, _AT_ONCE)):
                self._places.put(each, self._young.pop(each))

    def drop(self, key: bytes) -> None:
        """
        Forget a key.
        """
        self._young.pop(key, None)
        if self._places is not None:
            self._places.drop(key)


class _Places:
    """
    Entries at their places.

    @ivar used: how many there are.
    """

    __slots__ = ("_count", "_firsts", "_keys", "_seconds", "used")

    def __init__(self, size: int) -> None:
        """
        @param size: for how many entries there is room.
        """
        self.used = 0
        self._count = max(1, size // _SHARING)
        slots = self._count * _SHARING
        # The system gives memory to what is used of them.
        self._keys = mmap(-1, slots * _KEY, access=ACCESS_COPY)
        self._firsts = memoryview(mmap(-1, slots * 8, access=ACCESS_COPY)).cast("d")
        self._seconds = memoryview(mmap(-1, slots * 8, access=ACCESS_COPY)).cast("d")

    def get(self, key: bytes) -> Times | None:
        """
        Return the times of a key; L{None} if there are none.
        """
        slot = self._find(key)
        return None if slot < 0 else (self._firsts[slot], self._seconds[slot])

    def put(self, key: bytes, times: Times) -> None:
        """
        Set the times of a key.
        """
        slot = self._find(key)
        if slot < 0:
            place = ~slot
            sharing = self._firsts[place : place + _SHARING].tolist()
            least = min(sharing)
            slot = place + sharing.index(least)
            self.used += not least
            self._keys[slot * _KEY : (slot + 1) * _KEY] = key[-_KEY:]
        self._firsts[slot], self._seconds[slot] = times

    def drop(self, key: bytes) -> None:
        """
        Forget a key.
        """
        slot = self._find(key)
        if slot >= 0:
            self._keys[slot * _KEY : (slot + 1) * _KEY] = bytes(_KEY)
            self._firsts[slot] = 0.0
            self.used -= 1

    def _find(self, key: bytes) -> int:
        """
        Return the slot of a key; C{~slot} of the first one of its place if it has none.
        """
        leading: int = _leading(key)[0]
        place = (leading * self._count >> 32) * _SHARING
        start = at = place * _KEY
        end, tag = start + _PLACE, key[-_KEY:]
        while (at := self._keys.find(tag, at, end)) >= 0:
            if not at % _KEY:
                return at // _KEY
            # The end of one key and the beginning of the next happen to be like it.
            at += 1
        return ~place


__all__ = ["Table"]
