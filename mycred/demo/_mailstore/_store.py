"""
The store: the mail of all users, in a database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, fail, succeed

from ..._secrets import LONGEST
from ..._sql.client import DatabaseURL, Transaction
from ...workers import Workers
from .._compose import WELCOME, compose
from . import _changes as changes, _queries as queries
from ._database import TIMEOUT, StoreDatabase
from ._mailbox import Mailbox, Message, NoSuchUser, Unavailable
from ._newmail import NewMail
from ._rows import isUID

_T = TypeVar("_T")


class StoreService(Service):
    """
    The mail of all users.

    Content is kept with lines that end in LF.
    """

    def __init__(
        self,
        place: DatabaseURL | str,
        *,
        timeout: float = TIMEOUT,
        workers: Workers | None = None,
        reactor: object = None,
    ) -> None:
        """
        @param place: the database, or the path of an SQLite file, which is created at the
            start.
        @param timeout: how long a transaction may take, in seconds.
        @param workers: the threads; if L{None}, some for this store alone.
        @param reactor: the reactor; if L{None}, the one that is installed at the start.
        """
        if isinstance(place, str):
            place = DatabaseURL.ofFile(place)
        self._place = place
        self._timeout = timeout
        self._workers = workers
        self._reactor = reactor

    def startService(self) -> None:
        """
        Open the database.
        """
        super().startService()
        reactor = self._reactor
        if reactor is None:
            from twisted.internet import reactor
        self._database = StoreDatabase(self._place, self._timeout, self._workers, reactor)
        self._newMail = NewMail(self._database)

    def stopService(self) -> Deferred[None]:
        """
        Finish the transactions that are under way, and close the database.

        @return: a L{Deferred} that fires after that, or when they have taken too long.
        """
        super().stopService()
        self._newMail.stop()
        return self._database.close()

    def mailbox(self, user: bytes) -> Deferred[Mailbox]:
        """
        Return a user's mailbox.  An unknown user gets one, with a message in it.
        """
        if len(user) > LONGEST:
            return fail(Unavailable("the name is too long"))

        def make(transaction: Transaction) -> Mailbox:
            if changes.make(transaction, user, int(time.time())):
                welcome = compose(b"postmaster", user, "Welcome", WELCOME)
                changes.insert(transaction, [user], welcome, time.time(), ())
            mailbox = queries.load(transaction, user)
            if mailbox is None:
                raise Unavailable("another program has just removed the mailbox")
            return mailbox

        def cbLoaded(mailbox: Mailbox | None) -> Deferred[Mailbox] | Mailbox:
            if mailbox is None:
                return self._database.change(make, user)
            return mailbox

        loading = self._database.read(lambda t: queries.load(t, user), user)
        return loading.addCallback(cbLoaded)

    def content(self, user: bytes, uid: int, most: int = 10**9) -> Deferred[bytes | None]:
        """
        Return the content of a message; L{None} if it is gone.

        @param most: the length at which to cut it off, in octets.
        """
        if not isUID(uid):
            # Databases differ in what they say to a number that no column holds.
            return succeed(None)
        return self._database.read(lambda t: queries.contentOf(t, user, uid, most), user)

    def contents(
        self, user: bytes, uids: Iterable[int], most: int
    ) -> Deferred[dict[int, bytes]]:
        """
        Return the contents of those of some messages that are there, by their UIDs.

        @param most: the length at which to cut each of them off, in octets.
        """
        wanted = list(uids)
        return self._database.read(
            lambda t: queries.contentsOf(t, user, wanted, most), user
        )

    def flags(self, user: bytes) -> Deferred[dict[int, set[str]]]:
        """
        Return the flags of a user's messages, by their UIDs.
        """
        return self._database.read(lambda t: queries.flagsIn(t, user), user)

    def changeFlags(
        self, user: bytes, uids: Iterable[int], change: Callable[[set[str]], set[str]]
    ) -> Deferred[dict[int, set[str]]]:
        """
        Change the flags of messages.

        @param change: what returns the new flags for the present ones.

        @return: a L{Deferred} that fires with the new flags of each message that exists.
        """
        changed = list(uids)
        return self._database.change(
            lambda t: changes.changeFlags(t, user, changed, change), user
        )

    def deleteMarked(self, user: bytes, uids: Iterable[int]) -> Deferred[list[int]]:
        """
        Remove those messages that are marked as deleted.

        @return: a L{Deferred} that fires with their UIDs.
        """
        among = list(uids)
        return self._database.change(lambda t: changes.deleteMarked(t, user, among), user)

    def delete(self, user: bytes, uids: Iterable[int]) -> Deferred[None]:
        """
        Remove messages for good.
        """
        gone = list(uids)
        if not gone:
            # As at the end of most sessions of POP3.
            return succeed(None)
        return self._database.change(lambda t: changes.delete(t, user, gone), user)

    def deliver(
        self,
        user: bytes,
        content: bytes,
        date: float | None = None,
        flags: Iterable[str] = (),
    ) -> Deferred[Message]:
        """
        Put a message into a user's mailbox, and tell its watchers.

        @return: a L{Deferred} that fails with L{NoSuchUser} if the user has no
            mailbox, and with L{MailboxFull} if the message doesn't fit in.
        """
        delivering = self.deliverToAll([user], content, date, flags)
        return delivering.addCallback(lambda messages: messages[user])

    def deliverToAll(
        self,
        users: Iterable[bytes],
        content: bytes,
        date: float | None = None,
        flags: Iterable[str] = (),
    ) -> Deferred[dict[bytes, Message]]:
        """
        Put a message into the mailboxes of several users, or of none of them if that
        fails, and tell the watchers.

        @return: a L{Deferred} that fires with the message in each mailbox, and fails as
            that of L{deliver}.
        """
        when = time.time() if date is None else date
        kept = content.replace(b"\r\n", b"\n")
        names, flags = sorted(set(users)), set(flags)
        delivering = self._database.change(
            lambda transaction: changes.insert(transaction, names, kept, when, flags),
            *names,
        )
        return delivering.addCallback(self._cbNew, names)

    def recipient(self, names: Sequence[bytes], size: int) -> Deferred[bytes]:
        """
        Return the first of some names whose user has a mailbox.

        @param size: the size of a message for them, in octets.

        @return: a L{Deferred} that fails with L{NoSuchUser} if there is none, and with
            L{MailboxFull} if the message wouldn't fit in.
        """

        def find(transaction: Transaction) -> bytes:
            known = queries.nextUIDs(transaction, names)
            for name in names:
                if name in known:
                    changes.insistOnRoom(transaction, name, [size])
                    return name
            raise NoSuchUser(*names)

        return self._database.read(find, names[0])

    def copy(
        self, user: bytes, uids: Iterable[int]
    ) -> Deferred[list[tuple[int, Message]]]:
        """
        Copy messages within their mailbox, and tell its watchers.

        @return: a L{Deferred} that fires with the UID of each message that exists, and
            its copy; it fails with L{MailboxFull}, and nothing is copied, if they don't
            all fit in.
        """
        originals = list(uids)
        copying = self._database.change(lambda t: changes.copy(t, user, originals), user)
        return copying.addCallback(self._cbNew, [user])

    def _cbNew(self, outcome: _T, users: Iterable[bytes]) -> Deferred[_T]:
        """
        Tell the watchers of mailboxes of what is new there.  It is there, whatever
        becomes of that: a client that was told of a failure would send it again.
        """
        looking = [self._newMail.look(user) for user in users]
        return DeferredList(looking, consumeErrors=True).addCallback(lambda _: outcome)

    def watch(
        self, user: bytes, uidNext: int, watcher: Callable[[Message], object]
    ) -> Callable[[], None]:
        """
        Have a callable called with each new message of a user, in the order of their
        UIDs, whichever process has put it there.

        @param uidNext: the UID of the first message that is new.

        @return: a callable that ends this.
        """
        return self._newMail.watch(user, uidNext, watcher)

    def look(self, user: bytes) -> Deferred[None]:
        """
        Tell the watchers of a mailbox of all messages that there are by now.
        """
        return self._newMail.look(user)


__all__ = ["StoreService"]
