"""
Tests for L{mycred._fairsemaphore}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._fairsemaphore import FairSemaphore


class TooMany(Exception):
    """
    Too many wait.
    """


class PlacesTests(SynchronousTestCase):
    """
    Tests for L{FairSemaphore}.
    """

    def setUp(self) -> None:
        self.places = FairSemaphore(2, 5, TooMany)
        self.begun: list[str] = []
        self.doing: dict[str, Deferred[str]] = {}

    def ask(self, name: str, *source: str) -> Deferred[str]:
        """
        Ask for a place.
        """
        return self.places.run(source, self.begin, name)

    def begin(self, name: str) -> Deferred[str]:
        """
        Begin what goes on until the test ends it.
        """
        self.begun.append(name)
        self.doing[name] = Deferred()
        return self.doing[name]

    def end(self, name: str) -> None:
        """
        End it.
        """
        self.doing[name].callback(f"{name} is done")

    def test_places(self) -> None:
        """
        No more are at it than there are places; what comes of it is handed on.
        """
        first, second, third = map(self.ask, "abc")
        self.assertEqual(self.begun, ["a", "b"])
        self.assertNoResult(third)
        self.end("b")
        self.assertEqual(self.successResultOf(second), "b is done")
        self.assertEqual(self.begun, ["a", "b", "c"])
        self.assertNoResult(first)

    def test_failure(self) -> None:
        """
        A failure makes room, too, and so does what can't begin.
        """
        first, _ = self.ask("a"), self.ask("b")
        self.doing["a"].errback(ZeroDivisionError())
        self.failureResultOf(first, ZeroDivisionError)
        broken: Any = self.places.run((), lambda: 1 / 0)
        self.failureResultOf(broken, ZeroDivisionError)
        self.ask("c")
        self.assertEqual(self.begun, ["a", "b", "c"])

    def test_allFail(self) -> None:
        """
        However many can't begin, one after another, each is told why, and their places
        are there for others.
        """
        places = FairSemaphore(2, 1000, TooMany)
        doing: list[Deferred[None]] = [Deferred(), Deferred()]
        for one in doing:
            places.run((), lambda one=one: one)
        broken: Any = [places.run((), lambda: 1 / 0) for _ in range(1000)]
        doing[0].callback(None)
        for one in broken:
            self.failureResultOf(one, ZeroDivisionError)
        doing[1].callback(None)
        last = [Deferred(), Deferred()]
        for one in last:
            self.assertNoResult(places.run((), lambda one=one: one))
        self.assertNoResult(places.run((), self.begin, "waits"))
        self.assertEqual(places._free, 0)
        last[0].callback(None)
        self.assertEqual(self.begun, ["waits"])

    def test_turns(self) -> None:
        """
        Sources take turns.
        """
        for name in ("f1", "f2", "f3", "f4"):
            self.ask(name, "flood")
        self.ask("guest", "other")
        self.end("f1")
        self.end("f2")
        self.assertEqual(self.begun, ["f1", "f2", "f3", "guest"])

    def test_tooMany(self) -> None:
        """
        When too many wait, the last of who has most waiting is told so.
        """
        flood = [self.ask(f"f{number}", "flood") for number in range(7)]
        guest = self.ask("guest", "other")
        self.failureResultOf(flood[-1], TooMany)
        self.failureResultOf(self.ask("f7", "flood"), TooMany)
        self.assertNoResult(guest)

    def test_cancel(self) -> None:
        """
        Who leaves isn't begun with; who leaves later ends what was begun.
        """
        first, _, third = self.ask("a"), self.ask("b"), self.ask("c")
        third.cancel()
        self.failureResultOf(third, CancelledError)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.begun, ["a", "b"])
        self.ask("d")
        self.assertEqual(self.begun, ["a", "b", "d"])
        self.assertEqual(len(self.places._sources), 0)
