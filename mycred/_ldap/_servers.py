"""
The servers of a directory: which of them is asked.

The first that works is asked, and those that are in doubt after the others.  One that is
down is left alone for a while, and then tried again, aside; as soon as it answers it is
asked in its turn.  While all are down logins fail at once; only the one that comes when
it is time to try waits, for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from ._address import Address
from ._faults import Fault, Slow
from ._link import Link
from ._server import Opening, Role, Server

_T = TypeVar("_T")

# For how long a login waits, in seconds, to see whether one of servers that have all
# failed works again.
_LONGEST_WAIT = 1.0


class Servers:
    """
    All servers, the preferred one first.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        opening: Opening,
        *,
        timeout: float = 10.0,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """
        @param addresses: where they are.
        @param opening: how connections to them are opened.
        @param timeout: for how long a login may take, in seconds.
        @param note: what is told, in any thread, about servers that fail and recover.
        """
        self._servers = [Server(a, opening, timeout, note) for a in addresses]

    def use(self, role: Role, until: float, work: Callable[[Link, float], _T]) -> _T:
        """
        Do something with a connection to a server that works.

        @param role: what the connection is for.
        @param until: when to give up, by L{time.monotonic}.
        @param work: what to do, with the connection and until when; where that raises
            L{Fault} the next server is asked.

        @raise Fault: if no server works.
        """
        if time.monotonic() >= until:
            # That is no server's fault.
            raise Slow("there is no time left")
        down = [server for server in self._servers if server.isDown]
        due = [server for server in down if server.claim()]
        tried: SimpleQueue[None] = SimpleQueue()
        for server in due:
            server.retry(lambda: tried.put(None))
        if len(down) == len(self._servers):
            self._await(tried, len(due), until)
        working = [server for server in self._servers if not server.isDown]
        working.sort(key=lambda server: server.isLast(role))
        return self._askOneOf(working, role, until, work)

    def _await(self, tried: SimpleQueue[None], count: int, until: float) -> None:
        """
        Wait for a moment to see whether one of servers that have all failed works again:
        one that is back says so at once.

        @param tried: what tells that one was tried.
        @param count: how many are.
        """
        soon = min(until, time.monotonic() + _LONGEST_WAIT)
        with suppress(Empty):
            while count and all(server.isDown for server in self._servers):
                tried.get(timeout=max(0.0, soon - time.monotonic()))
                count -= 1

    def close(self) -> None:
        """
        Close all connections, those in use as they become idle.
        """
        for server in self._servers:
            server.close()

    def _askOneOf(
        self,
        servers: Sequence[Server],
        role: Role,
        until: float,
        work: Callable[[Link, float], _T],
    ) -> _T:
        """
        Do something with a connection to the first server that works.
        """
        told = []
        for count, server in enumerate(servers):
            now = time.monotonic()
            # So that there is time for the others if this one hangs.
            share = (until - now) / (len(servers) - count)
            try:
                return server.do(role, now + share, work)
            except Fault as fault:
                told.append(str(fault))
        if told:
            raise Fault("; ".join(told))
        reasons = "; ".join(server.reason for server in self._servers)
        raise Fault(f"no server of the directory works: {reasons}")


__all__ = ["Servers"]
