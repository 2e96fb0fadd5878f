"""
Tests for L{mycred.testing}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred import hashes
from mycred.error import TemporaryFailure
from mycred.testing import HandReactor, SteppedWorkers

from .kit.files import BCRYPT


class SteppedWorkersTests(SynchronousTestCase):
    """
    Tests for L{SteppedWorkers}.
    """

    def verifying(self, workers: SteppedWorkers, password: bytes) -> Deferred[bool]:
        """
        Have workers verify a password.
        """
        return workers.run(hashes.verify, BCRYPT, password)

    def test_step(self) -> None:
        """
        A job is done when the test says so.
        """
        workers = SteppedWorkers()
        right = self.verifying(workers, b"hashed")
        wrong = self.verifying(workers, b"tulip")
        self.assertNoResult(right)
        workers.step()
        self.assertIs(self.successResultOf(right), True)
        self.assertNoResult(wrong)
        workers.step()
        self.assertIs(self.successResultOf(wrong), False)
        error = self.assertRaises(AssertionError, workers.step)
        self.assertEqual(str(error), "no job waits")

    def test_deadline(self) -> None:
        """
        Time passes when the test says so.
        """
        workers = SteppedWorkers(deadline=5)
        waiting = self.verifying(workers, b"hashed")
        workers.reactor.advance(4.9)
        self.assertNoResult(waiting)
        workers.reactor.advance(0.1)
        self.failureResultOf(waiting, TemporaryFailure)
        # No caller waits for it any more.
        workers.step()

    def test_queueLimit(self) -> None:
        """
        A full queue refuses a job at once.
        """
        workers = SteppedWorkers(queueLimit=0)
        self.failureResultOf(self.verifying(workers, b"hashed"), TemporaryFailure)

    def test_notRunning(self) -> None:
        """
        While the reactor doesn't run, a job is done at once.
        """
        verified = self.verifying(SteppedWorkers(running=False), b"hashed")
        self.assertIs(self.successResultOf(verified), True)

    def test_stop(self) -> None:
        """
        When the reactor stops, what waits and what comes later fails.
        """
        workers = SteppedWorkers()
        waiting = self.verifying(workers, b"hashed")
        workers.reactor.stop()
        self.failureResultOf(waiting, TemporaryFailure)
        later = self.verifying(workers, b"hashed")
        self.failureResultOf(later, TemporaryFailure)


class HandReactorTests(SynchronousTestCase):
    """
    Tests for L{HandReactor}.
    """

    def test_triggers(self) -> None:
        """
        What is to be done before and after the end is done then, each once.
        """
        reactor, done = HandReactor(), []
        reactor.addSystemEventTrigger("before", "shutdown", done.append, "before")
        reactor.addSystemEventTrigger("after", "shutdown", done.append, "after")
        self.assertEqual(done, [])
        for _ in range(2):
            reactor.stop()
        self.assertEqual(done, ["before"])
        for _ in range(2):
            reactor.stopped()
        self.assertEqual(done, ["before", "after"])
