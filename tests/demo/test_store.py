"""
Tests for the store, on each database, with two programs that share it.

They cover L{mycred.demo._mailstore._store}, L{mycred.demo._mailstore._changes},
L{mycred.demo._mailstore._queries}, L{mycred.demo._mailstore._manynames},
L{mycred.demo._mailstore._mailbox} and L{mycred.demo._mailstore._newmail}.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

from mycred._sql.client import Transaction
from mycred.demo._mailstore import (
    LARGEST,
    MOST_MESSAGES,
    MailboxFull,
    Message,
    NoSuchUser,
    StoreService,
    Unavailable,
    _changes as changes,
)

from ..kit.sqlplaces import OnMariaDB, OnPostgreSQL, OnSQLite
from ..kit.stores import StoreCase

# A name that no encoding fits.
ODD = b"\xff'\0\\%s:name".ljust(1024, b"o")


class _StoreTests(StoreCase):
    """
    Tests for a database that two programs share.
    """

    def setUp(self) -> None:
        super().setUp()
        self.shared = self.place()
        self.ours, self.theirs = (self.start(self.shared) for _ in range(2))
        self.both = (self.ours, self.theirs)

    def deliver(self, store: StoreService, *contents: bytes) -> list[int]:
        """
        Put messages into Alice's mailbox, and return their UIDs.
        """
        return [self.done(store.deliver(b"alice", each)).uid for each in contents]

    def test_mailbox(self) -> None:
        """
        An unknown user gets a mailbox with a message in it, once; and any name is one.
        """
        for name in (b"alice", b"Alice", b"alice ", b"alic\xc3\xa9", b"", ODD):
            first, second = [self.done(store.mailbox(name)) for store in self.both]
            self.assertEqual(first, second)
            self.assertEqual([m.uid for m in first.messages], [1])
            self.assertEqual((first.user, first.uidNext), (name, 2))
            content = self.done(self.theirs.content(name, 1)) or b""
            self.assertIn(b"Subject: Welcome\n", content)
            self.assertEqual(first.messages[0].size, len(content) + content.count(b"\n"))

    def test_longName(self) -> None:
        """
        A name that doesn't fit in has no mailbox, and isn't cut off.
        """
        self.failureResultOf(self.ours.mailbox(ODD + b"o"), Unavailable)
        self.failureResultOf(self.ours.deliver(ODD, b"x"), NoSuchUser)
        self.failureResultOf(self.ours.deliver(ODD + b"o", b"x"), NoSuchUser)

    def test_message(self) -> None:
        """
        A message that one program takes comes out of the other as it was, with lines that
        end in LF; its beginning, too.
        """
        self.done(self.ours.mailbox(b"alice"))
        for content in (
            b"Subject: x\n\nTea\n",
            bytes(range(256)),
            b"'\\\0\x1a%s%%:uid\"",
            b"'" * LARGEST,
        ):
            flags = ["\\Seen", "\\Answered"]
            sent = self.done(self.ours.deliver(b"alice", content, 1.25, flags))
            read = self.done(self.theirs.content(b"alice", sent.uid))
            self.assertTrue(read == content)
            begun = self.done(self.theirs.content(b"alice", sent.uid, 3))
            self.assertEqual(begun, content[:3])
            mailbox = self.done(self.theirs.mailbox(b"alice"))
            size = len(content) + content.count(b"\n")
            self.assertEqual(
                mailbox.messages[-1], Message(sent.uid, size, 1.25, set(flags))
            )
            self.assertEqual(mailbox.messages[-1], sent)
            self.done(self.theirs.delete(b"alice", [sent.uid]))
            self.assertIsNone(self.done(self.ours.content(b"alice", sent.uid)))

    def test_uids(self) -> None:
        """
        UIDs ascend whichever program takes a message, and none is used again.
        """
        self.done(self.ours.mailbox(b"alice"))
        first = self.deliver(self.ours, b"1")
        second = self.deliver(self.theirs, b"2")
        self.done(self.ours.delete(b"alice", second))
        third = self.deliver(self.ours, b"3")
        self.assertEqual(first + second + third, [2, 3, 4])
        self.assertEqual(self.uids(self.theirs, b"alice"), [1, 2, 4])

    def test_contents(self) -> None:
        """
        Many messages are loaded at once, as much of each as is wanted; those that are
        gone, or can't be, are left out.
        """
        self.done(self.ours.mailbox(b"alice"))
        uids = self.deliver(self.ours, *[b"%d:x" % number for number in range(60)])
        self.done(self.theirs.delete(b"alice", uids[:1]))
        loading = self.ours.contents(b"alice", [*uids, 999], 2)
        expected = {
            uid: b"%d:" % n if n < 10 else b"%d" % n for n, uid in enumerate(uids)
        }
        del expected[uids[0]]
        self.assertEqual(self.done(loading), expected)
        self.assertEqual(self.done(self.ours.contents(b"alice", [], 2)), {})
        for uid in (0, -1, 2**32, 10**30):
            self.assertIsNone(self.done(self.ours.content(b"alice", uid)))

    def test_removed(self) -> None:
        """
        A mailbox that an operator has removed has no messages that could be changed, and
        nothing can be delivered to it; the next login makes another.
        """
        self.done(self.ours.mailbox(b"alice"))

        def remove(transaction: Transaction) -> None:
            transaction.execute("delete from mail_messages")
            transaction.execute("delete from mail_users")

        self.done(self.theirs._database.change(remove, b"alice"))
        self.assertEqual(self.done(self.ours.changeFlags(b"alice", [1], set)), {})
        self.assertEqual(self.done(self.ours.deleteMarked(b"alice", [1])), [])
        self.assertIsNone(self.done(self.ours.delete(b"alice", [1])))
        self.assertEqual(self.done(self.ours.copy(b"alice", [1])), [])
        self.failureResultOf(self.ours.deliver(b"alice", b"x"), NoSuchUser)
        self.assertEqual(self.uids(self.ours, b"alice"), [1])

    def test_many(self) -> None:
        """
        Flags of many messages are changed, and many are copied and deleted, as are few.
        """
        self.done(self.ours.mailbox(b"alice"))
        uids = [1, *self.deliver(self.ours, *[b"x"] * 110)]
        for some in (uids, uids[:50], uids[:1], []):
            changing = self.ours.changeFlags(
                b"alice", [*some, 999], lambda flags: flags ^ {"\\Draft"}
            )
            after = self.done(changing)
            self.assertEqual(sorted(after), some)
            self.assertEqual(
                {uid: self.done(self.theirs.flags(b"alice"))[uid] for uid in some}, after
            )
        copied = self.done(self.theirs.copy(b"alice", [999, *uids[50:100], 998]))
        self.assertEqual([old for old, _ in copied], uids[50:100])
        self.assertEqual([new.uid for _, new in copied], list(range(112, 162)))
        loaded = {m.uid: m for m in self.done(self.ours.mailbox(b"alice")).messages}
        for old, new in copied:
            self.assertEqual(new, loaded[new.uid])
            self.assertEqual(new.flags, loaded[old].flags)
        self.assertEqual(self.done(self.ours.content(b"alice", 112)), b"x")
        self.done(self.ours.delete(b"alice", [*uids, 999]))
        self.assertEqual(self.uids(self.theirs, b"alice"), list(range(112, 162)))
        self.done(self.ours.delete(b"alice", []))

    def test_deleteMarked(self) -> None:
        """
        What another program has marked goes, and what isn't marked or named stays.
        """
        self.done(self.ours.mailbox(b"alice"))
        self.deliver(self.ours, *[b"x"] * 3)
        marked = [1, 2, 4]
        self.done(self.theirs.changeFlags(b"alice", marked, lambda flags: {"\\Deleted"}))
        gone = self.done(self.ours.deleteMarked(b"alice", [1, 3, 4, 9]))
        self.assertEqual(gone, [1, 4])
        self.assertEqual(self.uids(self.theirs, b"alice"), [2, 3])

    def test_recipient(self) -> None:
        """
        Of several names the first is taken that has a mailbox, if there is room.
        """
        for name in (b"alice", b"bob"):
            self.done(self.ours.mailbox(name))
        for names, found in (
            ([b"alice", b"bob"], b"alice"),
            ([b"carol", b"bob", b"alice"], b"bob"),
        ):
            self.assertEqual(self.done(self.theirs.recipient(names, 1)), found)
        self.failureResultOf(self.ours.recipient([b"carol", b"ALICE"], 1), NoSuchUser)
        finding = self.ours.recipient([b"alice"], LARGEST + 1)
        self.failureResultOf(finding, MailboxFull)

    def test_all(self) -> None:
        """
        All recipients get a message, with equal content, or none does.
        """
        for name in (b"alice", b"bob", b"carol"):
            self.done(self.ours.mailbox(name))
        names = [b"carol", b"alice", b"alice"]
        sent = self.done(self.ours.deliverToAll(names, b"x\n", 1.0, ["\\Seen"]))
        self.assertEqual(sent, dict.fromkeys(names, Message(2, 3, 1.0, {"\\Seen"})))
        for name in names:
            self.assertEqual(self.done(self.theirs.content(name, 2)), b"x\n")
        sending = self.theirs.deliverToAll([b"alice", b"nobody"], b"x")
        self.failureResultOf(sending, NoSuchUser)
        self.assertEqual(self.uids(self.ours, b"alice"), [1, 2])

    def test_full(self) -> None:
        """
        A mailbox takes so many messages, by copying, too; then whoever sends more is told
        so, and nothing of that is there.
        """
        self.done(self.ours.mailbox(b"alice"))
        while len(self.uids(self.ours, b"alice")) <= MOST_MESSAGES // 2:
            self.done(self.ours.copy(b"alice", self.uids(self.ours, b"alice")))
        before = self.uids(self.ours, b"alice")
        self.failureResultOf(self.theirs.copy(b"alice", before), MailboxFull)
        self.assertEqual(self.uids(self.ours, b"alice"), before)
        rest = MOST_MESSAGES - len(before)
        self.done(self.theirs.copy(b"alice", before[:rest]))
        self.failureResultOf(self.ours.deliver(b"alice", b"x"), MailboxFull)
        self.assertEqual(len(self.uids(self.ours, b"alice")), MOST_MESSAGES)
        self.failureResultOf(self.ours.deliver(b"bob", b"'" * LARGEST), NoSuchUser)

    def watch(self, store: StoreService, uidNext: int = 2) -> list[int]:
        """
        Watch Alice's mailbox.

        @return: the UIDs that are told, as they come.
        """
        told: list[int] = []
        store.watch(b"alice", uidNext, lambda message: told.append(message.uid))
        return told

    def test_watch(self) -> None:
        """
        Those who watch a mailbox are told at once of a message that came by their own
        program, and soon of one that came by the other; each in their order, and once.
        """
        self.done(self.ours.mailbox(b"alice"))
        here, there = self.watch(self.ours), self.watch(self.theirs)
        self.deliver(self.ours, b"2")
        self.assertEqual((here, there), ([2], []))
        self.deliver(self.theirs, b"3")
        self.assertEqual((here, there), ([2], [2, 3]))
        self.done(self.ours.copy(b"alice", [1, 3]))
        self.assertEqual(here, [2, 3, 4, 5])
        for _ in range(3):
            self.clock.advance(1)
        self.assertEqual((here, there), ([2, 3, 4, 5], [2, 3, 4, 5]))

    def test_watchFrom(self) -> None:
        """
        Whoever begins to watch is told of what has come since they looked; and not of
        what they know, or what is gone.
        """
        self.done(self.ours.mailbox(b"alice"))
        self.deliver(self.theirs, b"2", b"3", b"4")
        self.done(self.theirs.delete(b"alice", [3]))
        self.assertEqual(self.watch(self.ours, 3), [4])
        self.assertEqual(self.watch(self.ours, 5), [])

    def test_unwatch(self) -> None:
        """
        Whoever watches no more is told no more, also if others do.
        """
        self.done(self.ours.mailbox(b"alice"))
        told: list[Message] = []
        unwatch = self.ours.watch(b"alice", 2, told.append)
        other = self.watch(self.ours)
        unwatch()
        self.deliver(self.ours, b"2")
        self.assertEqual((told, other), ([], [2]))

    def test_look(self) -> None:
        """
        Who asks needn't wait for news to be told of what another program has delivered.
        """
        self.done(self.ours.mailbox(b"alice"))
        told = self.watch(self.ours)
        self.deliver(self.theirs, b"2", b"3")
        self.done(self.ours.look(b"alice"))
        self.assertEqual(told, [2, 3])

    def test_manyWatched(self) -> None:
        """
        News of many mailboxes come, each to those who watch it.
        """
        names = [b"user%d" % number for number in range(60)]
        told: list[tuple[bytes, int]] = []
        for name in names:
            self.done(self.ours.mailbox(name))
            self.ours.watch(name, 2, lambda m, name=name: told.append((name, m.uid)))
        self.done(self.theirs.deliverToAll(names[::7], b"x"))
        self.clock.advance(1)
        self.assertEqual(sorted(told), sorted((name, 2) for name in names[::7]))

    def together(self, *jobs: Callable[[], Any]) -> list[Any]:
        """
        Do jobs at the same time, each in a thread, and return what they return.
        """
        outcomes: list[Any] = [None] * len(jobs)

        def do(number: int, job: Callable[[], Any]) -> None:
            outcomes[number] = job()

        threads = [
            threading.Thread(target=do, args=pair, daemon=True)
            for pair in enumerate(jobs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        return outcomes

    def test_welcomedOnce(self) -> None:
        """
        A user who comes by several connections at once gets one mailbox.
        """
        for name in (b"alice", b"bob", b"carol"):
            jobs = [partial(store.mailbox, name) for store in self.both * 3]
            mailboxes = [self.done(each) for each in self.together(*jobs)]
            self.assertEqual(mailboxes, [mailboxes[0]] * 6)
            self.assertEqual(self.uids(self.ours, name), [1])

    def test_atOnce(self) -> None:
        """
        While eight clients deliver to two mailboxes in both orders, copy and delete,
        nothing is lost or doubled; and who looks never finds a message behind one that
        was there before, so that who looks for what is new misses nothing.
        """
        for name in (b"alice", b"bob"):
            self.done(self.ours.mailbox(name))
        done = threading.Event()

        def client(number: int) -> tuple[set[int], set[int]]:
            store, made, gone = self.both[number % 2], set(), set()
            names = [b"alice", b"bob"][:: 1 - number % 2 * 2]
            for _ in range(8):
                sent = self.done(store.deliverToAll(names, b"x"))[b"alice"].uid
                [(_, copy)] = self.done(store.copy(b"alice", [sent]))
                self.done(store.changeFlags(b"alice", [sent], lambda f: {"\\Deleted"}))
                gone.update(self.done(store.deleteMarked(b"alice", [sent])))
                made.update((sent, copy.uid))
            return made, gone

        def reader() -> set[int]:
            seen: set[int] = set()
            isLast = False
            while not isLast:
                isLast = done.is_set()
                last = max(seen, default=0)
                known = self.uids(self.theirs, b"alice")
                seen.update(uid for uid in known if uid > last)
            return seen

        def clients() -> list[tuple[set[int], set[int]]]:
            try:
                return self.together(*[partial(client, n) for n in range(8)])
            finally:
                done.set()

        outcomes, seen = self.together(clients, reader)
        made = list(chain(*(made for made, _ in outcomes)))
        gone = set(chain(*(gone for _, gone in outcomes)))
        self.assertEqual(sorted(made), list(range(2, 130)))
        self.assertEqual(len(gone), 64)
        left = {1, *made} - gone
        self.assertEqual(set(self.uids(self.ours, b"alice")), left)
        self.assertEqual(self.uids(self.ours, b"bob"), list(range(1, 66)))
        self.assertLessEqual(left, seen)


class _ServerTests(_StoreTests):
    """
    Tests on a server, which several transactions may change at a time.

    @cvar waiting: the statement that shows which transactions wait for others.
    @cvar careless: the statement by which transactions see what others haven't finished,
        if the server can do that, or fail where others were in the way.
    """

    waiting: str
    careless: str

    def behind(
        self, fill: Callable[[Transaction], object], deliver: Callable[[], Any]
    ) -> Any:
        """
        Do something while another transaction has locked Bob's mailbox, which ends when
        it is waited for.

        @param fill: what the other transaction does then.

        @return: what comes out of what was done.
        """
        hasLocked = threading.Event()
        for name in (b"alice", b"bob"):
            self.done(self.ours.mailbox(name))

        def other(transaction: Transaction) -> None:
            changes.lock(transaction, b"bob")
            hasLocked.set()
            while not self.server.query(self.waiting):
                pass
            fill(transaction)

        def later() -> Any:
            hasLocked.wait(60)
            return deliver()

        filling = partial(self.theirs._database.change, other, b"bob")
        return self.together(filling, later)[1]

    def test_filledMeanwhile(self) -> None:
        """
        A mailbox that another program fills while a delivery waits for it, and has
        another one already, is full.
        """
        self.patch(changes, "MOST_MESSAGES", 2)
        sending = self.behind(
            lambda t: changes.insert(t, [b"bob"], b"x", 1.0, ()),
            lambda: self.ours.deliverToAll([b"alice", b"bob"], b"x"),
        )
        self.failureResultOf(sending, MailboxFull)
        self.assertEqual(self.uids(self.ours, b"bob"), [1, 2])
        self.assertEqual(self.uids(self.ours, b"alice"), [1])

    def test_careless(self) -> None:
        """
        Whatever a server's default is, nobody is told of a message before it is there for
        good, and who waits for another transaction goes on after it.
        """
        self.server.query(self.careless.format(self.shared.url.database))
        self.ours, self.theirs = (self.start(self.shared) for _ in range(2))
        seen: list[list[int]] = []

        def fill(transaction: Transaction) -> None:
            changes.insert(transaction, [b"bob"], b"x", 1.0, ())
            seen.append(self.uids(self.ours, b"bob"))
            tries.append(1)

        tries: list[int] = []

        def deliver() -> Any:
            def work(transaction: Transaction) -> None:
                tries.append(2)
                changes.insert(transaction, [b"bob"], b"x", 1.0, ())

            return self.ours._database.change(work, b"bob")

        self.done(self.behind(fill, deliver))
        self.assertEqual((seen, sorted(tries)), ([[1]], [1, 2]))
        self.assertEqual(self.uids(self.theirs, b"bob"), [1, 2, 3])


class SQLiteTests(OnSQLite, _StoreTests):
    """
    Tests on SQLite.
    """


class PostgreSQLTests(OnPostgreSQL, _ServerTests):
    """
    Tests on PostgreSQL.
    """

    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
    careless = "alter database {} set default_transaction_isolation = 'serializable'"


class MariaDBTests(OnMariaDB, _ServerTests):
    """
    Tests on MariaDB.
    """

    waiting = "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'"
    careless = "set global tx_isolation = 'READ-UNCOMMITTED'"

    def test_careless(self) -> None:
        """
        Whatever the server's default is, nobody is told of a message before it is there
        for good.
        """
        self.addCleanup(self.server.query, "set global tx_isolation = default")
        super().test_careless()


del _ServerTests, _StoreTests
