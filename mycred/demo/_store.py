"""
The store: the mail of all users, in a database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._failover import Fault, Slow, Unsure
from .._secrets import LONGEST, printable
from .._sql import Database, DatabaseURL, Result, Transaction
from ..error import TemporaryFailure
from ..workers import Workers
from . import _tables as tables
from ._compose import WELCOME, compose
from ._schema import WrongTables, insistOnTables
from ._tables import Mailbox, MailboxFull, Message, NoSuchUser, Unavailable
from ._watching import Watching

_T = TypeVar("_T")

# How long a transaction may take, in seconds; what part of that it has in its thread, so
# that its end is known before it is given up; and the part of that after which it isn't
# begun any more.
_TIMEOUT, _SHARE, _LATEST = 20.0, 29 / 30, 3 / 4

# How many transactions there are at a time.  SQLite has one.
_THREADS = 4

# How many rows a statement brings: no user has as many messages.
_MOST_ROWS = 10_000

# With what a transaction says how it ends; all other exceptions are defects.
_ANSWERS, _OUTAGES = (NoSuchUser, MailboxFull), (Fault, Unsure, WrongTables)


class StoreService(Service):
    """
    The mail of all users.

    Content is kept with lines that end in LF.
    """

    _log = Logger()

    def __init__(
        self,
        place: DatabaseURL | str,
        *,
        timeout: float = _TIMEOUT,
        workers: Workers | None = None,
    ) -> None:
        """
        @param place: the database, or the path of an SQLite file, which is created at the
            start.
        @param timeout: how long a transaction may take, in seconds.
        @param workers: the threads; if L{None}, they belong to the reactor that is
            installed at the start.
        """
        if isinstance(place, str):
            place = DatabaseURL(place, "sqlite", path=place)
        self.place = place
        self._timeout = timeout
        self._givenWorkers = workers
        self._isFailing = self._isChecked = False
        self._underWay: set[Deferred[object]] = set()
        self._watching = Watching(self._newer)

    def startService(self) -> None:
        """
        Open the database.
        """
        super().startService()
        isFile = self.place.dialect == "sqlite"
        if isFile:
            # Other users of the machine must not read the mail.
            os.close(os.open(self.place.path, os.O_RDWR | os.O_CREAT, 0o600))
        from twisted.internet import reactor

        threads = 1 if isFile else _THREADS
        self._workers = self._givenWorkers or Workers(
            reactor, threads, deadline=self._timeout
        )
        self._database = Database([self.place], timeout=self._timeout)

    def stopService(self) -> Deferred[None]:
        """
        Finish the transactions that are under way, and close the database.

        @return: a L{Deferred} that fires after that, or when they have taken too long.
        """
        super().stopService()
        ending = DeferredList(list(self._underWay))
        return ending.addCallback(lambda _: self._database.close())

    def mailbox(self, user: bytes) -> Deferred[Mailbox]:
        """
        Return a user's mailbox.  An unknown user gets one, with a message in it.
        """
        if len(user) > LONGEST:
            return fail(Unavailable("the name is too long"))

        def make(transaction: Transaction) -> Mailbox | None:
            if tables.make(transaction, user, int(time.time())):
                welcome = compose(b"postmaster", user, "Welcome", WELCOME)
                tables.insert(transaction, [user], welcome, time.time(), ())
            return tables.load(transaction, user)

        def cbLoaded(mailbox: Mailbox | None) -> Deferred[Mailbox] | Mailbox:
            if mailbox is None:
                return self._change(make, user).addCallback(cbMade)
            return mailbox

        def cbMade(mailbox: Mailbox | None) -> Mailbox:
            if mailbox is None:
                raise Unavailable("another program has removed the mailbox")
            return mailbox

        loading = self._read(lambda transaction: tables.load(transaction, user), user)
        return loading.addCallback(cbLoaded)

    def content(self, user: bytes, uid: int, most: int = 10**9) -> Deferred[bytes | None]:
        """
        Return the content of a message; L{None} if it is gone.

        @param most: the length at which to cut it off, in octets.
        """
        return self._read(lambda t: tables.contentOf(t, user, uid, most), user)

    def flags(self, user: bytes) -> Deferred[dict[int, set[str]]]:
        """
        Return the flags of a user's messages, by their UIDs.
        """
        return self._read(lambda transaction: tables.flagsIn(transaction, user), user)

    def changeFlags(
        self, user: bytes, uids: Iterable[int], change: Callable[[set[str]], set[str]]
    ) -> Deferred[dict[int, set[str]]]:
        """
        Change the flags of messages.

        @param change: what returns the new flags for the present ones.

        @return: a L{Deferred} that fires with the new flags of each message that exists.
        """
        changed = list(uids)
        return self._change(lambda t: tables.changeFlags(t, user, changed, change), user)

    def deleteMarked(self, user: bytes, uids: Iterable[int]) -> Deferred[list[int]]:
        """
        Remove those messages that are marked as deleted.

        @return: a L{Deferred} that fires with their UIDs.
        """
        among = list(uids)
        return self._change(lambda t: tables.deleteMarked(t, user, among), user)

    def delete(self, user: bytes, uids: Iterable[int]) -> Deferred[None]:
        """
        Remove messages for good.
        """
        gone = list(uids)
        return self._change(lambda t: tables.delete(t, user, gone), user)

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
        delivering = self._change(
            lambda transaction: tables.insert(transaction, names, kept, when, flags),
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
            known = tables.nextUIDs(transaction, names)
            for name in names:
                if name in known:
                    tables.insistOnRoom(transaction, name, [size])
                    return name
            raise NoSuchUser(*names)

        return self._read(find, *names)

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
        copying = self._change(lambda t: tables.copy(t, user, originals), user)
        return copying.addCallback(self._cbNew, [user])

    def _cbNew(self, outcome: _T, users: Iterable[bytes]) -> Deferred[_T]:
        """
        Tell the watchers of mailboxes of what is new there.  It is there, whatever
        becomes of that: a client that was told of a failure would send it again.
        """
        looking = [self._watching.look(user) for user in users]
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
        return self._watching.add(user, uidNext, watcher)

    def look(self, user: bytes) -> Deferred[None]:
        """
        Tell the watchers of a mailbox of all messages that there are by now.
        """
        return self._watching.look(user)

    def _newer(self, user: bytes, first: int) -> Deferred[Mailbox | None]:
        """
        Return a user's mailbox, without older messages.

        @param first: the UID of the first message that is wanted.
        """
        return self._read(lambda transaction: tables.load(transaction, user, first), user)

    def _read(self, work: Callable[[Transaction], _T], *users: bytes) -> Deferred[_T]:
        """
        Do what only reads.
        """

        def read(until: float) -> _T:
            return work(_Reading(self._database, until))

        return self._run(read, users)

    def _change(self, work: Callable[[Transaction], _T], *users: bytes) -> Deferred[_T]:
        """
        Do something in one transaction.
        """

        def change(until: float) -> _T:
            return self._database.transaction(work, until)

        return self._run(change, users)

    def _run(self, work: Callable[[float], _T], users: Iterable[bytes]) -> Deferred[_T]:
        """
        Do something in a thread.

        @param work: what to do, on the deadline.
        @param users: for whom, so that no user's mail keeps that of others waiting.

        @return: a L{Deferred} that fails with L{Unavailable} if the store can't be used.
        """
        now = time.monotonic()
        until, latest = now + self._timeout * _SHARE, now + self._timeout * _LATEST
        source = tuple(users)[:1]
        running = self._workers.run(self._inThread, work, until, latest, source=source)
        self._underWay.add(running)

        def cbDone(outcome: _T | Failure) -> _T | Failure:
            self._underWay.discard(running)
            return outcome

        return running.addBoth(cbDone).addCallbacks(self._cbWorks, self._ebFailed)

    def _inThread(self, work: Callable[[float], _T], until: float, latest: float) -> _T:
        """
        Do something, in a thread, if there is time: otherwise what comes next has some.
        """
        if time.monotonic() > latest:
            raise Slow("too much waits for it")
        if not self._isChecked:
            insistOnTables(self._database, until)
            self._isChecked = True
        return work(until)

    def _cbWorks(self, outcome: _T) -> _T:
        """
        Log that the store can be used again.
        """
        if self._isFailing:
            self._isFailing = False
            self._log.info("The store works again")
        return outcome

    def _ebFailed(self, failure: Failure) -> Failure:
        """
        Log why the store can't be used: an outage once, and not for each who waits.

        @return: what a transaction answers as it is, and anything else as L{Unavailable}.
        """
        if failure.check(*_ANSWERS):
            return failure
        if not failure.check(TemporaryFailure, *_OUTAGES):
            self._log.failure("The store failed", failure)
        elif not self._isFailing:
            self._isFailing = True
            why = printable(str(failure.value))
            self._log.error("The store failed: {place}: {why}", place=self.place, why=why)
        return Failure(Unavailable("Temporarily unavailable"))


class _Reading:
    """
    Statements that only read: each is a transaction of its own.
    """

    def __init__(self, database: Database, until: float) -> None:
        self.dialect = database.dialect
        self._database = database
        self._until = until

    def execute(self, statement: str, **values: object) -> Result:
        """
        Execute a statement.
        """
        return self._database.read(statement, values, self._until)


__all__ = ["StoreService"]
