"""
Tests for L{mycred._checking._stores}, L{mycred._verdict} and L{mycred._types}: stores
that are asked off the reactor's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from math import inf, nan
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._checking._stores import AsyncStore, DirectoryStore, ThreadedStore
from mycred._verdict import Kind, Note, Verdict
from mycred.error import TemporaryFailure
from mycred.testing import SteppedWorkers

ALICE = Verdict(Kind.ACCEPTED, b"alice")
REFUSED = Verdict(Kind.REFUSED, b"alice", "wrong password")


class Memory:
    """
    A store of verdicts, or of what it raises.
    """

    path = "/a/store"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.notes: list[Note] = []

    def lookUp(self, name: bytes, password: bytes | None) -> Verdict:
        """
        Return the next answer; the last one again and again.
        """
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def takeNotes(self) -> Iterator[Note]:
        """
        Take the notes.
        """
        while self.notes:
            yield self.notes.pop(0)


class StoresTestCase(SynchronousTestCase):
    """
    Base of the tests below.
    """

    def setUp(self) -> None:
        self.workers = SteppedWorkers()
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def logged(self) -> list[str]:
        """
        Return the lines of the log.
        """
        return [formatEvent(event) or "" for event in self.events]


class ThreadedTests(StoresTestCase):
    """
    Tests for stores in threads of this process.
    """

    def lookUp(self, *answers: Any) -> Deferred[Verdict]:
        """
        Look alice up.
        """
        self.store = ThreadedStore(Memory(*answers), self.workers)
        return self.store.lookUp(b"alice", b"x")

    def test_answer(self) -> None:
        """
        The verdict comes from a thread, and what the store has noted is logged.
        """
        asking = self.lookUp(ALICE)
        self.store.store.notes.append(Note("{file} is odd", {"file": "/a/store"}))
        self.assertNoResult(asking)
        self.workers.step()
        self.assertIs(self.successResultOf(asking), ALICE)
        self.assertEqual(self.logged(), ["/a/store is odd"])

    def test_shared(self) -> None:
        """
        Who asks for the same at the same time shares the verdict.
        """
        first = self.lookUp(REFUSED)
        second = self.store.lookUp(b"alice", b"x")
        self.workers.step()
        self.assertIs(self.successResultOf(first), self.successResultOf(second))

    def test_notShared(self) -> None:
        """
        Otherwise each asks by itself.
        """
        store = ThreadedStore(Memory(ALICE, REFUSED), self.workers)
        asked = [store.ask(store.store.lookUp, b"alice", b"x") for _ in range(2)]
        self.workers.step(2)
        self.assertEqual([self.successResultOf(a) for a in asked], [ALICE, REFUSED])

    def test_doubt(self) -> None:
        """
        A verdict in doubt is asked for again, until there is none or the file has come
        to rest.
        """
        doubtful = [replace(REFUSED, doubt=(n, 0, 0, 0, 0)) for n in range(3)]
        for answers, expected in (
            ([doubtful[0], doubtful[1], ALICE], ALICE),
            ([doubtful[0], doubtful[1], doubtful[1]], doubtful[1]),
        ):
            asking = self.lookUp(*answers)
            for _ in answers:
                self.assertNoResult(asking)
                self.workers.step()
                self.workers.reactor.advance(AsyncStore.PAUSE)
            self.assertIs(self.successResultOf(asking), expected)

    def test_outage(self) -> None:
        """
        A store that can't be read, or fails, is a temporary failure, which tells the
        client nothing.
        """
        for error, why in (
            (OSError("the disk is gone"), "/a/store can't be read: the disk is gone"),
            (ZeroDivisionError(), "a look-up in /a/store failed"),
        ):
            asking = self.lookUp(error)
            self.workers.step()
            failure = self.failureResultOf(asking, TemporaryFailure)
            self.assertEqual(failure.value.args, ("Temporarily unavailable",))
            self.assertEqual(failure.value.why, why)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn("/a/store can't be read: the disk is gone", self.logged())

    def test_delay(self) -> None:
        """
        A verdict that asks for a delay, and for more as it becomes known, comes after it.
        """
        asking = self.lookUp(replace(REFUSED, delay=1.0, pauses=iter([2.0, 0.0, 0.5])))
        self.workers.step()
        self.workers.reactor.pump([1.0, 1.9])
        self.assertNoResult(asking)
        self.workers.reactor.pump([0.2, 0.5])
        self.assertEqual(self.successResultOf(asking), replace(REFUSED, delay=1.0))

    def test_absurdDelay(self) -> None:
        """
        A delay that is none isn't waited for, and an absurd one ends by the deadline.
        """
        for delay, waited in ((-1.0, 0.0), (nan, 0.0), (inf, 30.0)):
            verdict = replace(REFUSED, delay=delay)
            asking = self.lookUp(verdict)
            self.workers.step()
            self.workers.reactor.advance(waited)
            self.assertIs(self.successResultOf(asking), verdict)

    def test_gone(self) -> None:
        """
        If the client goes during the delay, the verdict stands; a login that is
        cancelled before has none.
        """
        asking = self.lookUp(replace(REFUSED, delay=1.0))
        self.workers.step()
        asking.cancel()
        self.assertIs(self.successResultOf(asking).kind, Kind.REFUSED)
        asking = self.lookUp(ALICE)
        asking.cancel()
        self.failureResultOf(asking, CancelledError)

    def test_now(self) -> None:
        """
        In the caller's thread the rules are the same.
        """
        store = ThreadedStore(Memory(OSError("gone"), ALICE), self.workers)

        def lookUp() -> Verdict:
            store.store.notes.append(Note("odd"))
            return store.store.lookUp(b"alice", None)

        self.assertRaises(TemporaryFailure, store.now, lookUp)
        self.assertIs(store.now(lookUp), ALICE)
        self.assertEqual(self.logged().count("odd"), 2)


class Server:
    """
    A directory with something to tell the log.
    """

    def takeNotes(self) -> Iterator[str]:
        """
        Take a note.
        """
        yield "ldap1\x1b is {down}"

    def close(self) -> None:
        """
        Close nothing.
        """


class DirectoryTests(StoresTestCase):
    """
    Tests for directories.
    """

    def lookUp(self, find: Callable[..., Verdict]) -> Deferred[Verdict]:
        """
        Look alice up.
        """
        self.store = DirectoryStore(Server(), 30.0, self.workers)
        return self.store.lookUp(find, b"alice", b"x")

    def test_steps(self) -> None:
        """
        The log is told the steps, and what servers have said, whatever stands in it.
        """
        asked: list[Any] = []

        def find(*args: Any) -> Verdict:
            asked.append(args)
            return replace(ALICE, steps=("bind as cn=alice",))

        asking = self.lookUp(find)
        self.workers.step()
        self.assertIs(self.successResultOf(asking).kind, Kind.ACCEPTED)
        self.assertEqual(self.logged(), ["ldap1\\x1b is {down}", "bind as cn=alice"])
        self.assertEqual((asked[0][:2], asked[0][3]), ((b"alice", b"x"), False))

    def test_tooLate(self) -> None:
        """
        A login that has waited for too long isn't begun with.
        """
        store = DirectoryStore(Server(), -1.0, self.workers)
        asking = store.lookUp(lambda *args: ALICE, b"alice", b"x")
        self.workers.step()
        verdict = self.successResultOf(asking)
        self.assertEqual((verdict.kind, verdict.name), (Kind.UNSURE, b"alice"))
        self.assertEqual(verdict.why, "too many logins wait for the directory")


class VerdictTests(SynchronousTestCase):
    """
    Tests for what stores answer.
    """

    def test_frozen(self) -> None:
        """
        A verdict stays what it is.
        """
        verdict: Any = ALICE
        with self.assertRaises(FrozenInstanceError):
            verdict.kind = Kind.REFUSED

    def test_noSecretsShown(self) -> None:
        """
        It is shown without what is stored.
        """
        shown = repr(replace(REFUSED, secret=b"sesame", values=(b"tulip",)))
        self.assertNotIn("sesame", shown)
        self.assertNotIn("tulip", shown)

    def test_note(self) -> None:
        """
        A note is shown as the log shows it.
        """
        self.assertEqual(str(Note("{a} is {b}", {"a": 1, "b": 2})), "1 is 2")
        self.assertEqual(str(Note("nothing")), "nothing")
