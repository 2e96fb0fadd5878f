"""
What one login asks a directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ._faults import Unsure
from ._link import Link, Role
from ._messages import SIZE_LIMIT_EXCEEDED, WHO_AM_I, Entry, text
from ._outcome import Outcome, insist, judge, ofAnybody
from ._servers import Servers

# referral, noSuchObject, invalidDNSyntax, insufficientAccessRights: an entry of which
# another one speaks may be elsewhere, gone or not to be seen.
_MISSING = {10, 32, 34, 50}

#: What is asked for if nothing of an entry is wanted (RFC 4511, section 4.5.1.8).
NO_ATTRIBUTES = ("1.1",)


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
        @raise Unsure: if it can't be found out.
        """

        def work(link: Link, until: float) -> list[Entry]:
            self._meet(link)
            entries, result = link.search(
                base, scope, where, attributes, mostEntries, until
            )
            if result.code == SIZE_LIMIT_EXCEEDED and len(entries) == mostEntries:
                return entries
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

    def bindAs(self, name: str, password: bytes) -> tuple[Outcome, str]:
        """
        Find out whether somebody can bind, and as whom the directory knows him then.

        @return: the outcome, and, if he is let in, his identity as RFC 4513, section
            5.2.1.8, has it.

        @raise Fault: if no server works.
        @raise Unsure: if it can't be found out.
        """

        def work(link: Link, until: float) -> tuple[Outcome, str]:
            self._meet(link)
            outcome = ofAnybody(self._judge(link, name, password, until))
            if not outcome.matched or outcome.denial:
                return outcome, ""
            result = link.extended(WHO_AM_I, until)
            insist(result, "to the question who has bound")
            if not result.value:
                raise Unsure("the directory says that nobody has bound")
            return outcome, text(result.value)

        return self._servers.use(Role.USER, self._until, work, self._tell)

    def _judge(self, link: Link, dn: str, password: bytes, until: float) -> Outcome:
        """
        Have somebody bind.
        """
        return judge(link.bind(dn, password, until, asksPolicy=True))

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


__all__ = ["NO_ATTRIBUTES", "Session"]
