"""
Which of several checkers has the keys of a user who logs in by SCRAM.

A client can be asked once, with the salt of one checker.  It is asked only when all
checkers have looked the user up: otherwise the time until then would tell which of them
knows the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy, deepcopy
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._audit import authTypeOf, checkedBy
from ._contracts import AvatarID, ICredentialsChecker
from ._refusals import FINAL, refusalOf, summedUp, takenFrom
from ._reporting import noteAsked, reporterOf
from ._scram import ScramKeys
from ._secrets import printable
from .error import SASLError, TemporaryFailure, UnauthorizedLogin


class _Lent:
    """
    Credentials as one checker gets them: all is theirs, but for C{prove}.
    """

    def __init__(
        self, credentials: Any, prove: Callable[[ScramKeys], Deferred[None]]
    ) -> None:
        vars(self).update(_credentials=credentials, prove=prove)

    def __copy__(self) -> _Lent:
        return _Lent(copy(vars(self)["_credentials"]), self.prove)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Lent:
        return _Lent(deepcopy(vars(self)["_credentials"], memo), self.prove)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_credentials"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(vars(self)["_credentials"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["_credentials"], name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """
        The class of the credentials, for C{isinstance}.
        """
        return type(vars(self)["_credentials"])


# What isn't known yet.
_PENDING = object()


class _Turn:
    """
    What one checker does.

    @ivar checker: the checker.
    @ivar keys: the keys that the client is to prove; L{None} as long as the checker
        hasn't said so.
    """

    def __init__(
        self,
        checker: ICredentialsChecker,
        credentials: Any,
        goOn: Callable[[], None],
        log: Logger,
    ) -> None:
        """
        @param goOn: called when the checker has keys or an answer, and when the client
            has been asked.
        @param log: where to say why the checker doesn't let the user in.
        """
        self.checker = checker
        self.keys: ScramKeys | None = None
        self._credentials = credentials
        self._goOn = goOn
        self._log = log
        self._asked: Deferred[AvatarID] | None = None
        # For the checker, whether the client has proved the keys; and the client's own.
        self._proof: Deferred[None] | None = None
        self._proving: Deferred[None] | None = None
        self._answer: object = _PENDING
        self._proved: object = _PENDING
        self._isStopped = False

    @property
    def hasLooked(self) -> bool:
        """
        Whether the checker knows what it has.
        """
        return self.keys is not None or self._answer is not _PENDING

    @property
    def isDecisive(self) -> bool:
        """
        Whether what later checkers have doesn't count.
        """
        answer = self._answer
        refuses = isinstance(answer, Failure) and not answer.check(*FINAL)
        return self.keys is not None or not refuses

    @property
    def isOver(self) -> bool:
        """
        Whether the checker has answered, and the client, if it was asked.
        """
        isProved = self.keys is None or self._proved is not _PENDING
        return isProved and self._answer is not _PENDING

    @property
    def outcome(self) -> object:
        """
        The avatar ID or the L{Failure}.  Without the client's proof a checker that has
        asked for it accepts nothing.
        """
        unproved = isinstance(self._proved, Failure)
        isAccepted = not isinstance(self._answer, Failure)
        return self._proved if unproved and isAccepted else self._answer

    def ask(self) -> None:
        """
        Ask the checker.
        """
        lent = _Lent(self._credentials, self._prove)
        asked: Deferred[AvatarID] = maybeDeferred(self.checker.requestAvatarId, lent)
        self._asked = asked
        asked.addBoth(self._cbAnswer)

    def proceed(self) -> None:
        """
        Ask the client to prove the keys.
        """
        self._proving = maybeDeferred(self._credentials.prove, self.keys)
        self._proving.addBoth(self._cbProved)

    def cancel(self) -> None:
        """
        Have the checker stop.
        """
        self._isStopped = True
        if self._asked is not None:
            self._asked.cancel()
        if self._proof is not None:
            self._proof.cancel()

    def refusal(self, failure: Failure) -> Failure:
        """
        Return a failure of the checker as the chain takes it.
        """
        if failure.check(*FINAL, SASLError):
            return checkedBy(failure, self.checker)
        # What a checker that has keys says comes after the client's proof, when there is
        # nothing more to be logged for an unknown name.
        take = refusalOf if self.keys is None else takenFrom
        return take(failure, self.checker, self._log)

    def _prove(self, keys: ScramKeys) -> Deferred[None]:
        """
        Take the keys, until the client can be asked.
        """
        if self.hasLooked:
            return fail(UnauthorizedLogin("the client can be asked once"))
        self.keys = keys
        # Where it has none, that is logged.
        self._log.debug(
            "{by} has keys of the user: {hash}",
            by=authTypeOf(self.checker),
            hash=printable(keys.hash),
        )
        proof = self._proof = Deferred(self._cancelProof)
        self._goOn()
        return proof

    def _cancelProof(self, _: object) -> None:
        """
        Stop asking the client.
        """
        if self._proving is not None:
            self._proving.cancel()

    def _cbProved(self, result: object) -> None:
        """
        Tell the checker what the client has proved.
        """
        self._proved = result
        if self._proof is not None and not self._proof.called:
            # A failure becomes one.
            self._proof.callback(result)  # type: ignore[arg-type]
        self._goOn()

    def _cbAnswer(self, answer: object) -> None:
        """
        Take the answer of the checker.
        """
        hasNone = self.keys is None and not self._isStopped
        if hasNone and isinstance(answer, Failure):
            # Now, since it takes time: for a name that another checker knows it takes the
            # same, before the client is asked.
            answer = self.refusal(answer)
        self._answer = answer
        self._goOn()


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
        self._turns = [_Turn(one, credentials, self._goOn, log) for one in checkers]
        self._asked: list[_Turn] = []
        self._decisive: _Turn | None = None
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

    def _conclude(self, decisive: _Turn) -> None:
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
                outcome = outcome if outcome.check(*FINAL, SASLError) else others
        self._end(outcome)

    def _refusals(self, decisive: _Turn | None) -> list[Failure]:
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
