"""
A queue in which sources take turns: a client that asks for much waits behind its own
requests, and not ahead of all others.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)

#: Where something comes from: from the widest to the narrowest, such as a network, an
#: address in it, and a connection from there.  Of a login the widest is whether
#: its source is known.
Source = tuple[Hashable, ...]

#: The source of all of which no source is known.
UNKNOWN: Source = (False, b"", b"", None)


class FairQueue(Generic[_T]):
    """
    Items that wait, in an order that is fair at each step of a source: networks take
    turns, in each of them addresses do, and so on.  Items of one source are first come,
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
        queue = self
        queue._size += 1
        for step in source:
            part = queue._parts.get(step)
            if part is None:
                part = queue._parts[step] = FairQueue()
            queue = part
            queue._size += 1
        queue._items[item] = None

    def take(self) -> _T:
        """
        Remove the next item, and let the other sources be next.

        @return: the item.

        @raise LookupError: if nothing waits.
        """
        if not self._size:
            raise LookupError("nothing waits")
        queue = self
        queue._size -= 1
        while queue._parts:
            step, part = next(iter(queue._parts.items()))
            del queue._parts[step]
            part._size -= 1
            if part._size:
                queue._parts[step] = part
            queue = part
        item = next(iter(queue._items))
        del queue._items[item]
        return item

    def remove(self, item: _T, source: Source = ()) -> bool:
        """
        Remove an item.

        @return: whether it was there.
        """
        queue = self
        above = []
        for step in source:
            part = queue._parts.get(step)
            if part is None:
                return False
            above.append((queue, step))
            queue = part
        if item not in queue._items:
            return False
        del queue._items[item]
        queue._size -= 1
        for parent, step in reversed(above):
            parent._size -= 1
            if not parent._parts[step]:
                del parent._parts[step]
        return True

    def last(self) -> _T:
        """
        Return the item that has most to wait for: the last one of the source that has
        most, at each step; of several such sources, of the last.

        @raise LookupError: if nothing waits.
        """
        if not self._size:
            raise LookupError("nothing waits")
        queue = self
        while queue._parts:
            # The first of the largest in reverse order, which is the last.
            queue = max(reversed(queue._parts.values()), key=len)
        return next(reversed(queue._items))


__all__ = ["UNKNOWN", "FairQueue", "Source"]
