"""
State in databases, as tests use it that wait for nothing.
"""

from __future__ import annotations

from typing import Any

from mycred._sql.client import DatabaseURL
from mycred._state import Outcome
from mycred._state._sql._state import SQLState
from mycred.testing import SteppedWorkers

from .guesses import PAIR, guessOf
from .sqlplaces import soon

#: How long anything may take that has to succeed, in seconds.
LONG = 60.0


class Direct:
    """
    Tests of a state whose answers are there at once: no reactor runs.

    @ivar url: where it is.
    @ivar ahead: how much later it is than the database says, in seconds.
    @ivar states: what was opened.
    """

    url: str

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        self.ahead, self.states = 0.0, []

    def open(self: Any, url: str | None = None, **given: Any) -> SQLState:
        """
        Return the state in a database.

        @param url: where it is; the test's own database if L{None}.
        """
        parsed = DatabaseURL.parse(url or self.url)
        more = {"timeout": LONG, "workers": SteppedWorkers(running=False), **given}
        state = SQLState([parsed], **more)
        self.addCleanup(state.close)
        state._ahead = self.ahead
        self.states.append(state)
        return state

    def reserve(self: Any, state: SQLState, *guess: object) -> float:
        """
        Guess.

        @return: how long that has to wait.
        """
        wait: float = self.successResultOf(state.reserve(guessOf(*guess))).wait
        return wait

    def login(self: Any, state: SQLState, *guess: object) -> None:
        """
        Log in with the right password.
        """
        mine = guessOf(*guess)
        reservation = self.successResultOf(state.reserve(mine))
        self.assertEqual(reservation.wait, 0)
        self.successResultOf(state.settle(mine, reservation, Outcome.RIGHT))

    def exhaust(self: Any, state: SQLState, *guess: object) -> None:
        """
        Guess until there is a pause that lasts longer than the test.
        """
        for _ in range(PAIR.free + 1):
            self.assertEqual(self.reserve(state, *guess), 0)
        while (wait := self.reserve(state, *guess)) < PAIR.longest / 2:
            self.advance(wait)

    def advance(self: Any, seconds: float) -> None:
        """
        Let the time pass of all states.
        """
        self.ahead += seconds
        for each in self.states:
            each._ahead = self.ahead

    def names(self: Any, state: SQLState) -> list[bytes]:
        """
        Return the names of all entries.
        """
        rows = state._database.read(
            "select name from mycred_state_entries order by name", {}, soon(), 100_000
        ).rows
        return [bytes(name) for (name,) in rows]


__all__ = ["LONG", "Direct"]
