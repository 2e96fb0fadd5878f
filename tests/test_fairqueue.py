"""
Tests for L{mycred._fairqueue}.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._fairqueue import FairQueue, Source

names = st.integers(0, 2)
sources = st.lists(names, max_size=3).map(tuple)


def turnsOf(*items: tuple[str, Source]) -> FairQueue[str]:
    """
    Make a queue.
    """
    turns: FairQueue[str] = FairQueue()
    for item, source in items:
        turns.add(item, source)
    return turns


def taken(turns: FairQueue[str]) -> list[str]:
    """
    Take all that waits.
    """
    return [turns.take() for _ in range(len(turns))]


class TurnsTests(SynchronousTestCase):
    """
    Tests for L{FairQueue}.
    """

    def test_oneSource(self) -> None:
        """
        Of one source the first come are the first served.
        """
        turns = turnsOf(("a", (1,)), ("b", (1,)), ("c", (1,)))
        self.assertEqual(taken(turns), ["a", "b", "c"])
        self.assertRaises(LookupError, turns.take)
        self.assertRaises(LookupError, turns.last)

    def test_unknownSource(self) -> None:
        """
        So are those of whom nothing is known.
        """
        self.assertEqual(taken(turnsOf(("a", ()), ("b", ()))), ["a", "b"])

    def test_turns(self) -> None:
        """
        Who comes last from elsewhere is next but one, however much waits.
        """
        flood = [(f"flood{n}", ("net", "host", n % 3)) for n in range(100)]
        turns = turnsOf(*flood, ("guest", ("other", "host", 1)))
        self.assertEqual(taken(turns)[1], "guest")

    def test_withinANetwork(self) -> None:
        """
        Addresses of one network take turns, and so do connections from one address.
        """
        turns = turnsOf(
            *[(f"flood{n}", ("net", "host", 1)) for n in range(10)],
            ("connection", ("net", "host", 2)),
            ("neighbour", ("net", "other", 3)),
        )
        self.assertEqual(
            taken(turns)[:4], ["flood0", "neighbour", "connection", "flood1"]
        )

    def test_last(self) -> None:
        """
        What has most to wait for is the last of who has most.
        """
        turns = turnsOf(
            ("a", ("net", 1)),
            ("b", ("net", 1)),
            ("c", ("net", 2)),
            ("d", ("other", 3)),
        )
        self.assertEqual(turns.last(), "b")
        self.assertTrue(turns.remove("b", ("net", 1)))
        self.assertEqual(turns.last(), "c")

    def test_remove(self) -> None:
        """
        What is removed doesn't wait any more; what isn't there can't be removed.
        """
        turns = turnsOf(("a", (1, 2)), ("b", (1, 2)))
        self.assertTrue(turns.remove("a", (1, 2)))
        self.assertFalse(turns.remove("a", (1, 2)))
        self.assertFalse(turns.remove("b", (1, 3)))
        self.assertFalse(turns.remove("b", (2,)))
        self.assertEqual(taken(turns), ["b"])

    @given(st.lists(sources, max_size=30))
    def test_nothingIsLost(self, origins: list[Source]) -> None:
        """
        Each item is handed out once.
        """
        items = [(str(number), source) for number, source in enumerate(origins)]
        turns = turnsOf(*items)
        self.assertEqual(len(turns), len(items))
        self.assertEqual(Counter(taken(turns)), Counter(item for item, _ in items))
        self.assertFalse(turns)

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
    def test_fair(self, origins: list[int]) -> None:
        """
        As long as two sources wait, neither is served twice before the other.
        """
        items = [(f"{source}.{n}", (source,)) for n, source in enumerate(origins)]
        order = [item.split(".")[0] for item in taken(turnsOf(*items))]
        for place, source in enumerate(order[1:], 1):
            if order[place - 1] == source:
                self.assertEqual(set(order[place:]), {source})
