"""
Tests for L{mycred._state._values}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._state._values import Values


class ValuesTests(SynchronousTestCase):
    """
    Tests for values.
    """

    def setUp(self) -> None:
        """
        Make values.
        """
        self.clock = Clock()
        self.values = Values(self.clock.seconds)

    def fill(self, seconds: float) -> int:
        """
        Set values until there is no room.

        @return: how many there were.
        """
        count = 0
        while self.values.compareAndSet(b"%d" % count, None, bytes(4096), seconds):
            count += 1
        return count

    def test_full(self) -> None:
        """
        Where there is no room a value isn't set, and no other is forgotten for it; one
        that is there can be changed to one that is no longer.
        """
        count = self.fill(60)
        self.assertLess(count * 4096, 10_000_000)
        self.assertEqual(self.values.recall(b"0"), bytes(4096))
        self.assertTrue(self.values.compareAndSet(b"0", bytes(4096), b"x", 60))
        self.assertFalse(self.values.compareAndSet(b"0", b"x", bytes(9999), 60))
        self.assertEqual(self.values.recall(b"0"), b"x")

    def test_tooOld(self) -> None:
        """
        What is too old makes room.
        """
        self.fill(60)
        self.clock.advance(61)
        self.assertTrue(self.values.compareAndSet(b"new", None, bytes(4096), 60))
        self.assertEqual(len(self.values._values), 1)

    def test_forEver(self) -> None:
        """
        What is kept for ever stays.
        """
        self.values.compareAndSet(b"secret", None, b"x", 0)
        self.fill(60)
        self.clock.advance(1e9)
        self.fill(60)
        self.assertEqual(self.values.recall(b"secret"), b"x")
