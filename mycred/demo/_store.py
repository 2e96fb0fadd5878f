"""
The store: the mail of all users, in an SQLite file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from sqlite3 import Cursor
from typing import TypeVar

from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ._compose import WELCOME, compose
from ._tables import (
    SCHEMA,
    Mailbox,
    Message,
    NoSuchUser,
    delete,
    flagsIn,
    insert,
    insistOnRoom,
    wireSize,
)

_T = TypeVar("_T")


class StoreService(Service):
    """
    The mail of all users.

    Content is kept with lines that end in LF.
    """

    _log = Logger()

    def __init__(self, path: str) -> None:
        """
        @param path: the path of the file, which is created at the start.
        """
        self._path = path
        self._watchers: dict[bytes, list[Callable[[Message], object]]] = {}

    def startService(self) -> None:
        """
        Open the file.
        """
        super().startService()
        # Other users of the machine must not read the mail.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        # One connection, so that transactions come one after another.
        self._pool = ConnectionPool(
            "sqlite3",
            self._path,
            check_same_thread=False,
            cp_min=1,
            cp_max=1,
            cp_openfun=lambda connection: connection.executescript(SCHEMA),
        )
        self._pool.start()

    def stopService(self) -> None:
        """
        Finish the transactions that are under way, and close the file.
        """
        super().stopService()
        self._pool.close()

    def mailbox(self, user: bytes) -> Deferred[Mailbox]:
        """
        Return a user's mailbox.  An unknown user gets one, with a message in it.
        """

        def interaction(transaction: Cursor) -> Mailbox:
            made = transaction.execute(
                "insert or ignore into users values (?, ?, 1)", (user, int(time.time()))
            )
            if made.rowcount:
                welcome = compose(b"postmaster", user, "Welcome", WELCOME)
                insert(transaction, user, welcome, time.time(), ())
            row = transaction.execute(
                "select uidvalidity, uidnext from users where name = ?", (user,)
            ).fetchone()
            rows = transaction.execute(
                "select uid, date, flags, content from messages where user = ?"
                " order by uid",
                (user,),
            )
            messages = [
                Message(uid, wireSize(content), date, set(flags.split()))
                for uid, date, flags, content in rows
            ]
            uidValidity, uidNext = row
            return Mailbox(user, uidValidity, uidNext, messages)

        return self._run(interaction)

    def content(self, user: bytes, uid: int, most: int = 10**9) -> Deferred[bytes | None]:
        """
        Return the content of a message; L{None} if it is gone.

        @param most: the length at which to cut it off, in octets.
        """

        def interaction(transaction: Cursor) -> bytes | None:
            row = transaction.execute(
                "select substr(content, 1, ?) from messages where user = ? and uid = ?",
                (most, user, uid),
            ).fetchone()
            return row[0] if row else None

        return self._run(interaction)

    def flags(self, user: bytes) -> Deferred[dict[int, set[str]]]:
        """
        Return the flags of a user's messages, by their UIDs.
        """
        return self._run(lambda transaction: flagsIn(transaction, user))

    def changeFlags(
        self, user: bytes, uids: Iterable[int], change: Callable[[set[str]], set[str]]
    ) -> Deferred[dict[int, set[str]]]:
        """
        Change the flags of messages.

        @param change: what returns the new flags for the present ones.

        @return: a L{Deferred} that fires with the new flags of each message that exists.
        """

        def interaction(transaction: Cursor) -> dict[int, set[str]]:
            before = flagsIn(transaction, user)
            after = {uid: change(before[uid]) for uid in uids if uid in before}
            transaction.executemany(
                "update messages set flags = ? where user = ? and uid = ?",
                [(" ".join(sorted(flags)), user, uid) for uid, flags in after.items()],
            )
            return after

        return self._run(interaction)

    def deleteMarked(self, user: bytes, uids: Iterable[int]) -> Deferred[list[int]]:
        """
        Remove those messages that are marked as deleted.

        @return: a L{Deferred} that fires with their UIDs.
        """

        def interaction(transaction: Cursor) -> list[int]:
            flags = flagsIn(transaction, user)
            marked = [uid for uid in uids if "\\Deleted" in flags.get(uid, ())]
            delete(transaction, user, marked)
            return marked

        return self._run(interaction)

    def delete(self, user: bytes, uids: Iterable[int]) -> Deferred[None]:
        """
        Remove messages for good.
        """
        gone = list(uids)
        return self._run(lambda transaction: delete(transaction, user, gone))

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
        names, flags = list(dict.fromkeys(users)), list(flags)

        def cbDelivered(messages: dict[bytes, Message]) -> dict[bytes, Message]:
            for user, message in messages.items():
                self._tell(message, user)
            return messages

        return self._run(
            lambda transaction: {
                user: insert(transaction, user, kept, when, flags) for user in names
            }
        ).addCallback(cbDelivered)

    def recipient(self, names: Sequence[bytes], size: int) -> Deferred[bytes]:
        """
        Return the first of some names whose user has a mailbox.

        @param size: the size of a message for them, in octets.

        @return: a L{Deferred} that fails with L{NoSuchUser} if there is none, and with
            L{MailboxFull} if the message wouldn't fit in.
        """

        def interaction(transaction: Cursor) -> bytes:
            for name in names:
                row = transaction.execute(
                    "select 1 from users where name = ?", (name,)
                ).fetchone()
                if row is not None:
                    insistOnRoom(transaction, name, size)
                    return name
            raise NoSuchUser(*names)

        return self._run(interaction)

    def copy(
        self, user: bytes, uids: Iterable[int]
    ) -> Deferred[list[tuple[int, Message]]]:
        """
        Copy messages within their mailbox, and tell its watchers.

        @return: a L{Deferred} that fires with the UID of each message that exists, and
            its copy; it fails with L{MailboxFull}, and nothing is copied, if they don't
            all fit in.
        """

        def interaction(transaction: Cursor) -> list[tuple[int, Message]]:
            copied = []
            for uid in uids:
                row = transaction.execute(
                    "select content, date, flags from messages"
                    " where user = ? and uid = ?",
                    (user, uid),
                ).fetchone()
                if row is not None:
                    content, date, flags = row
                    copy = insert(transaction, user, content, date, flags.split())
                    copied.append((uid, copy))
            return copied

        def cbCopied(
            copied: list[tuple[int, Message]],
        ) -> list[tuple[int, Message]]:
            for _, copy in copied:
                self._tell(copy, user)
            return copied

        return self._run(interaction).addCallback(cbCopied)

    def _tell(self, message: Message, user: bytes) -> Message:
        """
        Tell the watchers of a mailbox of a new message.  It is there, whatever a watcher
        does: a client that was told of a failure would send it again.
        """
        for watcher in list(self._watchers.get(user, ())):
            try:
                watcher(message)
            except Exception:
                self._log.failure("A mailbox's watcher failed")
        return message

    def watch(
        self, user: bytes, watcher: Callable[[Message], object]
    ) -> Callable[[], None]:
        """
        Have a callable called with each new message of a user.

        @return: a callable that ends this.
        """
        self._watchers.setdefault(user, []).append(watcher)

        def unwatch() -> None:
            self._watchers[user].remove(watcher)
            if not self._watchers[user]:
                del self._watchers[user]

        return unwatch

    def _run(self, interaction: Callable[[Cursor], _T]) -> Deferred[_T]:
        """
        Run a transaction, in the thread of the file's connection.
        """
        answer: Deferred[_T] = self._pool.runInteraction(interaction)
        return answer


__all__ = ["StoreService"]
