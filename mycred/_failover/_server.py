"""
One of several servers: its connections, and probes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from threading import Thread
from typing import Generic, TypeVar

from .._gauged import SERVERS
from ._errors import Elsewhere, Fault, Lost, Slow, Unsure
from ._health import Health
from ._pool import Connection, Pool
from ._terms import Terms

_R = TypeVar("_R", bound=Hashable)
_C = TypeVar("_C", bound=Connection)
_T = TypeVar("_T")


class Server(Generic[_R, _C]):
    """
    A server: the base of those that speak a protocol.

    @cvar fairTime: a failure of a login that had less time than this casts no doubt on
        the server, in seconds.
    @ivar health: its state.
    @ivar name: its name, for the log.
    @ivar kind: what it has, such as C{directory}.
    """

    fairTime = 1.0

    def __init__(
        self, name: str, roles: Collection[_R], terms: Terms, most: int | None = None
    ) -> None:
        """
        @param name: its name, for the log.
        @param roles: what a connection may be for; there are no others.
        @param terms: how it is used.
        @param most: how many connections there may be for each role, and one more for a
            probe; L{None} if there may be any number.
        """
        self.health = Health(name, roles, terms)
        self.kind = terms.kind.rpartition(" ")[2]
        self.name = name
        self._timeout = terms.timeout
        self._longest = terms.longest
        self._pools: dict[_R, Pool[_C]] = {role: Pool(name, most) for role in roles}
        SERVERS.add(self)

    @property
    def isDown(self) -> bool:
        """
        Whether it has failed for all logins, and hasn't worked since.
        """
        return self.health.isDown

    def open(self, role: _R, until: float) -> _C:
        """
        Open a connection for a login.  While that takes long, L{isHopeless} says whether
        to give up.

        @param role: what it is for.
        @param until: the deadline, by L{time.monotonic}.

        @raise Fault: if that can't be done.
        """
        raise NotImplementedError

    def openAnswered(self, role: _R, until: float) -> _C:
        """
        Open a connection, and have something answered on it, to find out whether the
        server works.

        @param role: what it is for.
        @param until: the deadline, by L{time.monotonic}.

        @raise Fault: if that can't be done.
        """
        raise NotImplementedError

    def forget(self) -> None:
        """
        Forget what was learned from connections: it may be another server now.
        """

    def expire(self) -> None:
        """
        Find out anew where the server is: it may have moved.
        """

    def use(self, role: _R, until: float, work: Callable[[_C, float], _T]) -> _T:
        """
        Call a function with a connection, and return what it returns.  An idle connection
        that proves to be lost is replaced by a new one, and the function called again.

        @param role: what the connection is for.
        @param until: the deadline, by L{time.monotonic}.
        @param work: the function, which is called with the connection and the deadline.

        @raise Fault: if that can't be done.  If no connection can be opened the server is
            down; otherwise a probe finds that out: the failure may concern this user
            only, or there was too little time.
        """
        began = time.monotonic()
        try:
            self.health.beginUse()
            try:
                outcome = self._use(role, until, work)
            finally:
                self.health.endUse()
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

        if not self._startThread(work):
            self.health.endRetry()
            done()

    def isHopeless(self) -> bool:
        """
        Start a probe for a login that has waited for long, and return whether the
        server is already known to be down, so that the login needn't wait any longer.
        """
        self._startProbe("a login has waited for an answer")
        return self.health.isDown

    def close(self) -> None:
        """
        Close the idle connections, and those in use as they become idle.
        """
        SERVERS.discard(self)
        for pool in self._pools.values():
            pool.close()

    def _drop(self) -> int:
        """
        Close the idle connections, and forget what was learned from them.

        @return: how many connections there were.
        """
        self.forget()
        return sum(pool.drop() for pool in self._pools.values())

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

        if not self._startThread(work):
            self.health.endProbe()

    def _startThread(self, work: Callable[[], None]) -> bool:
        """
        Start a thread that isn't waited for.

        @return: whether one could be started.
        """
        try:
            Thread(target=work, name=f"probe of {self.name}", daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _probe(self, seconds: float, why: str = "") -> None:
        """
        Find out whether the server works: whether connections for all roles can be
        opened, and are answered.

        @param seconds: how long that may take, for each role.
        @param why: what gave cause for it, for the log.
        """
        began = time.monotonic()
        for role in self._pools:
            try:
                self._probeRole(role, time.monotonic() + seconds)
            except Exception as error:
                isLate = isinstance(error, Slow) and self.health.answeredSince(
                    role, began
                )
                if not (isLate or self.health.servesOthers()):
                    self._fail(began, str(error) + (why and f"; before that: {why}"))
                return
        # Only now: a server that works for one role and fails for another is down.
        for role in self._pools:
            self.health.markUp(role)

    def _probeRole(self, role: _R, until: float) -> None:
        """
        Open a connection for a role, and have it answered.  That needs no place: a server
        may work though all who use it wait for something.
        """
        self._pools[role].offer(self.openAnswered(role, until))

    def _fail(self, began: float, why: str) -> None:
        """
        Leave the server alone for a while, and open new connections after that.

        @param began: when the request began that failed.
        @param why: the reason, for the log.
        """
        self.health.markDown(began, why)
        self._drop()
        self.expire()

    def _use(self, role: _R, until: float, work: Callable[[_C, float], _T]) -> _T:
        """
        Call a function with an idle connection, or with a new one.
        """
        pool = self._pools[role]
        connection = pool.take(until)
        if connection is not None:
            try:
                return _call(pool, connection, until, work)
            except Lost:
                # Then the others are lost, too.
                self._drop()
            except Slow:
                # A firewall between may have forgotten them all.
                self._drop()
                raise
            pool.claim(until)
        connection = self._fill(pool, role, until)
        return _call(pool, connection, until, work)

    def _fill(self, pool: Pool[_C], role: _R, until: float) -> _C:
        """
        Return a new connection for a place that is claimed; where the server allows no
        more connections than there are, one that another login is done with.
        """
        began = time.monotonic()
        try:
            return pool.fill(lambda: self.open(role, until))
        except Slow:
            raise
        except Fault as fault:
            connection = pool.borrow(until)
            if connection is not None:
                return connection
            if not self._drop():
                if not self.health.servesOthers(1):
                    self._fail(began, str(fault))
                raise
        # The idle connections may have been all that the server allows.
        pool.claim(until)
        return pool.fill(lambda: self.open(role, until))


def _call(
    pool: Pool[_C], connection: _C, until: float, work: Callable[[_C, float], _T]
) -> _T:
    """
    Call a function with a connection, which is kept if that succeeds.
    """
    try:
        outcome = work(connection, until)
    except BaseException:
        pool.discard(connection)
        raise
    pool.keep(connection)
    return outcome


__all__ = ["Server"]
