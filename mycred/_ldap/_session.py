"""
The requests that one login sends to a directory.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from .._steps import Steps
from .client._bindresult import (
    COME_AGAIN,
    ELSEWHERE,
    BindResult,
    describeResult,
    judgeBind,
    orNoSuchEntry,
    requireSuccess,
)
from .client._connection import Connection, Role
from .client._errors import Cut, Fault, Lost, Unsure
from .client._filters import ANYTHING
from .client._messages import (
    BASE,
    SIZE_LIMIT_EXCEEDED,
    WHO_AM_I,
    Result,
    SearchEntry,
    decodeText,
)
from .client._server import Servers

# referral, noSuchObject, invalidDNSyntax, insufficientAccessRights: an entry that another
# one refers to may be on another server, gone or not visible.
_MISSING = {10, 32, 34, 50}

#: Requests no attributes of an entry (RFC 4511, section 4.5.1.8).
NO_ATTRIBUTES = ("1.1",)


class Bound(NamedTuple):
    """
    How a bind without a search has ended.

    @ivar result: the result.
    @ivar entry: the user's entry, as they see it themselves, if they may.
    @ivar identity: the user's authorization identity (RFC 4513, section 5.2.1.8), or
        nothing if the directory doesn't say.
    """

    result: BindResult
    entry: SearchEntry | None = None
    identity: str = ""


class Session(Steps):
    """
    One login.
    """

    def __init__(self, failover: Servers, until: float, isWatched: bool = False) -> None:
        """
        @param failover: the servers.
        @param until: the deadline, by L{time.monotonic}.
        @param isWatched: whether to record the steps.
        """
        self._failover = failover
        self._until = until
        super().__init__(isWatched)
        self._began = time.monotonic()
        self._peers: set[str] = set()

    def left(self) -> float:
        """
        Return how many seconds are left.
        """
        return self._until - time.monotonic()

    def elapsed(self) -> float:
        """
        Return how many seconds the login has taken so far.
        """
        return time.monotonic() - self._began

    def search(
        self,
        base: str,
        scope: int,
        where: bytes,
        attributes: tuple[str, ...] = NO_ATTRIBUTES,
        mostEntries: int = 1,
        *,
        mayMiss: bool = False,
    ) -> list[SearchEntry]:
        """
        Search as the service account, and return the entries.

        @param base: the DN of the entry at or below which to search.
        @param scope: the scope.
        @param where: the filter, encoded.
        @param attributes: the attributes to return.
        @param mostEntries: how many entries are wanted; if there are as many, there may
            be more.
        @param mayMiss: whether the base may be missing, or not visible.

        @raise Fault: if no server works.
        @raise Cut: if the server returns fewer entries than are wanted, and there are
            more.
        @raise Unsure: if the search fails.
        """

        def work(connection: Connection, until: float) -> list[SearchEntry]:
            self._recordPeer(connection)
            entries, result = connection.search(
                base, scope, where, attributes, mostEntries, until
            )
            if result.code == SIZE_LIMIT_EXCEEDED:
                if len(entries) == mostEntries:
                    return entries
                told = f"the answer to a search at {base or 'the root'}"
                raise Cut(f"{told} is {describeResult(result)}", entries)
            if result.code in _MISSING and mayMiss:
                return []
            requireSuccess(result, f"to a search at {base or 'the root'}")
            return entries

        return self._failover.use(Role.SEARCH, self._until, work, self._recordFault)

    def bind(self, dn: str, password: bytes) -> BindResult:
        """
        Bind as a user whose entry was found, and return what the result means.

        @raise Fault: if no server works.
        @raise Unsure: if the result is neither yes nor no.
        """

        def work(connection: Connection, until: float) -> BindResult:
            self._recordPeer(connection)
            if not dn:
                # A bind with a password and no name is anonymous, and accepted.
                raise Unsure("the entry has no name to bind with")
            return judgeBind(connection.bind(dn, password, until))

        return self._failover.use(Role.USER, self._until, work, self._recordFault)

    def bindUnknown(self, dn: str, password: bytes) -> Result | None:
        """
        Bind with a made-up name, which takes as long as a user's bind.

        @return: the result, if there is one.  Each server has its own for names that it
            doesn't know, and it doesn't say how the server is doing.
        """

        def work(connection: Connection, until: float) -> Result | None:
            self._recordPeer(connection)
            return connection.bindUnknown(dn, password, until)

        try:
            return self._failover.use(Role.USER, self._until, work, self._recordFault)
        except (Fault, Unsure):
            return None

    def bindDirectly(self, name: str, password: bytes, attribute: str | None) -> Bound:
        """
        Bind as a user without a search, and find out how the directory spells their name.

        @param name: the name with which they bind.
        @param attribute: the attribute of their entry that spells it; L{None} if the name
            isn't that of an entry.

        @raise Fault: if no server works.
        @raise Unsure: if the result is neither yes nor no.
        """

        def work(connection: Connection, until: float) -> Bound:
            self._recordPeer(connection)
            result = orNoSuchEntry(judgeBind(connection.bind(name, password, until)))
            if not result.matched or result.denial:
                return Bound(result)
            if attribute is not None:
                entry = self._ownEntry(connection, name, attribute, until)
                if entry is not None:
                    return Bound(result, entry)
            identity = self._identity(connection, until, mayMiss=attribute is not None)
            return Bound(result, None, identity)

        return self._failover.use(Role.USER, self._until, work, self._recordFault)

    def _ownEntry(
        self, connection: Connection, dn: str, attribute: str, until: float
    ) -> SearchEntry | None:
        """
        Return the entry of the user who has bound, as that user sees it; L{None} if they
        may not see it.
        """
        entries, result = connection.search(dn, BASE, ANYTHING, (attribute,), 1, until)
        if entries:
            return entries[0]
        if result.code in ELSEWHERE:
            requireSuccess(result, "to a search for the entry of who has bound")
        return None

    def _identity(self, connection: Connection, until: float, *, mayMiss: bool) -> str:
        """
        Return the authorization identity of the user who has bound.

        @param mayMiss: whether the server may not know that question; then nothing is
            returned, whatever it answers, except answers that ask to come again.
        """
        try:
            result = connection.extended(WHO_AM_I, until)
        except Lost:
            if connection.isReused or not mayMiss:
                raise
            connection.spoil()
            return ""
        if result.code and mayMiss and result.code not in COME_AGAIN:
            return ""
        requireSuccess(result, "to the question who has bound")
        if not result.value:
            raise Unsure("the directory says that no user has bound")
        return decodeText(result.value)

    def _recordFault(self, fault: str) -> None:
        """
        Record that a server has failed.
        """
        self.step(lambda: f"no answer: {fault}")

    def _recordPeer(self, connection: Connection) -> None:
        """
        Record which server is asked.
        """
        if self.steps is not None and connection.peer not in self._peers:
            self._peers.add(connection.peer)
            self.step(lambda: f"server: {connection.peer}")


__all__ = ["NO_ATTRIBUTES", "Bound", "Session"]
