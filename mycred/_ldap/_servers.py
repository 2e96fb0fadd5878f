"""
The servers of a directory: which of them is asked.

The first that works is asked.  One that fails is left alone for a while, and then
tried again, aside; as soon as it answers it is asked in its turn.  While all of them
are known to fail nobody waits for them, but for a moment whoever has one tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar

from ._address import Address
from ._faults import Fault
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
        @param timeout: for how long a login may take, in seconds; and for how long a
            server is tried, aside.
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
        down = [server for server in self._servers if server.isDown]
        tries = [server.tryAside() for server in down if server.claim()]
        if len(down) == len(self._servers):
            # One that is back says so at once; nobody waits long for one that hangs.
            soon = min(until, time.monotonic() + _LONGEST_WAIT)
            for trying in filter(None, tries):
                trying.join(max(0.0, soon - time.monotonic()))
        working = [server for server in self._servers if not server.isDown]
        # Those that may be down come last, while that is being found out.
        working.sort(key=attrgetter("isSuspect"))
        return self._askOneOf(working, role, until, work)

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
        raise Fault("; ".join(told) or "no server of the directory works")


__all__ = ["Servers"]
