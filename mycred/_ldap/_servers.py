"""
The servers of a directory: which of them is asked, and what becomes of one that fails.

The first that works is asked.  One that fails is left alone for a while, and then
tried again, aside; as soon as it answers it is asked in its turn.  While all of them
are known to fail nobody waits for them.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from threading import Lock, Thread
from typing import TypeVar

from ._faults import Fault, Lost, Slow, Unsure
from ._link import Address, Link, openLink
from ._outcome import describe
from ._tls import Security

_T = TypeVar("_T")

# For how long a server that has failed is left alone, in seconds: at first, and at
# most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0

# A connection that was idle for longer isn't used, in seconds: what stands between may
# have forgotten it, and would swallow what is sent.
_LONGEST_IDLE = 60.0

# inappropriateAuthentication: whoever is nobody needn't say so.
_NO_ANONYMOUS_BIND = 48


class Role(Enum):
    """
    What a connection is for.
    """

    #: To look for entries, as the service account.
    SEARCH = "search"
    #: To find out whether somebody can bind; nothing is looked for on it.
    USER = "user"


class Server:
    """
    One server, and the idle connections to it.

    @ivar address: where it is.
    @ivar failures: how often it has failed since it worked.
    @ivar retryAt: when to try it again, by L{time.monotonic}, if it has failed.
    @ivar isTried: whether somebody is trying it.
    @ivar idle: the connections.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.failures = 0
        self.retryAt = 0.0
        self.isTried = False
        self.idle: dict[Role, list[Link]] = {role: [] for role in Role}


class Servers:
    """
    All servers, the preferred one first.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        security: Security,
        context: ssl.SSLContext,
        account: tuple[str, bytes] = ("", b""),
        *,
        timeout: float = 10.0,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """
        @param addresses: where they are.
        @param security: what protects the connections.
        @param context: what verifies the servers.
        @param account: the name and the password of the service account; empty if
            nobody looks for entries.
        @param timeout: for how long a server is tried, aside, in seconds.
        @param note: what is told, in any thread, about servers that fail and recover.
        """
        self._servers = [Server(address) for address in addresses]
        self._security = security
        self._context = context
        self._account = account
        self._timeout = timeout
        self._patience = timeout / (2 * len(addresses))
        self._note = note
        self._lock = Lock()
        self._isClosed = self._hasToldOfClear = False

    def use(self, role: Role, until: float, work: Callable[[Link, float], _T]) -> _T:
        """
        Do something with a connection to a server that works.

        @param role: what the connection is for.
        @param until: when to give up, by L{time.monotonic}.
        @param work: what to do, with the connection and until when; where that raises
            L{Fault} the next server is asked.

        @raise Fault: if no server works.
        """
        told = []
        candidates = self._candidates()
        try:
            while candidates:
                now = time.monotonic()
                # So that there is time for the others if this one hangs.
                share = (until - now) / len(candidates)
                server = candidates.pop(0)
                try:
                    outcome = self._ask(server, role, now + share, work)
                except Fault as fault:
                    told.append(str(fault))
                    if isinstance(fault, Slow) and share < self._patience:
                        # Whoever has waited in a queue can't tell who is slow.
                        self._let(server)
                    else:
                        self._failed(server, str(fault))
                except Unsure:
                    self._works(server)
                    raise
                except BaseException:
                    self._let(server)
                    raise
                else:
                    self._works(server)
                    return outcome
        finally:
            for server in candidates:
                self._let(server)
        raise Fault("; ".join(told) or "no server of the directory works")

    def close(self) -> None:
        """
        Close the connections that are idle, and those in use as they become so.
        """
        with self._lock:
            self._isClosed = True
            links = [link for server in self._servers for link in _takeAll(server)]
        for link in links:
            link.close()

    def _candidates(self) -> list[Server]:
        """
        Choose the servers to ask, and have those tried aside that needn't be.
        """
        with self._lock:
            now = time.monotonic()
            working = [server for server in self._servers if not server.failures]
            due = [
                server
                for server in self._servers
                if server.failures and not server.isTried and server.retryAt <= now
            ]
            for server in due:
                server.isTried = True
        if not working:
            # One try is enough: it finds out for everybody.
            return due
        for server in due:
            try:
                Thread(target=self._tryAside, args=(server,), daemon=True).start()
            except RuntimeError:
                self._let(server)
        return working

    def _tryAside(self, server: Server) -> None:
        """
        Find out whether a server works again, in a thread that nobody waits for.
        """
        until = time.monotonic() + self._timeout
        try:
            self._keep(server, Role.SEARCH, self._open(server, Role.SEARCH, until))
        except Fault as fault:
            self._failed(server, str(fault))
        else:
            self._works(server)

    def _ask(
        self,
        server: Server,
        role: Role,
        until: float,
        work: Callable[[Link, float], _T],
    ) -> _T:
        """
        Do something with a connection to a server: an idle one, or if that is lost,
        unseen, a new one.
        """
        link = self._take(server, role)
        if link is not None:
            try:
                return self._do(server, role, link, until, work)
            except Lost:
                # Then the others are, too.
                self._drop(server)
        return self._do(server, role, self._open(server, role, until), until, work)

    def _do(
        self,
        server: Server,
        role: Role,
        link: Link,
        until: float,
        work: Callable[[Link, float], _T],
    ) -> _T:
        """
        Do something with a connection, which is kept if it is as good as before.
        """
        try:
            outcome = work(link, until)
        except BaseException:
            link.close()
            raise
        self._keep(server, role, link)
        return outcome

    def _open(self, server: Server, role: Role, until: float) -> Link:
        """
        Open a connection; one to search is bound as the service account, each time.
        """
        link = openLink(server.address, self._security, self._context, until)
        if link.isClear and not self._hasToldOfClear:
            self._hasToldOfClear = True
            self._note(f"Passwords are sent to {server.address} as they are, without TLS")
        if role is Role.SEARCH:
            try:
                self._introduce(link, until)
            except BaseException:
                link.close()
                raise
        return link

    def _introduce(self, link: Link, until: float) -> None:
        """
        Bind as the service account.  Whoever is nobody says so too: a server that
        hangs doesn't answer that.
        """
        dn, password = self._account
        result = link.bind(dn, password, until)
        if result.code == 0 or (not dn and result.code == _NO_ANONYMOUS_BIND):
            return
        who = f"the service account {dn}" if dn else "an anonymous bind"
        raise Fault(f"{link.address} refuses {who}: {describe(result)}")

    def _take(self, server: Server, role: Role) -> Link | None:
        """
        Take an idle connection.
        """
        stale = []
        fresh = None
        with self._lock:
            links = server.idle[role]
            since = time.monotonic() - _LONGEST_IDLE
            while links and fresh is None:
                link = links.pop()
                if link.usedAt < since:
                    stale.append(link)
                else:
                    fresh = link
        for link in stale:
            link.close()
        return fresh

    def _keep(self, server: Server, role: Role, link: Link) -> None:
        """
        Let a connection be idle.
        """
        with self._lock:
            keep = not self._isClosed
            if keep:
                server.idle[role].append(link)
        if not keep:
            link.close()

    def _drop(self, server: Server) -> None:
        """
        Close the idle connections to a server.
        """
        with self._lock:
            links = list(_takeAll(server))
        for link in links:
            link.close()

    def _failed(self, server: Server, why: str) -> None:
        """
        Leave a server alone for a while.
        """
        with self._lock:
            server.isTried = False
            now = time.monotonic()
            # Of many who find out at the same time only one counts.
            isNews = server.retryAt <= now
            if isNews:
                pause = min(_FIRST_PAUSE * 2**server.failures, _LONGEST_PAUSE)
                server.failures += 1
                server.retryAt = now + pause
            isFirst = isNews and server.failures == 1
        self._drop(server)
        if isFirst:
            self._note(f"A server of the directory fails: {why}")

    def _works(self, server: Server) -> None:
        """
        Remember that a server works.
        """
        if not server.failures:
            return
        with self._lock:
            server.failures, server.retryAt, server.isTried = 0, 0.0, False
        self._note(f"{server.address} works again")

    def _let(self, server: Server) -> None:
        """
        Have whoever tried a server not try it any more.
        """
        with self._lock:
            server.isTried = False


def _takeAll(server: Server) -> Iterator[Link]:
    """
    Take the idle connections to a server.
    """
    for links in server.idle.values():
        while links:
            yield links.pop()


__all__ = ["Role", "Server", "Servers"]
