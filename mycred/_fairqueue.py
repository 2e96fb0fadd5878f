"""
A queue in which sources take turns, so that who asks for much waits behind themself
and not before everybody else.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)

#: Where something comes from: from the widest to the narrowest, such as a network, an
#: address in it, and a connection from there.
Source = tuple[Hashable, ...]

#: Somebody of whom nothing is known.
UNKNOWN: Source = (b"", b"", None)


class FairQueue(Generic[_T]):
    """
    What waits, in an order that is fair at each step of a source: networks take turns,
    in each of them addresses do, and so on.  Within one source the first come are the
    first served.

    Each item is there once.
    """

    def __init__(self) -> None:
        self._size = 0
        self._items: dict[_T, None] = {}
        # The one whose turn it is comes first.
        self._parts: dict[Hashable, FairQueue[_T]] = {}

    def __len__(self) -> int:
        """
        Return how many items wait.
        """
        return self._size

    def add(self, item: _T, source: Source = ()) -> None:
        """
        Add an item, as the last one of its source.
        """
        self._size += 1
        if not source:
            self._items[item] = None
            return
        first, *rest = source
        if first not in self._parts:
            self._parts[first] = FairQueue()
        self._parts[first].add(item, tuple(rest))

    def take(self) -> _T:
        """
        Remove the next item, and let the other sources be next.

        @return: the item.

        @raise LookupError: if nothing waits.
        """
        if not self._parts:
            item = next(iter(self._items), None)
            if item is None:
                raise LookupError("nothing waits")
            self.remove(item)
            return item
        first, part = next(iter(self._parts.items()))
        item = part.take()
        self._size -= 1
        del self._parts[first]
        if part:
            self._parts[first] = part
        return item

    def remove(self, item: _T, source: Source = ()) -> bool:
        """
        Remove an item.

        @return: whether it was there.
        """
        if source:
            first, *rest = source
            part = self._parts.get(first)
            if part is None or not part.remove(item, tuple(rest)):
                return False
            if not part:
                del self._parts[first]
        elif item in self._items:
            del self._items[item]
        else:
            return False
        self._size -= 1
        return True

    def last(self) -> _T:
        """
        Return the item that has most to wait for: the last one of the source that has
        most, at each step; of several such sources, of the last.

        @raise LookupError: if nothing waits.
        """
        if self._parts:
            # The first of the largest in reverse order, which is the last.
            return max(reversed(self._parts.values()), key=len).last()
        item = next(reversed(self._items), None)
        if item is None:
            raise LookupError("nothing waits")
        return item


__all__ = ["UNKNOWN", "FairQueue", "Source"]
