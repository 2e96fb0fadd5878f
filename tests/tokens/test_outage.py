"""
Tests for L{mycred._tokens._outage}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import CannotTell
from mycred._tokens._outage import Outage

from ..kit.tokens import captured


class OutageTests(SynchronousTestCase):
    """
    Tests for L{Outage}.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.outage = Outage(self.clock.seconds)
        self.said = captured(self)

    def test_quiet(self) -> None:
        """
        The same trouble is logged once a minute.
        """
        for _ in range(4):
            self.assertIsInstance(self.outage.note("down"), CannotTell)
            self.clock.advance(20)
        self.assertEqual(self.said(), ["Tokens can't be checked: down"] * 2)

    def test_end(self) -> None:
        """
        Its end is logged, once; when it comes and goes the log isn't filled.
        """
        self.outage.end()
        for _ in range(10):
            self.outage.note("down")
            self.outage.end()
        told = ["Tokens can't be checked: down", "Tokens can be checked again"]
        self.assertEqual(self.said(), told)

    def test_bounded(self) -> None:
        """
        However many different troubles there are, few are remembered.
        """
        for number in range(1000):
            self.outage.note(f"down {number}")
        self.assertLess(len(self.outage._quietUntil), 30)
