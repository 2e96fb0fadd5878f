"""
The servers of a directory: which of them is asked.

The first that works is asked, and those that are in doubt after the others.  One that is
down is left alone for a while, and then tried again, aside; as soon as it answers it is
asked in its turn.  While all are down logins fail at once; only the one that comes when
it is time to try waits, for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from ._address import Address
from ._connection import Link, Role
from ._errors import Fault, Slow
from ._opener import Opening
from ._server import Server

_T = TypeVar("_T")

# For what part of the time that a login may take it waits for one server at most, while
# others are left.
_LONGEST_SHARE = 0.3

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
        self._longest = timeout if len(addresses) == 1 else timeout * _LONGEST_SHARE
        self._servers = [
            Server(address, opening, timeout, self._longest, note)
            for address in addresses
        ]

    def use(
        self,
        role: Role,
        until: float,
        work: Callable[[Link, float], _T],
        tell: Callable[[str], None] = lambda text: None,
    ) -> _T:
        """
        Do something with a connection to a server that works.

        @param role: what the connection is for.
        @param until: when to give up, by L{time.monotonic}.
        @param work: what to do, with the connection and until when; where that raises
            L{Fault} the next server is asked.
        @param tell: what is told of each that has failed.

        @raise Fault: if no server works.
        """
        if time.monotonic() >= until:
            # That is no server's fault.
            raise Slow("there is no time left")
        down = [server for server in self._servers if server.health.isDown]
        due = [server for server in down if server.health.claim()]
        tried: SimpleQueue[None] = SimpleQueue()
        for server in due:
            server.retry(lambda: tried.put(None))
        if len(down) == len(self._servers):
            self._await(tried, len(due), until)
        return self._askOneOf(role, until, work, tell)

    def _await(self, tried: SimpleQueue[None], count: int, until: float) -> None:
        """
        Wait for a moment to see whether one of servers that have all failed works again:
        one that is back says so at once.

        @param tried: what tells that one was tried.
        @param count: how many are.
        """
        soon = min(until, time.monotonic() + _LONGEST_WAIT)
        with suppress(Empty):
            while count and all(server.health.isDown for server in self._servers):
                tried.get(timeout=max(0.0, soon - time.monotonic()))
                count -= 1

    def close(self) -> None:
        """
        Close all connections, those in use as they become idle.
        """
        for server in self._servers:
            server.close()

    def _inOrder(self, servers: Sequence[Server], role: Role) -> Iterator[Server]:
        """
        Tell whom to ask, one after the other: last those that are in doubt.
        """
        last = []
        for server in servers:
            # Only now: whoever is told that there is no doubt has to find that out.
            if server.health.isLast(role):
                last.append(server)
            else:
                yield server
        yield from last

    def _askOneOf(
        self,
        role: Role,
        until: float,
        work: Callable[[Link, float], _T],
        tell: Callable[[str], None],
    ) -> _T:
        """
        Do something with a connection to the first server that works.
        """
        told = []
        working = [server for server in self._servers if not server.health.isDown]
        others = len(working)
        for server in self._inOrder(working, role):
            now = time.monotonic()
            others -= 1
            # So that there is time for the others if this one hangs.
            share = (until - now) / (others + 1)
            if others:
                share = min(share, self._longest)
            try:
                return server.do(role, now + share, work)
            except Fault as fault:
                told.append(str(fault))
                tell(told[-1])
        if told:
            raise Fault("; ".join(told))
        reasons = "; ".join(server.health.reason for server in self._servers)
        raise Fault(f"no server of the directory works: {reasons}")


__all__ = ["Servers"]
