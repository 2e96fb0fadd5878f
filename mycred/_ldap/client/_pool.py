"""
Idle connections, which are used again.
"""

from __future__ import annotations

import time
from threading import Lock

from ._connection import Connection

# A connection that was idle for longer isn't used, in seconds: a firewall between may
# have forgotten it, and would drop what is sent.
_LONGEST_IDLE = 60.0

# More idle connections than this are never used.
_MOST = 32


class Pool:
    """
    Idle connections to one server, for one role.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._connections: list[Connection] = []
        self._isClosed = False

    def __len__(self) -> int:
        """
        Return how many connections are idle.
        """
        return len(self._connections)

    def take(self) -> Connection | None:
        """
        Take out the connection that was used last.

        @return: L{None} if there is none that was used lately.
        """
        since = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            if self._connections and self._connections[-1].usedAt >= since:
                connection = self._connections.pop()
                connection.isReused = True
                return connection
        return None

    def keep(self, connection: Connection) -> None:
        """
        Put a connection in, or close it if it can't be used again; close those that were
        idle for too long.
        """
        surplus = []
        since = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            if self._isClosed or not connection.isClean:
                surplus.append(connection)
            else:
                self._connections.append(connection)
            while self._connections and (
                self._connections[0].usedAt < since or len(self._connections) > _MOST
            ):
                surplus.append(self._connections.pop(0))
        for stale in surplus:
            stale.close()

    def offer(self, connection: Connection) -> None:
        """
        Put a connection in if there is no other, and close it otherwise.
        """
        if self._connections:
            connection.close()
        else:
            self.keep(connection)

    def drop(self) -> int:
        """
        Close all idle connections.

        @return: how many there were.
        """
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()
        return len(connections)

    def close(self) -> None:
        """
        Close all idle connections, and each that is put in from now on.
        """
        self._isClosed = True
        self.drop()


__all__ = ["Pool"]
