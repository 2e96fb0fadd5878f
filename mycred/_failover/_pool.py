"""
The idle connections to one server, and how many connections there may be.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Condition, Lock
from typing import Generic, Protocol, TypeVar

from ._errors import Slow

# A connection that was idle for longer isn't used, in seconds: a firewall between may
# have forgotten it, and would drop what is sent.
_LONGEST_IDLE = 60.0

# For how long one makes do with fewer connections, in seconds.
_FRUGAL = 5.0

# More idle connections than this are never used.
_MOST_IDLE = 32


class Connection(Protocol):
    """
    A connection.

    @ivar usedAt: when it was last used, by L{time.monotonic}.
    @ivar isReused: whether it has been idle since it was opened.
    """

    usedAt: float
    isReused: bool

    @property
    def isClean(self) -> bool:
        """
        Whether it can be used again.
        """

    def close(self) -> None:
        """
        Close it, without waiting for anything.
        """


_C = TypeVar("_C", bound=Connection)


class Pool(Generic[_C]):
    """
    Idle connections to one server, for one role.
    """

    def __init__(self, name: str, most: int | None = None) -> None:
        """
        @param name: the name of the server.
        @param most: how many connections there may be, whether they are idle, in use or
            being opened; L{None} if there may be any number.
        """
        self._name = name
        self._isBounded = most is not None
        self._most = math.inf if most is None else most
        # How many there may be until then.
        self._fewer, self._frugalUntil = self._most, 0.0
        self._lock = Lock()
        # Those who wait for a place, in turn, and those who wait for a connection.
        self._changed, self._returned = Condition(self._lock), Condition(self._lock)
        self._waiting = self._borrowing = 0
        self._connections: list[_C] = []
        # How many are in use, are being opened or being closed.
        self._taken = 0
        # How many of them nobody waits for.
        self._held = 0
        self._isClosed = False

    def __len__(self) -> int:
        """
        Return how many connections are idle.
        """
        return len(self._connections)

    def take(self, until: float) -> _C | None:
        """
        Take out the connection that was used last, or else claim a place for a new one;
        wait for either if there are as many connections as there may be.

        @param until: the deadline, by L{time.monotonic}.

        @return: L{None} if there is none that was used lately; then the place is the
            caller's, until L{fill} fails, or the connection comes back.

        @raise Slow: if neither is free in time.
        """
        return self._take(until, time.monotonic() - _LONGEST_IDLE)

    def claim(self, until: float) -> None:
        """
        Claim a place for a new connection, though there may be idle ones.

        @raise Slow: if none is free in time.
        """
        self._take(until, math.inf)

    def fill(self, opening: Callable[[], _C]) -> _C:
        """
        Return a new connection for a claimed place, which is free again if there is none.
        """
        try:
            return opening()
        except BaseException:
            self._free()
            raise

    def keep(self, connection: _C) -> None:
        """
        Put a connection in, or close it if it can't be used again; close those that were
        idle for too long.
        """
        if self._isClosed or not connection.isClean:
            self.discard(connection)
            return
        surplus = []
        since = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            self._connections.append(connection)
            self._taken -= 1
            while (
                self._connections[0].usedAt < since or len(self._connections) > _MOST_IDLE
            ):
                self._taken += 1
                surplus.append(self._connections.pop(0))
                if not self._connections:
                    break
            self._notify()
        for stale in surplus:
            self.discard(stale)

    def offer(self, connection: _C) -> None:
        """
        Put a connection in that has no place, if there is one and no other is idle; close
        it otherwise.
        """
        with self._lock:
            isWanted = not (self._isClosed or self._connections)
            isWanted = isWanted and connection.isClean and self._taken < self._most
            if isWanted:
                self._connections.append(connection)
                self._notify()
        if not isWanted:
            connection.close()

    def hold(self) -> Callable[[], None]:
        """
        Take a place, whether one is free or not, for what is still going on at the server
        though nobody waits for it any more.

        @return: a function that frees it.
        """
        with self._lock:
            self._taken += 1
            self._held += 1
        return self._release

    def borrow(self, until: float) -> _C | None:
        """
        Take out a connection that another login is done with, since the server allows no
        more; wait for one if all are in use or being opened.  From then on who comes
        makes do with those that there are, for a while.

        @param until: the deadline, by L{time.monotonic}.

        @return: L{None} if there is none to wait for, or if the pool isn't bounded.

        @raise Slow: if none comes back in time.
        """
        if not self._isBounded:
            return None
        with self._lock:
            while not self._connections:
                if self._taken <= self._held:
                    return None
                self._borrowing += 1
                try:
                    self._waitFor(self._returned, until)
                finally:
                    self._borrowing -= 1
            self._fewer = self._taken + len(self._connections)
            self._frugalUntil = time.monotonic() + _FRUGAL
            return self._takeLast()

    def discard(self, connection: _C) -> None:
        """
        Close a connection that isn't idle; its place is free after that.
        """
        try:
            connection.close()
        finally:
            self._free()

    def drop(self) -> int:
        """
        Close all idle connections.

        @return: how many there were.
        """
        with self._lock:
            connections, self._connections = self._connections, []
            self._taken += len(connections)
        for connection in connections:
            self.discard(connection)
        return len(connections)

    def close(self) -> None:
        """
        Close all idle connections, and each that is put in from now on.
        """
        self._isClosed = True
        self.drop()

    def _take(self, until: float, since: float) -> _C | None:
        """
        Take out the connection that was used last, if that wasn't before a certain time,
        or else claim a place for a new one.
        """
        oldest = None
        with self._lock:
            if self._waiting or self._borrowing:
                # Those who came before go first.
                self._wait(until)
            while not self._isRoom():
                self._wait(until)
            idle = self._connections
            if idle and idle[-1].usedAt >= since:
                connection = self._takeLast()
                self._passOn()
                return connection
            self._taken += 1
            if self._taken + len(idle) > self._limit():
                # The one that was idle for longest makes room.
                oldest = idle.pop(0)
            self._passOn()
        if oldest is not None:
            oldest.close()
        return None

    def _takeLast(self) -> _C:
        """
        Take out the connection that was used last.
        """
        connection = self._connections.pop()
        self._taken += 1
        connection.isReused = True
        return connection

    def _isRoom(self) -> bool:
        """
        Return whether there is an idle connection, or a place for one.
        """
        return bool(self._connections) or self._taken < self._limit()

    def _wait(self, until: float) -> None:
        """
        Wait until a place is free, or a connection comes back.

        @raise Slow: if neither happens in time.
        """
        self._waiting += 1
        try:
            self._waitFor(self._changed, until)
        finally:
            self._waiting -= 1

    def _waitFor(self, condition: Condition, until: float) -> None:
        """
        Wait until a condition is notified.

        @raise Slow: if it isn't in time.
        """
        isOver = not condition.wait(max(0.0, until - time.monotonic()))
        if isOver and time.monotonic() >= until:
            # It may have been woken all the same, in another's place.
            self._passOn()
            raise Slow(f"all {self._limit()} connections to {self._name} are in use")

    def _limit(self) -> float:
        """
        Return how many connections there may be now.
        """
        return self._fewer if time.monotonic() < self._frugalUntil else self._most

    def _free(self) -> None:
        """
        Free a place.
        """
        with self._lock:
            self._taken -= 1
            self._notify()

    def _release(self) -> None:
        """
        Free a place for which nobody has waited.
        """
        with self._lock:
            self._held -= 1
        self._free()

    def _passOn(self) -> None:
        """
        Wake one who waits for a place, if there is one left.
        """
        if self._waiting and self._isRoom():
            self._changed.notify()

    def _notify(self) -> None:
        """
        Wake one who waits for a place, and those who wait for a connection.
        """
        if self._waiting:
            self._changed.notify()
        if self._borrowing:
            self._returned.notify_all()


__all__ = ["Connection", "Pool"]
