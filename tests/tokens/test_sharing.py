"""
Tests for L{mycred._tokens._sharing}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import CannotTell
from mycred._tokens._sharing import SharedRequests


class SharedRequestsTests(SynchronousTestCase):
    """
    Tests for L{SharedRequests}.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[Deferred[Any]] = []
        self.cancelled = 0
        self.requests: SharedRequests[Any] = SharedRequests(10, self.clock)

    def start(self) -> Deferred[Any]:
        """
        Send a request.
        """

        def cancel(_: object) -> None:
            self.cancelled += 1

        self.sent.append(Deferred(cancel))
        return self.sent[-1]

    def ask(self, key: str = "a") -> Deferred[Any]:
        """
        Ask.
        """
        return self.requests.ask(key, self.start)

    def test_once(self) -> None:
        """
        There is one request for all who ask the same meanwhile, and a new one later.
        """
        first, second, other = self.ask(), self.ask(), self.ask("b")
        self.assertEqual(len(self.sent), 2)
        self.sent[0].callback(7)
        self.assertEqual([self.successResultOf(d) for d in (first, second)], [7, 7])
        self.assertNoResult(other)
        self.ask()
        self.assertEqual(len(self.sent), 3)

    def test_atOnce(self) -> None:
        """
        A request may be answered at once.
        """
        answer = self.requests.ask("a", lambda: 7)  # type: ignore[arg-type, return-value]
        self.assertEqual(self.successResultOf(answer), 7)
        self.assertEqual(len(self.requests), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failure(self) -> None:
        """
        Each caller gets a failure of their own, to which they may add.
        """
        answers = [self.ask(), self.ask()]
        self.sent[0].errback(CannotTell("no"))
        first, second = [self.failureResultOf(d, CannotTell) for d in answers]
        self.assertIsNot(first, second)

    def test_leave(self) -> None:
        """
        Who leaves disturbs nobody; when the last one leaves the request is given up.
        """
        first, second = self.ask(), self.ask()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.cancelled, 0)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.assertEqual(self.cancelled, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_goesOn(self) -> None:
        """
        A request that is to go on isn't given up.
        """
        self.requests = SharedRequests(10, self.clock, goesOn=True)
        self.failureResultOf(self.addedAndCancelled(), CancelledError)
        self.assertEqual((self.cancelled, len(self.requests)), (0, 1))
        later = self.ask()
        self.sent[0].callback(7)
        self.assertEqual(self.successResultOf(later), 7)

    def addedAndCancelled(self) -> Deferred[Any]:
        """
        Ask, and leave.
        """
        answer = self.ask()
        answer.cancel()
        return answer

    def test_deadline(self) -> None:
        """
        Each caller waits no longer than the deadline, also for another's request.
        """
        first = self.ask()
        self.clock.advance(5)
        second = self.ask()
        self.clock.advance(5)
        self.failureResultOf(first, CannotTell)
        self.assertNoResult(second)
        self.clock.advance(5)
        self.failureResultOf(second, CannotTell)
        self.assertEqual(self.cancelled, 1)

    def test_leaveOther(self) -> None:
        """
        One whom an answer makes leave gets none.
        """
        first, second = self.ask(), self.ask()
        first.addCallback(lambda _: second.cancel())
        self.sent[0].callback(7)
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)
