"""
What one of several checkers does for a user who logs in by SCRAM.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._audit import authTypeOf, checkedBy
from ._contracts import AvatarID, ICredentialsChecker
from ._refusals import FINAL, refusalOf, takenFrom
from ._scram import ScramKeys
from ._secrets import printable
from .error import SASLError, UnauthorizedLogin


class Lent:
    """
    Credentials as one checker gets them: all is theirs, but for C{prove}.
    """

    def __init__(
        self, credentials: Any, prove: Callable[[ScramKeys], Deferred[None]]
    ) -> None:
        vars(self).update(_credentials=credentials, prove=prove)

    def __copy__(self) -> Lent:
        return Lent(copy(vars(self)["_credentials"]), self.prove)

    def __deepcopy__(self, memo: dict[int, Any]) -> Lent:
        return Lent(deepcopy(vars(self)["_credentials"], memo), self.prove)

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


class ScramTurn:
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
        lent = Lent(self._credentials, self._prove)
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


__all__ = ["ScramTurn"]
