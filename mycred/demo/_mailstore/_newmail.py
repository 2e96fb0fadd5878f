"""
New mail, of which those are told who watch a mailbox, whichever process has put it there.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..._secrets import printable
from ._database import StoreDatabase
from ._mailbox import Mailbox, Message
from ._notices import Notices, canListen
from ._polling import Polling
from ._queries import load, nextUIDs
from ._watching import Watching


class NewMail:
    """
    The new mail in a database.
    """

    _log = Logger()
    _notices: Notices | None = None
    _isTold: bool | None = None

    def __init__(self, database: StoreDatabase) -> None:
        """
        @param database: the database.
        """
        self._database = database
        self._watching = Watching(self._newer)
        self._polling = Polling(self._watching, self._nextUIDs, database.reactor)

    def watch(
        self, user: bytes, uidNext: int, watcher: Callable[[Message], object]
    ) -> Callable[[], None]:
        """
        Have a callable called with each new message of a user, in the order of their
        UIDs.

        @param uidNext: the UID of the first message that is new.

        @return: a callable that ends this.
        """
        self._start()
        unwatch = self._watching.add(user, uidNext, watcher)
        # Some may have come since the UID was found out.
        self.look(user).addErrback(lambda _: None)
        return unwatch

    def look(self, user: bytes) -> Deferred[None]:
        """
        Tell the watchers of a mailbox of all messages that there are by now.

        @return: a L{Deferred} that fires after that.
        """
        return self._watching.look(user)

    def stop(self) -> None:
        """
        Look for no more new mail.
        """
        self._polling.stop()
        self._watching.stop()
        if self._notices is not None:
            self._notices.stop()
            self._notices = None

    def _start(self) -> None:
        """
        Begin to look for new mail of other processes, with the first watcher.
        """
        self._polling.start()
        place, isThreaded = self._database.place, self._database.isThreaded
        if self._notices is None and isThreaded and canListen(place):
            heard, reactor = self._watching.heard, self._database.reactor
            self._notices = Notices(place, reactor, heard, self._changed)

    def _changed(self, why: str | None) -> None:
        """
        Poll mailboxes as often as it takes.

        @param why: why the database doesn't tell of new mail; L{None} if it does.
        """
        wasTold, self._isTold = self._isTold, why is None
        self._polling.setTold(self._isTold)
        # It is tried again and again, and fails again in the same way.
        if why is not None and wasTold is not False:
            self._log.warn(
                "{place} doesn't tell of new mail, which is looked for once a second: "
                "{why}",
                place=self._database.place,
                why=printable(why),
            )

    def _newer(self, user: bytes, first: int) -> Deferred[Mailbox | None]:
        """
        Return a user's mailbox, without older messages.

        @param first: the UID of the first message that is wanted.
        """
        return self._database.read(lambda t: load(t, user, first), user)

    def _nextUIDs(self, users: list[bytes]) -> Deferred[dict[bytes, int]]:
        """
        Return the UIDs of the next messages in mailboxes.
        """
        return self._database.read(lambda t: nextUIDs(t, users), b"")


__all__ = ["NewMail"]
