"""
Tests for L{mycred._tokens._remembered}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import Identity
from mycred._tokens._remembered import RememberedTokens

from ..kit.tokens import NOW


class RememberedTests(SynchronousTestCase):
    """
    Tests for L{RememberedTokens}.
    """

    def setUp(self) -> None:
        self.clock, self.wall = Clock(), Clock()
        self.wall.advance(NOW)

    def make(self, keep: float = 60, most: int = 3) -> RememberedTokens:
        """
        Make a memory.
        """
        return RememberedTokens(keep, most, self.wall.seconds, self.clock.seconds)

    def test_keep(self) -> None:
        """
        A token is remembered for a while, even if the time is set back meanwhile.
        """
        memory = self.make()
        alice = Identity(b"alice", b"alice", None)
        memory.add(b"a", alice)
        self.clock.advance(59)
        self.assertIs(memory.find(b"a"), alice)
        self.wall.rightNow -= 3600
        self.clock.advance(1)
        self.assertIsNone(memory.find(b"a"))

    def test_expiry(self) -> None:
        """
        It isn't remembered longer than it is good.
        """
        memory = self.make()
        memory.add(b"a", Identity(b"alice", b"alice", NOW + 10))
        self.wall.advance(10)
        self.assertIsNone(memory.find(b"a"))

    def test_most(self) -> None:
        """
        When there are too many, the oldest goes.
        """
        memory = self.make()
        for name in (b"a", b"b", b"a", b"c", b"d"):
            memory.add(name, Identity(name, name, None))
        found = [memory.find(name) is not None for name in (b"a", b"b", b"c", b"d")]
        self.assertEqual(found, [True, False, True, True])

    def test_nothing(self) -> None:
        """
        Nothing is remembered if that is wanted.
        """
        memory = self.make(keep=0)
        memory.add(b"a", Identity(b"a", b"a", None))
        self.assertIsNone(memory.find(b"a"))

    def test_digest(self) -> None:
        """
        A token isn't kept, but a digest that nobody else can make.
        """
        first, second = self.make(), self.make()
        self.assertEqual(first.digestOf(b"t"), first.digestOf(b"t"))
        self.assertNotEqual(first.digestOf(b"t"), second.digestOf(b"t"))
        self.assertNotEqual(first.digestOf(b"t"), first.digestOf(b"u"))
