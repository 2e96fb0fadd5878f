"""
Tests that L{mycred._state._sql._counting} and L{mycred._state._process} count alike.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._state import Bucket, Guess, Limit, Outcome, ProcessState, Reservation
from mycred._state._sql import _statements
from mycred._state._sql._state import SQLState

from ..kit.guesses import keyOf
from ..kit.sqlplaces import soon
from ..kit.sqlstates import Direct

# What time it is at the database, in seconds since 1970.
_NOW = 1e9

# Who guesses at what, with which password, and how that ends; how many logins later the
# outcome is told; and how many seconds pass then.
_LOGINS = st.tuples(
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["alice", "bob"]),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from([None, None, None, Outcome.RIGHT, Outcome.UNKNOWN]),
    st.sampled_from([0, 0, 1, 3]),
    st.sampled_from([0, 0, 0, 1, 2, 4, 60, 700, 87_000]),
)

# Limits that few logins reach, by the name of the bucket.
_LIMITS = {
    "pair": Limit(1, 8.0, 600.0),
    "address4": Limit(4, 8.0, 600.0),
    "account": Limit(2, 4.0, 600.0),
    "newcomers": Limit(3, 4.0, 600.0),
}


def _guess(run: int, source: int, account: str, password: str | None) -> Guess:
    """
    Return a guess.

    @param run: a number that other runs don't have.
    """

    def bucket(name: str, *what: object) -> Bucket:
        return Bucket(name, keyOf(run, *what), _LIMITS[name])

    ofSource = bucket("address4", source)
    return Guess(
        keyOf(run, account),
        bucket("pair", source, account),
        (ofSource, bucket("newcomers", "new", account)),
        (ofSource, bucket("account", account)),
        None if password is None else keyOf(run, source, account, password),
        100_000.0,
    )


class AlikeTests(Direct, SynchronousTestCase):
    """
    Tests with the same logins at a database and in a process.
    """

    def setUp(self) -> None:
        super().setUp()
        self.patch(_statements, "NOW", {"sqlite": str(_NOW)})
        self.state = self.open(f"sqlite:///{self.mktemp()}")
        self.state._insistOnTables(soon())
        # What can be forgotten is, now and then.
        self.state.SWEEP_EVERY = 5
        # It needn't outlive this test.
        self.state._database.read("pragma synchronous = off", {}, soon())
        self.runs = count()

    @settings(deadline=None, database=None, max_examples=30)
    @given(st.lists(_LOGINS, min_size=20, max_size=50))
    def test_alike(self, logins: list[tuple[Any, ...]]) -> None:
        """
        Whoever logs in, however that ends, and whenever: both have the same logins wait,
        for the same time.
        """
        clock = Clock()
        clock.advance(_NOW + self.ahead)
        homes: tuple[SQLState, ProcessState] = self.state, ProcessState(clock)
        run = next(self.runs)
        pending: list[tuple[int, Guess, list[Reservation], Outcome]] = []
        for source, account, password, outcome, later, seconds in logins:
            guess = _guess(run, source, account, password)
            told = [self.resultOf(home.reserve(guess)) for home in homes]
            self.assertAlmostEqual(told[0].wait, told[1].wait, places=3)
            if outcome is not None and not told[0].wait:
                pending.append((later, guess, told, outcome))
            for each in [each for each in pending if each[0] <= 0]:
                for home, reservation in zip(homes, each[2]):
                    self.resultOf(home.settle(each[1], reservation, each[3]))
            pending = [(n - 1, *more) for n, *more in pending if n > 0]
            clock.advance(seconds)
            self.advance(seconds)

    def resultOf(self, answer: Any) -> Any:
        """
        Return an answer.
        """
        isThere = answer is None or isinstance(answer, Reservation)
        return answer if isThere else self.successResultOf(answer)
