"""
Who is told of new messages.

A look at a mailbox finds all its messages from some UID on, and the UID of the next one,
as they were at one moment; and since messages become visible in the order of their UIDs,
none comes before those any more.  So looks may overlap, and their outcomes come in any
order: each watcher is told what is new to it, by a look that begins no later than what it
waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from ._mailbox import Mailbox, Message


class _Watcher:
    """
    One who is told of new messages.

    @ivar uidNext: the UID of the first message that is new.
    """

    def __init__(self, uidNext: int, told: Callable[[Message], object]) -> None:
        self.uidNext = uidNext
        self.told = told


class Watching:
    """
    Who is told of new messages, in which mailboxes.
    """

    _log = Logger()

    def __init__(self, newer: Callable[[bytes, int], Deferred[Mailbox | None]]) -> None:
        """
        @param newer: what returns a user's mailbox, without messages before a UID.
        """
        self._newer = newer
        self._watchers: dict[bytes, list[_Watcher]] = {}
        self._heard: dict[bytes, int] = {}
        self._isStopped = False

    def __iter__(self) -> Iterator[bytes]:
        """
        Yield the users whose mailboxes are watched.
        """
        return iter(self._watchers)

    def uidNext(self, user: bytes) -> int | None:
        """
        Return the UID of the first message that is new to a watcher of a mailbox; L{None}
        if there is no watcher.
        """
        watchers = self._watchers.get(user, ())
        return min((watcher.uidNext for watcher in watchers), default=None)

    def add(
        self, user: bytes, uidNext: int, told: Callable[[Message], object]
    ) -> Callable[[], None]:
        """
        Have a callable called with each new message of a user.

        @param uidNext: the UID of the first message that is new.

        @return: a callable that ends this.
        """
        watcher = _Watcher(uidNext, told)
        self._watchers.setdefault(user, []).append(watcher)

        def remove() -> None:
            self._watchers[user].remove(watcher)
            if not self._watchers[user]:
                del self._watchers[user]

        return remove

    def look(self, user: bytes) -> Deferred[None]:
        """
        Look at a mailbox, and tell its watchers what is new.

        @return: a L{Deferred} that fires after that, and fails if the mailbox can't be
            looked at.
        """
        uidNext = self.uidNext(user)
        if uidNext is None or self._isStopped:
            return succeed(None)
        return self._newer(user, uidNext).addCallback(self._cbNewer, uidNext)

    def stop(self) -> None:
        """
        Look at no mailbox any more.
        """
        self._isStopped = True

    def heard(self, user: bytes, uidNext: int) -> None:
        """
        Look at a mailbox, if there is something new to its watchers.

        @param uidNext: the UID of the next message, as a look elsewhere has found it.
        """
        known = self.uidNext(user)
        if known is None or known >= uidNext:
            return
        isLooking = user in self._heard
        self._heard[user] = max(uidNext, self._heard.get(user, 0))
        if not isLooking:
            self._catchUp(user)

    def _catchUp(self, user: bytes) -> None:
        """
        Look at a mailbox, and again if there was more news meanwhile; but one look at a
        time is enough, whoever sends how many notices.
        """
        uidNext = self._heard[user]

        def cbLooked(_: object) -> None:
            latest = self._heard.pop(user)
            if latest > uidNext:
                self.heard(user, latest)

        # Of a failure the store tells the log, and another look comes.
        self.look(user).addBoth(cbLooked)

    def _cbNewer(self, mailbox: Mailbox | None, first: int) -> None:
        """
        Tell the watchers what is new.

        @param first: the UID of the first message that was looked for.
        """
        if mailbox is None:
            return
        for watcher in list(self._watchers.get(mailbox.user, ())):
            # Some may have begun meanwhile, and miss others before that: they have a look
            # of their own.
            if watcher.uidNext >= first:
                self._tell(watcher, mailbox)

    def _tell(self, watcher: _Watcher, mailbox: Mailbox) -> None:
        """
        Tell a watcher of the messages that are new to it.
        """
        for message in mailbox.messages:
            if watcher not in self._watchers.get(mailbox.user, ()):
                return
            if message.uid < watcher.uidNext:
                continue
            watcher.uidNext = message.uid + 1
            try:
                watcher.told(message)
            except Exception:
                self._log.failure("A mailbox's watcher failed")
        watcher.uidNext = max(watcher.uidNext, mailbox.uidNext)


__all__ = ["Watching"]
