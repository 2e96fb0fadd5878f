"""
Which of several checkers has the keys of a user who logs in by SCRAM.

A client can be asked once, with the salt of one checker.  It is asked only when all
checkers have looked the user up: otherwise the time until then would tell which of them
knows the name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._audit import noteRefusedByOne
from ._contracts import AvatarID, ICredentialsChecker
from ._refusals import FINAL, summedUp
from ._reporting import noteAsked, reporterOf
from ._scramturn import ScramTurn
from .error import SASLError, TemporaryFailure


class ScramSearch:
    """
    One search along a chain: the checkers look the user up, one after another.  The first
    one that has keys, accepts or denies decides, and the client is asked for it alone.
    """

    def __init__(
        self, checkers: Iterable[ICredentialsChecker], credentials: Any, log: Logger
    ) -> None:
        """
        @param checkers: the checkers, in the order in which to ask them.
        @param credentials: what the user presents.
        @param log: where to say how it goes.
        """
        self._credentials = credentials
        self._turns = [ScramTurn(one, credentials, self._goOn, log) for one in checkers]
        self._asked: list[ScramTurn] = []
        self._decisive: ScramTurn | None = None
        # What those that don't know the user have failed with.
        self._others: Failure | None = None
        self._answer: Deferred[AvatarID] = Deferred(self._cancel)
        self._isBusy = self._isOver = False

    def start(self) -> Deferred[AvatarID]:
        """
        Ask the checkers.

        @return: a L{Deferred} that fires when the search is over.
        """
        self._goOn()
        return self._answer

    def _goOn(self) -> None:
        """
        Do all that can be done now.
        """
        if self._isBusy or self._isOver:
            # The loop below sees what has come of it.
            return
        self._isBusy = True
        while self._advance():
            pass
        self._isBusy = False

    def _advance(self) -> bool:
        """
        Ask the next checker, or the client, or end the search.

        @return: whether there may be more to do.
        """
        if self._isOver or not all(turn.hasLooked for turn in self._asked):
            return False
        if len(self._asked) < len(self._turns):
            turn = self._turns[len(self._asked)]
            self._asked.append(turn)
            noteAsked(reporterOf(self._credentials), turn.checker)
            turn.ask()
            return True
        if self._decisive is None:
            return self._decide()
        if self._decisive.isOver:
            self._conclude(self._decisive)
        return False

    def _decide(self) -> bool:
        """
        Choose the checker that decides, and have the client asked if it has keys.

        @return: whether there is such a checker.
        """
        decisive = next((turn for turn in self._turns if turn.isDecisive), None)
        # Before the client is asked, as for a name that nobody knows.
        self._others = summedUp(self._refusals(decisive), self._credentials)
        if decisive is None:
            self._end(self._others)
            return False
        self._decisive = decisive
        noteAsked(reporterOf(self._credentials), decisive.checker)
        for turn in self._turns:
            if turn is not decisive and turn.keys is not None:
                turn.cancel()
        if decisive.keys is not None:
            decisive.proceed()
        return True

    def _conclude(self, decisive: ScramTurn) -> None:
        """
        End the search as the checker that decides has it.
        """
        outcome = decisive.outcome
        if isinstance(outcome, Failure) and decisive.keys is not None:
            outcome = decisive.refusal(outcome)
            others = self._others
            if others is not None and others.check(TemporaryFailure):
                # One that can't tell now might have accepted: this, too, is the same for
                # all names.
                if not outcome.check(*FINAL, SASLError):
                    noteRefusedByOne(others)
                    outcome = others
        self._end(outcome)

    def _refusals(self, decisive: ScramTurn | None) -> list[Failure]:
        """
        Return the failures of the checkers that don't know the user.
        """
        return [
            turn.outcome
            for turn in self._turns
            if turn is not decisive
            and turn.keys is None
            and isinstance(turn.outcome, Failure)
        ]

    def _end(self, outcome: Any) -> None:
        """
        End the search.
        """
        self._isOver = True
        self._answer.callback(outcome)

    def _cancel(self, _: object) -> None:
        """
        Stop waiting, and ask nobody else.
        """
        self._isOver = True
        for turn in self._asked:
            turn.cancel()


__all__ = ["ScramSearch"]
