"""
Changes of the same mailbox, one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred, DeferredLock

_T = TypeVar("_T")


class Turns:
    """
    The mailboxes that are being changed.

    In the database each change would wait for the one before it all the same, but in a
    thread and with a connection of its own: while another program keeps a mailbox locked
    there would be none for other mailboxes.
    """

    def __init__(self) -> None:
        self._locks: dict[bytes, DeferredLock] = {}

    def run(
        self, users: Sequence[bytes], change: Callable[[], Deferred[_T]]
    ) -> Deferred[_T]:
        """
        Change mailboxes when nothing else changes one of them.

        @param users: their owners, in an order that is the same everywhere.
        @param change: what does it.

        @return: what comes of it.  While it waits for its turn it can be cancelled.
        """
        if not users:
            return change()
        user, *others = users
        lock = self._locks.setdefault(user, DeferredLock())

        def done(outcome: object) -> object:
            if not lock.locked:
                del self._locks[user]
            return outcome

        changing: Deferred[_T] = lock.run(self.run, others, change)
        return changing.addBoth(done)


__all__ = ["Turns"]
