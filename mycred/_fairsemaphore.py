"""
Work that waits for a place, in fair order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

from ._fairqueue import FairQueue, Source

_T = TypeVar("_T")


class FairSemaphore:
    """
    A semaphore: so many may do something at a time; the others wait, and sources take
    turns.
    """

    def __init__(self, places: int, most: int, refuse: Callable[[], Exception]) -> None:
        """
        @param places: how many may do it at a time.
        @param most: how many may wait.  When there are more, the source that has most
            waiting loses what came last.
        @param refuse: returns the error with which that fails.
        """
        self._free = places
        self._most = most
        self._refuse = refuse
        self._turns: FairQueue[Deferred[None]] = FairQueue()
        self._sources: dict[Deferred[None], Source] = {}
        self._isGiving = False

    def run(
        self, source: Source, function: Callable[..., Deferred[_T]], *args: object
    ) -> Deferred[_T]:
        """
        Do something as soon as there is a place.

        @param source: who asks.
        @param function: what does it.
        @param args: what to call it with.

        @return: a L{Deferred} that fires with what comes of it.  Cancelled while it
            waits, nothing is done.
        """
        waiting: Deferred[None] = Deferred(self._leave)
        running: Deferred[Any] = waiting.addCallback(self._begin, function, args)
        self._sources[waiting] = source
        self._turns.add(waiting, source)
        self._next()
        if len(self._turns) > self._most:
            last = self._turns.last()
            self._leave(last)
            last.errback(self._refuse())
        return running

    def _begin(self, _: None, function: Callable[..., Any], args: Any) -> Deferred[Any]:
        """
        Do something, now that there is a place.
        """
        return maybeDeferred(function, *args).addBoth(self._done)

    def _done(self, result: _T) -> _T:
        """
        Free a place for the next.
        """
        self._free += 1
        self._next()
        return result

    def _next(self) -> None:
        """
        Give the free places to those whose turn it is.  A place that is free again
        meanwhile is given to the next by the same loop: not each in the call of the one
        before, which could become too deep, and a place would be lost.
        """
        if self._isGiving:
            return
        self._isGiving = True
        try:
            while self._free and self._turns:
                self._free -= 1
                waiting = self._turns.take()
                del self._sources[waiting]
                waiting.callback(None)
        finally:
            self._isGiving = False

    def _leave(self, waiting: Deferred[None]) -> None:
        """
        Wait no more.
        """
        self._turns.remove(waiting, self._sources.pop(waiting))


__all__ = ["FairSemaphore"]
