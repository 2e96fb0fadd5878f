"""
Looking, once in a while, for new mail that other processes have put into mailboxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from ..._types import Clock
from ._watching import Watching


class Polling:
    """
    A look at all mailboxes that are watched, once a second; and less often while the
    database tells of new mail by itself.

    @cvar OFTEN: how long it is from one look to the next, in seconds.
    @cvar RARELY: how long it is while the database tells, in seconds: what it tells may
        be lost on the way.
    """

    OFTEN, RARELY = 1.0, 10.0

    def __init__(
        self,
        watching: Watching,
        nextUIDs: Callable[[list[bytes]], Deferred[dict[bytes, int]]],
        clock: Clock,
    ) -> None:
        """
        @param watching: the mailboxes that are watched.
        @param nextUIDs: what returns the UIDs of the next messages in mailboxes.
        @param clock: what counts the time.
        """
        self._watching = watching
        self._nextUIDs = nextUIDs
        self._clock = clock
        self._isTold = False
        self._due = 0.0
        self._loop = LoopingCall(self._poll)
        self._loop.clock = cast(IReactorTime, clock)

    def start(self) -> None:
        """
        Begin, unless it has begun.
        """
        if not self._loop.running:
            self._loop.start(self.OFTEN, now=False)

    def stop(self) -> None:
        """
        End.
        """
        if self._loop.running:
            self._loop.stop()

    def setTold(self, isTold: bool) -> None:
        """
        Set whether the database tells of new mail from now on.  What came before that is
        looked for soon.
        """
        self._isTold = isTold
        self._due = 0.0

    def _poll(self) -> Deferred[None] | None:
        """
        Look at all mailboxes that are watched, if it is time.
        """
        users, now = list(self._watching), self._clock.seconds()
        if not users or now < self._due:
            return None
        self._due = now + (self.RARELY if self._isTold else 0)
        # Of a failure the store tells the log.
        return self._nextUIDs(users).addCallbacks(self._cbNext, lambda _: None)

    def _cbNext(self, found: Mapping[bytes, int]) -> None:
        """
        Look at the mailboxes with new mail.
        """
        for user, uidNext in found.items():
            self._watching.heard(user, uidNext)


__all__ = ["Polling"]
