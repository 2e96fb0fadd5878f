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


def queueOf(*items: tuple[str, Source]) -> FairQueue[str]:
    """
    Make a queue.
    """
    queue: FairQueue[str] = FairQueue()
    for item, source in items:
        queue.add(item, source)
    return queue


def taken(queue: FairQueue[str]) -> list[str]:
    """
    Take all that waits.
    """
    return [queue.take() for _ in range(len(queue))]


class TurnsTests(SynchronousTestCase):
    """
    Tests for L{FairQueue}.
    """

    def test_oneSource(self) -> None:
        """
        Of one source the first come are the first served.
        """
        queue = queueOf(("a", (1,)), ("b", (1,)), ("c", (1,)))
        self.assertEqual(taken(queue), ["a", "b", "c"])
        self.assertRaises(LookupError, queue.take)
        self.assertRaises(LookupError, queue.last)

    def test_unknownSource(self) -> None:
        """
        So are those of whom nothing is known.
        """
        self.assertEqual(taken(queueOf(("a", ()), ("b", ()))), ["a", "b"])

    def test_turns(self) -> None:
        """
        Who comes last from elsewhere is next but one, however much waits.
        """
        flood = [(f"flood{n}", ("net", "host", n % 3)) for n in range(100)]
        queue = queueOf(*flood, ("guest", ("other", "host", 1)))
        self.assertEqual(taken(queue)[1], "guest")

    def test_withinANetwork(self) -> None:
        """
        Addresses of one network take turns, and so do connections from one address.
        """
        queue = queueOf(
            *[(f"flood{n}", ("net", "host", 1)) for n in range(10)],
            ("connection", ("net", "host", 2)),
            ("neighbour", ("net", "other", 3)),
        )
        self.assertEqual(
            taken(queue)[:4], ["flood0", "neighbour", "connection", "flood1"]
        )

    def test_last(self) -> None:
        """
        What has most to wait for is the last of who has most.
        """
        queue = queueOf(
            ("a", ("net", 1)),
            ("b", ("net", 1)),
            ("c", ("net", 2)),
            ("d", ("other", 3)),
        )
        self.assertEqual(queue.last(), "b")
        self.assertTrue(queue.remove("b", ("net", 1)))
        self.assertEqual(queue.last(), "c")

    def test_remove(self) -> None:
        """
        What is removed doesn't wait any more; what isn't there can't be removed.
        """
        queue = queueOf(("a", (1, 2)), ("b", (1, 2)))
        self.assertTrue(queue.remove("a", (1, 2)))
        self.assertFalse(queue.remove("a", (1, 2)))
        self.assertFalse(queue.remove("b", (1, 3)))
        self.assertFalse(queue.remove("b", (2,)))
        self.assertEqual(taken(queue), ["b"])

    @given(st.lists(sources, max_size=30))
    def test_nothingIsLost(self, origins: list[Source]) -> None:
        """
        Each item is handed out once.
        """
        items = [(str(number), source) for number, source in enumerate(origins)]
        queue = queueOf(*items)
        self.assertEqual(len(queue), len(items))
        self.assertEqual(Counter(taken(queue)), Counter(item for item, _ in items))
        self.assertFalse(queue)

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
    def test_fair(self, origins: list[int]) -> None:
        """
        As long as two sources wait, neither is served twice before the other.
        """
        items = [(f"{source}.{n}", (source,)) for n, source in enumerate(origins)]
        order = [item.split(".")[0] for item in taken(queueOf(*items))]
        for place, source in enumerate(order[1:], 1):
            if order[place - 1] == source:
                self.assertEqual(set(order[place:]), {source})
