"""
Tests for L{mycred.demo._mailstore._watching} and L{mycred.demo._mailstore._polling}.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, strategies as st

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._mailstore import Mailbox, Message
from mycred.demo._mailstore._polling import Polling
from mycred.demo._mailstore._watching import Watching


class _Mail:
    """
    Mailboxes whose answers come when the test says so.

    @ivar uids: the UIDs of the messages in each.
    @ivar asked: what was asked for, with its answer.
    """

    def __init__(self) -> None:
        self.uids: dict[bytes, set[int]] = {}
        self.next: dict[bytes, int] = {}
        self.asked: list[tuple[Mailbox, Deferred[Mailbox | None]]] = []

    def deliver(self, user: bytes, count: int = 1) -> None:
        """
        Put messages into a mailbox.
        """
        for _ in range(count):
            uid = self.next.get(user, 1)
            self.uids.setdefault(user, set()).add(uid)
            self.next[user] = uid + 1

    def newer(self, user: bytes, first: int) -> Deferred[Mailbox | None]:
        """
        Look at a mailbox as it is now, and answer later.
        """
        uids = sorted(uid for uid in self.uids.get(user, ()) if uid >= first)
        messages = [Message(uid, 1, 0.0) for uid in uids]
        answer: Deferred[Mailbox | None] = Deferred()
        found = Mailbox(user, 1, self.next.get(user, 1), messages)
        self.asked.append((found, answer))
        return answer

    def answer(self, number: int = 0) -> None:
        """
        Answer one of the questions.
        """
        found, answer = self.asked.pop(number)
        answer.callback(found)


class WatchingTests(SynchronousTestCase):
    """
    Tests for L{Watching}.
    """

    def setUp(self) -> None:
        self.mail = _Mail()
        self.watching = Watching(self.mail.newer)

    def watch(self, user: bytes = b"alice", uidNext: int = 1) -> list[int]:
        """
        Watch a mailbox.

        @return: the UIDs that are told.
        """
        told: list[int] = []
        self.watching.add(user, uidNext, lambda message: told.append(message.uid))
        return told

    @given(st.lists(st.integers(0, 5), max_size=30))
    def test_anyOrder(self, steps: list[int]) -> None:
        """
        However looks overlap, and in whatever order their answers come, each watcher is
        told of each message once, in the order of the UIDs.
        """
        self.setUp()
        told = [self.watch()]
        for step in steps:
            if step < 2:
                self.mail.deliver(b"alice", step)
                self.watching.look(b"alice")
            elif step == 2:
                told.append(self.watch(uidNext=self.mail.next.get(b"alice", 1)))
            elif self.mail.asked:
                self.mail.answer(step % len(self.mail.asked))
        self.watching.look(b"alice")
        while self.mail.asked:
            self.mail.answer(-1)
        uids = sorted(self.mail.uids.get(b"alice", ()))
        for each in told:
            self.assertEqual(each, uids[len(uids) - len(each) :])
        self.assertEqual(told[0], uids)

    def test_behind(self) -> None:
        """
        A watcher that begins behind the others, since its mailbox was loaded before they
        were told, is told of what they know already; whatever looks are under way.
        """
        ahead = self.watch()
        self.mail.deliver(b"alice", 2)
        self.watching.look(b"alice")
        self.mail.answer()
        self.mail.deliver(b"alice")
        self.watching.look(b"alice")
        behind = self.watch()
        self.watching.look(b"alice")
        self.mail.answer()
        self.mail.answer()
        self.assertEqual((ahead, behind), ([1, 2, 3], [1, 2, 3]))

    def test_gone(self) -> None:
        """
        A message that is gone when it is looked for is none, then or later.
        """
        told = self.watch()
        self.mail.deliver(b"alice", 3)
        self.watching.look(b"alice")
        self.mail.uids[b"alice"] = {2}
        self.watching.look(b"alice")
        self.mail.answer(1)
        self.mail.answer()
        self.assertEqual(told, [2])

    def test_nobody(self) -> None:
        """
        A mailbox that nobody watches isn't looked at; nor one without news.
        """
        self.successResultOf(self.watching.look(b"alice"))
        self.watching.heard(b"alice", 9)
        self.watch(uidNext=9)
        self.watching.heard(b"alice", 9)
        self.assertEqual(self.mail.asked, [])
        self.watching.heard(b"alice", 10)
        self.assertEqual(len(self.mail.asked), 1)

    def test_burst(self) -> None:
        """
        However many notices come, there is one look at a time, and the last look finds
        all; a notice that isn't true makes no more than one.
        """
        told = self.watch()
        for _ in range(9):
            self.mail.deliver(b"alice")
            self.watching.heard(b"alice", self.mail.next[b"alice"])
        self.assertEqual(len(self.mail.asked), 1)
        self.mail.answer()
        self.assertEqual((told, len(self.mail.asked)), ([1], 1))
        self.mail.answer()
        self.assertEqual((told, self.mail.asked), ([*range(1, 10)], []))
        for uidNext in (10**9, 10**9, 10):
            self.watching.heard(b"alice", uidNext)
        self.mail.answer()
        self.assertEqual(self.mail.asked, [])

    def test_failing(self) -> None:
        """
        After a look that fails there is another when more news come.
        """
        self.watch()
        self.mail.deliver(b"alice")
        self.watching.heard(b"alice", 2)
        [(_, answer)] = self.mail.asked
        answer.errback(OSError())
        self.watching.heard(b"alice", 2)
        self.assertEqual(len(self.mail.asked), 2)

    def test_stop(self) -> None:
        """
        What is heard after the end makes no look, and who leaves then may.
        """
        leave = self.watching.add(b"alice", 1, lambda message: None)
        self.watching.stop()
        self.watching.heard(b"alice", 9)
        self.assertEqual(self.mail.asked, [])
        leave()

    def test_missing(self) -> None:
        """
        A mailbox that is gone has no news.
        """
        told = self.watch()
        looking = self.watching.look(b"alice")
        [(_, answer)] = self.mail.asked
        answer.callback(None)
        self.successResultOf(looking)
        self.assertEqual(told, [])

    def test_fails(self) -> None:
        """
        A watcher that fails is logged, and told of the next message all the same.
        """
        told: list[int] = []

        def watcher(message: Message) -> None:
            told.append(message.uid)
            raise ZeroDivisionError

        self.watching.add(b"alice", 1, watcher)
        other = self.watch()
        self.mail.deliver(b"alice", 2)
        self.watching.look(b"alice")
        self.mail.answer()
        self.assertEqual((told, other), ([1, 2], [1, 2]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_whileTold(self) -> None:
        """
        A look that ends while a watcher is told tells it of nothing twice.
        """
        told: list[int] = []

        def watcher(message: Message) -> None:
            told.append(message.uid)
            if self.mail.asked:
                self.mail.answer()

        self.watching.add(b"alice", 1, watcher)
        self.mail.deliver(b"alice", 2)
        self.watching.look(b"alice")
        self.watching.look(b"alice")
        self.mail.answer()
        self.assertEqual(told, [1, 2])

    def test_leaves(self) -> None:
        """
        Whoever leaves because of a message is told no more, and so is who is made to
        leave by another.
        """
        told: list[str] = []

        def first(message: Message) -> None:
            told.append(f"first {message.uid}")
            for each in leave:
                each()

        leave = [
            self.watching.add(b"alice", 1, first),
            self.watching.add(b"alice", 1, lambda message: told.append("second")),
        ]
        self.mail.deliver(b"alice", 2)
        self.watching.look(b"alice")
        self.mail.answer()
        self.assertEqual(told, ["first 1"])
        self.assertEqual(list(self.watching), [])


class PollingTests(SynchronousTestCase):
    """
    Tests for L{Polling}.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.mail = _Mail()
        self.watching = Watching(self.mail.newer)
        self.polls: list[list[bytes]] = []
        self.failing = False
        self.polling = Polling(self.watching, self.nextUIDs, self.clock)
        self.polling.start()
        self.polling.start()
        self.addCleanup(self.polling.stop)

    def nextUIDs(self, users: Iterable[bytes]) -> Deferred[dict[bytes, int]]:
        """
        Answer a poll.
        """
        self.polls.append(list(users))
        return fail(OSError()) if self.failing else succeed(dict(self.mail.next))

    def watch(self) -> None:
        """
        Watch Alice's mailbox.
        """
        self.watching.add(b"alice", 1, lambda message: None)

    def advance(self, seconds: int) -> int:
        """
        Wait, and return how many polls there were meanwhile.
        """
        before = len(self.polls)
        for _ in range(seconds):
            self.clock.advance(1)
        return len(self.polls) - before

    def test_watched(self) -> None:
        """
        Mailboxes are polled once a second while they are watched, and one with news is
        looked at.
        """
        self.assertEqual(self.advance(5), 0)
        self.watch()
        self.assertEqual(self.advance(5), 5)
        self.assertEqual((self.polls[0], self.mail.asked), ([b"alice"], []))
        self.mail.deliver(b"alice")
        self.mail.deliver(b"bob")
        self.advance(1)
        self.assertEqual([found.user for found, _ in self.mail.asked], [b"alice"])

    def test_told(self) -> None:
        """
        While the database tells of new mail they are polled less often; and at once when
        that begins or ends, since what came meanwhile wasn't told.
        """
        self.watch()
        self.polling.setTold(True)
        self.assertEqual(self.advance(1), 1)
        self.assertEqual(self.advance(20), 2)
        self.polling.setTold(False)
        self.assertEqual(self.advance(5), 5)

    def test_failing(self) -> None:
        """
        A poll that fails, or takes long, comes again later.
        """
        self.watch()
        self.failing = True
        self.assertEqual(self.advance(3), 3)
        answer: Deferred[dict[bytes, int]] = Deferred()
        self.patch(self.polling, "_nextUIDs", lambda users: answer)
        self.advance(3)
        self.polling.stop()
        answer.callback({b"alice": 2})
        self.assertEqual(len(self.mail.asked), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
