"""
What one login asks a directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from .client._bindresult import (
    COME_AGAIN,
    ELSEWHERE,
    Outcome,
    describe,
    insist,
    judge,
    ofAnybody,
)
from .client._connection import Link, Role
from .client._errors import Cut, Fault, Lost, Unsure
from .client._failover import Servers
from .client._filters import ANYTHING
from .client._messages import BASE, SIZE_LIMIT_EXCEEDED, WHO_AM_I, Entry, Result, text

# referral, noSuchObject, invalidDNSyntax, insufficientAccessRights: an entry of which
# another one speaks may be elsewhere, gone or not to be seen.
_MISSING = {10, 32, 34, 50}

#: What is asked for if nothing of an entry is wanted (RFC 4511, section 4.5.1.8).
NO_ATTRIBUTES = ("1.1",)


class Bound(NamedTuple):
    """
    How a bind has ended.

    @ivar outcome: what it has told.
    @ivar entry: the user's entry, as they see it themselves, if they may.
    @ivar identity: who they are, as RFC 4513, section 5.2.1.8, has it; empty if the
        directory doesn't say.
    """

    outcome: Outcome
    entry: Entry | None = None
    identity: str = ""


class Session:
    """
    One login.

    @ivar steps: what was done, in words, and how long it took; L{None} if nobody wants
        to know.
    """

    def __init__(self, servers: Servers, until: float, isWatched: bool = False) -> None:
        """
        @param servers: whom to ask.
        @param until: when to give up, by L{time.monotonic}.
        @param isWatched: whether somebody wants to know what is done.
        """
        self._servers = servers
        self._until = until
        self._began = self._since = time.monotonic()
        self.steps: list[str] | None = [] if isWatched else None
        self._peers: set[str] = set()

    def left(self) -> float:
        """
        Tell how much time is left, in seconds.
        """
        return self._until - time.monotonic()

    def elapsed(self) -> float:
        """
        Tell how long it has taken so far, in seconds.
        """
        return time.monotonic() - self._began

    def step(self, told: Callable[[], str]) -> None:
        """
        Tell what was done since the last step.

        @param told: what puts it into words.
        """
        if self.steps is not None:
            now = time.monotonic()
            self.steps.append(f"{(now - self._since) * 1000:8.1f} ms  {told()}")
            self._since = now

    def search(
        self,
        base: str,
        scope: int,
        where: bytes,
        attributes: tuple[str, ...] = NO_ATTRIBUTES,
        mostEntries: int = 1,
        *,
        mayMiss: bool = False,
    ) -> list[Entry]:
        """
        Look for entries, as the service account.

        @param mostEntries: how many are wanted; if there are as many, there may be
            more.
        @param mayMiss: whether the base may be missing, or not to be seen.

        @raise Fault: if no server works.
        @raise Cut: if the server tells of fewer than are wanted.
        @raise Unsure: if it can't be found out.
        """

        def work(link: Link, until: float) -> list[Entry]:
            self._meet(link)
            entries, result = link.search(
                base, scope, where, attributes, mostEntries, until
            )
            if result.code == SIZE_LIMIT_EXCEEDED:
                if len(entries) == mostEntries:
                    return entries
                told = f"the answer to a search at {base or 'the root'}"
                raise Cut(f"{told} is {describe(result)}", entries)
            if result.code in _MISSING and mayMiss:
                return []
            insist(result, f"to a search at {base or 'the root'}")
            return entries

        return self._servers.use(Role.SEARCH, self._until, work, self._tell)

    def bind(self, dn: str, password: bytes) -> Outcome:
        """
        Find out whether somebody can bind.

        @raise Fault: if no server works.
        @raise Unsure: if it can't be found out.
        """

        def work(link: Link, until: float) -> Outcome:
            self._meet(link)
            if not dn:
                # A password with no name is taken for nobody, and accepted.
                raise Unsure("the entry has no name to bind with")
            return self._judge(link, dn, password, until)

        return self._servers.use(Role.USER, self._until, work, self._tell)

    def knock(self, dn: str, password: bytes) -> Result | None:
        """
        Have nobody bind, with a name that is made up, which takes as long as a bind.

        @return: the answer, if there is one.  Each server has its own for names that it
            doesn't know, and it doesn't say how the server is doing.
        """

        def work(link: Link, until: float) -> Result | None:
            self._meet(link)
            return link.knock(dn, password, until)

        try:
            return self._servers.use(Role.USER, self._until, work, self._tell)
        except (Fault, Unsure):
            return None

    def bindAs(self, name: str, password: bytes, attribute: str | None) -> Bound:
        """
        Find out whether somebody can bind, and as whom the directory knows them then.

        @param name: the name with which they bind.
        @param attribute: what of their entry tells how the name is spelled; L{None} if
            the name isn't that of an entry.

        @raise Fault: if no server works.
        @raise Unsure: if it can't be found out.
        """

        def work(link: Link, until: float) -> Bound:
            self._meet(link)
            outcome = ofAnybody(self._judge(link, name, password, until))
            if not outcome.matched or outcome.denial:
                return Bound(outcome)
            if attribute is not None:
                entry = self._ownEntry(link, name, attribute, until)
                if entry is not None:
                    return Bound(outcome, entry)
            identity = self._identity(link, until, mayMiss=attribute is not None)
            return Bound(outcome, None, identity)

        return self._servers.use(Role.USER, self._until, work, self._tell)

    def _ownEntry(
        self, link: Link, dn: str, attribute: str, until: float
    ) -> Entry | None:
        """
        Read the entry of the user who has bound, as that user.

        @return: L{None} if they may not.
        """
        entries, result = link.search(dn, BASE, ANYTHING, (attribute,), 1, until)
        if entries:
            return entries[0]
        if result.code in ELSEWHERE:
            insist(result, "to a search for the entry of who has bound")
        return None

    def _identity(self, link: Link, until: float, *, mayMiss: bool) -> str:
        """
        Ask who has bound.

        @param mayMiss: whether the server may not know that question.  Then any answer
            says so but those that ask to come again.
        """
        try:
            result = link.extended(WHO_AM_I, until)
        except Lost:
            if link.isReused or not mayMiss:
                raise
            link.spoil()
            return ""
        if result.code and mayMiss and result.code not in COME_AGAIN:
            return ""
        insist(result, "to the question who has bound")
        if not result.value:
            raise Unsure("the directory says that nobody has bound")
        return text(result.value)

    def _judge(self, link: Link, dn: str, password: bytes, until: float) -> Outcome:
        """
        Have somebody bind.
        """
        return judge(link.bind(dn, password, until))

    def _tell(self, fault: str) -> None:
        """
        Tell of a server that has failed.
        """
        self.step(lambda: f"no answer: {fault}")

    def _meet(self, link: Link) -> None:
        """
        Tell which server is asked.
        """
        if self.steps is not None and link.peer not in self._peers:
            self._peers.add(link.peer)
            self.step(lambda: f"server: {link.peer}")


__all__ = ["NO_ATTRIBUTES", "Bound", "Session"]
