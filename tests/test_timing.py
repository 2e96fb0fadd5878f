"""
Tests for L{mycred._timing}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._timing import Timing


class PaceTests(SynchronousTestCase):
    """
    Tests for L{Timing}.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.pace = Timing(self.clock.seconds)

    def test_nothing(self) -> None:
        """
        Before anything is known nobody waits.
        """
        self.assertEqual(self.pace.least(), 0)

    def test_oneOfEach(self) -> None:
        """
        Whoever logs in all the time, and is quick, doesn't hide that others are slow.
        """
        self.pace.accept("cn=slow", 0.4)
        for _ in range(1000):
            self.pace.accept("cn=quick", 0.001)
        self.assertEqual(self.pace.least(), 0.5)

    def test_latest(self) -> None:
        """
        The latest login of each counts, and of those who came lately.
        """
        self.pace.accept("cn=a", 0.4)
        self.pace.accept("cn=a", 0.2)
        self.assertEqual(self.pace.least(), 0.25)
        for number in range(64):
            self.pace.accept(f"cn={number}", 0.1)
        self.assertEqual(self.pace.least(), 0.125)
        for number in range(5):
            self.pace.accept(f"cn={number}", 0.4)
        # Those who have just been here aren't the next to be forgotten.
        for number in range(64, 64 + 30):
            self.pace.accept(f"cn={number}", 0.1)
        self.assertEqual(self.pace.least(), 0.5)

    def test_few(self) -> None:
        """
        A few who took far longer than the others don't count.
        """
        for number in range(64):
            self.pace.accept(f"cn={number}", 0.8 if number % 16 == 0 else 0.4)
        self.assertEqual(self.pace.least(), 0.5)
        self.pace.accept("cn=1", 0.8)
        self.assertEqual(self.pace.least(), 1)

    def test_refused(self) -> None:
        """
        The slowest refusal counts, however many quick ones there were, and whoever got
        in faster: a directory that has much to do takes longer with everybody.
        """
        self.pace.refuse(0.4)
        for _ in range(1000):
            self.pace.refuse(0.001)
        self.assertEqual(self.pace.least(), 0.5)
        self.pace.accept("cn=a", 0.2)
        self.assertEqual(self.pace.least(), 0.5)
        self.pace.accept("cn=b", 0.6)
        self.assertEqual(self.pace.least(), 0.75)

    def test_underWay(self) -> None:
        """
        A login that is under way, and takes longer than others took, counts while it
        lasts, whatever becomes of it.
        """
        self.pace.accept("cn=a", 0.2)
        with self.pace.underWay():
            self.assertEqual(self.pace.least(), 0.25)
            self.clock.advance(0.4)
            with self.pace.underWay():
                self.assertEqual(self.pace.least(), 0.5)
            self.assertEqual(self.pace.least(), 0.5)
            self.clock.advance(500)
            self.assertEqual(self.pace.least(), 1)
        self.assertEqual(self.pace.least(), 0.25)
        with self.assertRaises(ValueError), self.pace.underWay():
            raise ValueError
        self.clock.advance(0.4)
        self.assertEqual(self.pace.least(), 0.25)

    def test_forgotten(self) -> None:
        """
        A slow refusal counts for ten minutes at least and for twenty at most.
        """
        self.pace.accept("cn=a", 0.2)
        self.pace.refuse(0.4)
        self.clock.advance(599)
        self.pace.refuse(0.6)
        self.assertEqual(self.pace.least(), 0.75)
        self.clock.advance(2)
        self.pace.refuse(0.1)
        self.clock.advance(598)
        self.assertEqual(self.pace.least(), 0.75)
        self.clock.advance(10)
        self.assertEqual(self.pace.least(), 0.25)
        self.pace.refuse(0.4)
        self.clock.advance(1201)
        self.assertEqual(self.pace.least(), 0.25)

    def test_flood(self) -> None:
        """
        What has taken long ten minutes ago, in a flood, doesn't count once somebody has
        come since; as long as nobody has, that is all that is known.
        """
        self.pace.accept("root", 0.8)
        self.clock.advance(599)
        self.pace.accept("cn=a", 0.1)
        self.assertEqual(self.pace.least(), 1)
        self.clock.advance(2)
        self.assertEqual(self.pace.least(), 0.125)
        self.clock.advance(5000)
        self.assertEqual(self.pace.least(), 0.125)

    def test_longest(self) -> None:
        """
        Nobody waits for longer than a second.
        """
        self.pace.accept("cn=a", 500)
        self.assertEqual(self.pace.least(), 1)
