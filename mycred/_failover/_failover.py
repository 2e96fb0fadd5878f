"""
Failover: which of several servers is asked.

The first one that works is asked, and those in doubt after the others.  One that is
down is left alone for a while and then probed in a thread; as soon as it answers it is
asked in turn again.  While all are down logins fail at once; only the login that comes
when it is time for a probe waits, for a moment.  Where pauses are short
all logins wait for the end of one, and of the probe after it, so that none fails when a
server is back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from threading import Condition
from typing import Generic, TypeVar

from ._demotion import Backoff
from ._errors import Fault, Slow, together
from ._pool import Connection
from ._server import Server
from ._terms import Terms

_R = TypeVar("_R", bound=Hashable)
_C = TypeVar("_C", bound=Connection)
_T = TypeVar("_T")


class Failover(Generic[_R, _C]):
    """
    Servers that take each other's place.

    @cvar longestShare: the part of a login's time that it waits for one server at most,
        while others are left.
    @cvar longestWait: how long a login waits, in seconds, to see whether a probe finds
        one of the servers, which are all down, to be back.
    @ivar servers: the servers, the preferred one first.
    """

    longestShare = 0.3
    longestWait = 1.0

    def __init__(
        self,
        makers: Sequence[Callable[[Terms], Server[_R, _C]]],
        kind: str,
        *,
        timeout: float = 10.0,
        note: Callable[[str], None] = lambda line: None,
        pauses: type[Backoff] = Backoff,
    ) -> None:
        """
        @param makers: functions that make the servers, the preferred one first.
        @param kind: what one of them is, for the log, such as C{server of the directory}.
        @param timeout: how long a login may take, in seconds.
        @param note: a function that is called, in any thread, with a line for the log
            when a server fails and when it works again.
        @param pauses: the pauses between two probes of a server that is down.
        """
        self._kind = kind
        self._longest = timeout if len(makers) == 1 else timeout * self.longestShare
        self._pauses = pauses
        # Notified when the probe of a server that was down is over.
        self._probed = Condition()
        terms = Terms(kind, timeout, self._longest, note, pauses)
        self.servers = [make(terms) for make in makers]

    def use(
        self,
        role: _R,
        until: float,
        work: Callable[[_C, float], _T],
        tell: Callable[[str], None] = lambda fault: None,
    ) -> _T:
        """
        Call a function with a connection to a server that works, and return what it
        returns.

        @param role: what the connection is for.
        @param until: the deadline, by L{time.monotonic}.
        @param work: the function, which is called with the connection and a deadline;
            where it raises L{Fault} the next server is asked.
        @param tell: a function that is called with each server's fault.

        @raise Fault: if no server works: of the kind that the faults of all those have
            that were asked, if it is one.
        """
        if time.monotonic() >= until:
            # That is no server's fault.
            raise Slow("there is no time left")
        down = [server for server in self.servers if server.health.isDown]
        if down:
            self._retry(down, until)
        elif len(self.servers) == 1:
            # There is nothing to choose, and this is every login's way.
            try:
                return self.servers[0].use(role, until, work)
            except Fault as fault:
                tell(str(fault))
                raise
        return self._askInOrder(role, until, work, tell)

    def close(self) -> None:
        """
        Close all connections, those in use as they become idle.
        """
        for server in self.servers:
            server.close()

    def _retry(self, down: Sequence[Server[_R, _C]], until: float) -> None:
        """
        Probe those servers that are down and whose pause is over.  If all are down, wait
        for a moment until one is back: one that is answers at once.
        """
        came = time.monotonic()
        own = self._startRetries(down)
        if len(down) < len(self.servers):
            return
        areAwaited = self._pauses.areAwaited
        awaited = self.servers if areAwaited else own
        soon = min(until, came + self.longestWait)
        with self._probed:
            while all(server.health.isDown for server in self.servers):
                now = time.monotonic()
                ends = [
                    each.health.waitEnd(came, soon, self.longestWait) for each in awaited
                ]
                later = [end for end in ends if end > now]
                if not later:
                    return
                self._probed.wait(min(later) - now)
                if areAwaited:
                    self._startRetries(self.servers)

    def _startRetries(self, down: Sequence[Server[_R, _C]]) -> Sequence[Server[_R, _C]]:
        """
        Probe those servers whose pause is over, and return them.
        """
        due = [server for server in down if server.health.claimRetry()]
        for server in due:
            server.startRetry(self._endRetry)
        return due

    def _endRetry(self) -> None:
        """
        Wake those who wait for the end of a probe.
        """
        with self._probed:
            self._probed.notify_all()

    def _inOrder(
        self, servers: Sequence[Server[_R, _C]], role: _R
    ) -> Iterator[Server[_R, _C]]:
        """
        Yield the servers in the order in which they are asked: those in doubt last.
        """
        last = []
        for server in servers:
            # Not before this one's turn: the login that claims it has to ask the server.
            if server.health.claimTurn(role):
                yield server
            else:
                last.append(server)
        yield from last

    def _askInOrder(
        self,
        role: _R,
        until: float,
        work: Callable[[_C, float], _T],
        tell: Callable[[str], None],
    ) -> _T:
        """
        Call a function with a connection to the first server that works.
        """
        faults: list[Fault] = []
        up = [server for server in self.servers if not server.health.isDown]
        others = len(up)
        for server in self._inOrder(up, role):
            now = time.monotonic()
            others -= 1
            # So that there is time for the others if this one hangs.
            share = (until - now) / (others + 1)
            if others:
                share = min(share, self._longest)
            try:
                return server.use(role, now + share, work)
            except Fault as fault:
                faults.append(fault)
                tell(str(fault))
        if faults:
            raise together(faults)
        reasons = "; ".join(server.health.reason for server in self.servers)
        raise Fault(f"no {self._kind} works: {reasons}")


__all__ = ["Failover"]
