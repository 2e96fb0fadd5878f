"""
Tests for L{mycred._state._table}.
"""

from __future__ import annotations

import os
from hashlib import blake2b

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._state._table import Table, _Places


def key(number: int) -> bytes:
    """
    Return a key.
    """
    return blake2b(b"%d" % number, digest_size=8).digest()


class TableTests(SynchronousTestCase):
    """
    Tests for tables.
    """

    @settings(max_examples=50)
    @given(
        st.lists(
            st.tuples(st.integers(0, 3000), st.sampled_from(["put", "put", "drop"])),
            max_size=2000,
        ),
        st.integers(0, 2**32),
    )
    def test_likeADictionary(self, steps: list[tuple[int, str]], seed: int) -> None:
        """
        As long as there is room it keeps what a dictionary keeps.
        """
        table, model = Table(1 << 16), {}
        for count, (number, step) in enumerate([(n, "put") for n in range(600)] + steps):
            one = key(number + seed)
            if step == "put":
                model[one] = (count + 1.0, float(number))
                table.put(one, model[one])
            else:
                model.pop(one, None)
                table.drop(one)
        for number in range(3001):
            one = key(number + seed)
            self.assertEqual(table.get(one), model.get(one))

    def test_bounded(self) -> None:
        """
        It never holds much more than it has room for, and what it doesn't hold is what
        would have ended first.
        """
        table = Table(1024)
        for number in range(20_000):
            table.put(key(number), (1e6 if number % 20 == 0 else 1.0 + number, 0.0))
        self.assertLess(len(table), 1024 + 1024)
        kept = [number for number in range(20_000) if table.get(key(number))]
        lasting = [number for number in kept if number % 20 == 0]
        self.assertGreater(len(lasting), 800)

    def test_ofOne(self) -> None:
        """
        Keys that begin alike push out each other, and nothing else.
        """
        table = Table(1 << 12)
        others = [os.urandom(16) for _ in range(1000)]
        for other in others:
            table.put(other, (1.0, 0.0))
        for number in range(20_000):
            table.put(bytes(8) + key(number), (2.0 + number, 0.0))
        kept = [other for other in others if table.get(other)]
        self.assertGreater(len(kept), 950)
        self.assertIsNot(table.get(bytes(8) + key(19_999)), None)

    def test_overlapping(self) -> None:
        """
        What looks like a key where one ends and the next begins is none.
        """
        places = _Places(16)
        looksLike = b"\2" * 4 + b"\3" * 4
        for first in (b"\1" * 4 + b"\2" * 4, b"\3" * 8):
            places.put(first, (5.0, 0.0))
        self.assertIs(places.get(looksLike), None)
        places.put(looksLike, (6.0, 1.0))
        self.assertEqual(places.get(looksLike), (6.0, 1.0))
        self.assertEqual(places.used, 3)

    def test_memory(self) -> None:
        """
        A table that holds little takes little memory, whatever there is room for.
        """
        table = Table(1 << 30)
        for number in range(500):
            table.put(key(number), (1.0, 0.0))
        self.assertEqual(len(table), 500)
        self.assertIs(table._places, None)
