"""
One server of a directory: its idle connections, and probes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from secrets import token_hex
from threading import Lock, Thread
from typing import TypeVar

from ._address import Address
from ._connection import Connection, Role
from ._errors import Elsewhere, Fault, Lost, Slow, Unsure
from ._health import Health
from ._opener import Opener, OpeningSettings, closing, searchRootDSE

_T = TypeVar("_T")

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


def _never() -> bool:
    """
    Return False: a probe waits until its deadline.
    """
    return False


class Server:
    """
    A server.

    @cvar fairTime: a failure of a login that had less time than this casts no doubt on
        the server, in seconds.
    @ivar address: its address.
    @ivar health: its state.
    """

    fairTime = 1.0

    def __init__(
        self,
        address: Address,
        settings: OpeningSettings,
        timeout: float,
        longest: float,
        note: Callable[[str], None],
    ) -> None:
        """
        @param address: its address.
        @param settings: how connections to it are opened.
        @param timeout: how long a login may take, in seconds.
        @param longest: how long a login waits for it while others are left, in seconds;
            if there are no others, as long as a login may take.
        @param note: a function that is called, in any thread, with a line for the log
            when it fails and when it works again.
        """
        self.address = address
        self.health = Health(str(address), longest, note)
        self._timeout = timeout
        self._longest = longest
        self._pools = {role: Pool() for role in Role}
        self._opener = Opener(address, settings, note)

    def use(
        self, role: Role, until: float, work: Callable[[Connection, float], _T]
    ) -> _T:
        """
        Call a function with a connection, and return what it returns.  An idle connection
        that proves to be lost is replaced by a new one.

        @param role: what the connection is for.
        @param until: the deadline, by L{time.monotonic}.
        @param work: the function, which is called with the connection and the deadline.

        @raise Fault: if that can't be done.  If no connection can be opened the server is
            down; otherwise a probe finds that out: the failure may concern this user
            only, or there was too little time.
        """
        began = time.monotonic()
        try:
            with self.health.inUse():
                outcome = self._use(role, until, work)
        except (Elsewhere, Unsure):
            self.health.recordAnswer(role)
            raise
        except Fault as fault:
            if not isinstance(fault, Slow) or until - began >= self.fairTime:
                self.health.recordFailure(role, began)
            self._startProbe(str(fault))
            raise
        self.health.recordAnswer(role)
        return outcome

    def startRetry(self, done: Callable[[], object]) -> None:
        """
        Probe the server in a thread, after L{Health.claimRetry}.

        @param done: a function that is called when the result is known.
        """

        def work() -> None:
            try:
                self._probe(self._timeout)
            finally:
                self.health.endRetry()
                done()

        if not _startThread(work):
            self.health.endRetry()
            done()

    def close(self) -> None:
        """
        Close the idle connections, and those in use as they become idle.
        """
        for pool in self._pools.values():
            pool.close()

    def _drop(self) -> int:
        """
        Close the idle connections, and forget which controls the server knows.

        @return: how many connections there were.
        """
        self._opener.forget()
        return sum(pool.drop() for pool in self._pools.values())

    def _isHopeless(self) -> bool:
        """
        Start a probe for a login that has waited for long, and return whether the
        server is already known to be down, so that the login needn't wait any longer.
        """
        self._startProbe("a login has waited for an answer")
        return self.health.isDown

    def _startProbe(self, why: str) -> None:
        """
        Probe the server in a thread, unless that is already being done.

        @param why: what gave cause for it, for the log.
        """
        if not self.health.claimProbe():
            return

        def work() -> None:
            try:
                self._probe(self._longest, why)
            finally:
                self.health.endProbe()

        if not _startThread(work):
            self.health.endProbe()

    def _probe(self, seconds: float, why: str = "") -> None:
        """
        Find out whether the server works: whether connections for both roles can be
        opened, and are answered.

        @param seconds: how long that may take, for each role.
        @param why: what gave cause for it, for the log.
        """
        began = time.monotonic()
        for role in Role:
            try:
                self._probeRole(role, time.monotonic() + seconds)
            except Exception as error:
                isLate = isinstance(error, Slow) and self.health.answeredSince(
                    role, began
                )
                if not (isLate or self.health.servesOthers()):
                    self._fail(began, str(error) + (why and f"; before that: {why}"))
                return
        # Only now: a server that works for one role and fails for the other is down.
        for role in Role:
            self.health.markUp(role)

    def _probeRole(self, role: Role, until: float) -> None:
        """
        Open a connection for a role, and have it answered.
        """
        connection = self._opener.open(role, until, _never)
        # One for searches has been answered when it was bound.
        if role is Role.USER and not self._answersUnknown(connection, until):
            connection.close()
            connection = self._opener.open(role, until, _never)
            with closing(connection):
                # It doesn't answer unknown names: it may answer something else.
                searchRootDSE(connection, until)
        self._pools[role].offer(connection)

    def _fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while, and open new connections after that.

        @param began: when the request began that failed.
        @param why: the reason, for the log.
        """
        self.health.markDown(began, why)
        self._drop()
        self._opener.expire()

    def _answersUnknown(self, connection: Connection, until: float) -> bool:
        """
        Return whether the bind of an unknown name is answered, rather than the connection
        closed.  Which answer that is doesn't count: each server has its own.
        """
        name, password = f"cn={token_hex(8)}", token_hex(8).encode("ascii")
        with closing(connection):
            return connection.bindUnknown(name, password, until) is not None

    def _use(
        self, role: Role, until: float, work: Callable[[Connection, float], _T]
    ) -> _T:
        """
        Call a function with an idle connection, or with a new one.
        """
        connection = self._pools[role].take()
        if connection is not None:
            try:
                return self._call(role, connection, until, work)
            except Lost:
                # Then the others are lost, too.
                self._drop()
            except Slow:
                # A firewall between may have forgotten them all.
                self._drop()
                raise
        connection = self._open(role, until)
        return self._call(role, connection, until, work)

    def _open(self, role: Role, until: float) -> Connection:
        """
        Open a connection for a login.
        """
        began = time.monotonic()
        try:
            return self._opener.open(role, until, self._isHopeless)
        except Slow:
            raise
        except Fault as fault:
            if not self._drop():
                if not self.health.servesOthers(1):
                    self._fail(began, str(fault))
                raise
        # The idle connections may have been all that the server allows.
        return self._opener.open(role, until, self._isHopeless)

    def _call(
        self,
        role: Role,
        connection: Connection,
        until: float,
        work: Callable[[Connection, float], _T],
    ) -> _T:
        """
        Call a function with this connection, which is kept if that succeeds.
        """
        connection.isHopeless = self._isHopeless
        try:
            outcome = work(connection, until)
        except BaseException:
            connection.close()
            raise
        self._pools[role].keep(connection)
        return outcome


def _startThread(work: Callable[[], None]) -> bool:
    """
    Start a thread that isn't waited for.

    @return: whether one could be started.
    """
    try:
        Thread(target=work, daemon=True).start()
    except RuntimeError:
        return False
    return True


__all__ = ["Pool", "Server"]
