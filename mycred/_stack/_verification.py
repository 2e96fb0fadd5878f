"""
One verification of a password, for all who log in by the same one at the same time; and
what the stores held before it began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import authTypeOf, checkedBy
from .._chain import CheckerChain, interfacesOf
from .._contracts import AvatarID, ICredentialsChecker
from .._reporting import Asked, Reporter, reporterOf, setReporter
from .._storedstate import IStoredState
from ..error import TemporaryFailure, UnauthorizedLogin, UnhandledCredentials

#: A checker's C{storedState}.
ReadState = Callable[[Any, Any], "bytes | Deferred[bytes]"]

#: Of each checker that can tell: what reads the state, the state, and what the checker
#: has accepted the login as.
States = tuple[tuple[ReadState, bytes, Any], ...]


def stateReader(checker: ICredentialsChecker) -> ReadState | None:
    """
    Return what reads the state of a checker's store; L{None} if there is none, or if a
    subclass has a C{requestAvatarId} of its own, which may go by more than that.
    """
    if not IStoredState.providedBy(checker):
        return None
    if "requestAvatarId" in getattr(checker, "__dict__", {}):
        return None
    for base in type(checker).__mro__:
        if "storedState" in vars(base):
            read: ReadState = checker.storedState
            return read
        if "requestAvatarId" in vars(base):
            break
    return None


def deferredState(answer: object) -> Deferred[bytes]:
    """
    Return a L{Deferred} of what a checker's C{storedState} has returned, that fails with
    L{TypeError} if it isn't what it should be.
    """
    return maybeDeferred(lambda: answer).addCallback(_insist)


def _insist(state: object) -> bytes:
    """
    Return a state.

    @raise TypeError: if it is none.
    """
    if not isinstance(state, bytes):
        raise TypeError(f"storedState has returned {type(state).__name__}, not bytes")
    return state


@implementer(ICredentialsChecker)
class _AskedChecker:
    """
    A checker that is asked in a verification.

    @ivar checker: the checker.
    @ivar read: what reads the state of its store; L{None} if it has none.
    @ivar state: the state before it was asked; L{None} as long as that isn't known.
    """

    _log = Logger()

    def __init__(self, checker: ICredentialsChecker, verification: Verification) -> None:
        self.checker, self._verification = checker, verification
        self.authType = authTypeOf(checker)
        self.credentialInterfaces = interfacesOf(checker)
        self.read = stateReader(checker)
        self.state: bytes | None = None

    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Read the state of the store, and then ask the checker: a state that is read later
        may be another one than that by which it has accepted a password.
        """
        self._verification.begin(self, credentials)
        asking: Deferred[Any]
        if self.read is None:
            asking = maybeDeferred(self.checker.requestAvatarId, credentials)
        else:
            asking = maybeDeferred(self.read, credentials, None)
            asking.addCallback(_insist)
            asking.addCallbacks(self._cbState, self._ebState)
            asking.addCallback(lambda _: self._ask(credentials))
        return asking.addErrback(self._ebRefused)

    def _ask(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Ask the checker.
        """
        return maybeDeferred(self.checker.requestAvatarId, credentials)

    def _cbState(self, state: bytes) -> None:
        """
        Remember the state.
        """
        self.state = state

    def _ebState(self, failure: Failure) -> Failure | None:
        """
        Give up where the store can't be asked now.  A state that can't be read for
        another reason is a defect, and the checker may do all the same.
        """
        if failure.check(TemporaryFailure, CancelledError):
            return failure
        self._log.failure("The state of a store can't be read", failure)
        self._verification.isCertain = False
        return None

    def _ebRefused(self, failure: Failure) -> Failure:
        """
        Note a checker that couldn't tell: it might have denied the login that another one
        accepts.
        """
        if not failure.check(UnauthorizedLogin, UnhandledCredentials):
            self._verification.isCertain = False
        return checkedBy(failure, self.checker)


class Verification:
    """
    One verification of a password.

    @ivar credentials: what is verified.
    @ivar began: when that began, in seconds.
    @ivar result: the outcome: an avatar ID or a L{Failure}.
    @ivar isCertain: whether each checker that was asked has said yes or no, and each
        state could be read.
    """

    def __init__(
        self,
        checkers: Sequence[ICredentialsChecker],
        credentials: Any,
        asked: Asked | None,
        began: float,
    ) -> None:
        """
        @param checkers: the checkers.
        @param credentials: what is presented.
        @param asked: who is told which checker is asked.
        @param began: the time, in seconds.
        """
        self.credentials, self.began = credentials, began
        self._told = asked
        self.result: Any = None
        self.isCertain = True
        self._asked: list[_AskedChecker] = []
        self._chain = CheckerChain([_AskedChecker(checker, self) for checker in checkers])
        self._asking: Deferred[AvatarID] | None = None
        # Those who wait; the credentials of the first one are verified.
        self._waiting: dict[Deferred[Any], None] = {}
        self._first: Deferred[Any] | None = None
        self._mark = Reporter(self)

    @property
    def checker(self) -> ICredentialsChecker | None:
        """
        The checker that was asked last, and so has accepted, if any has.
        """
        return self._asked[-1].checker if self._asked else None

    def states(self) -> States | None:
        """
        Return the states of the stores before the login was accepted; L{None} if it
        wasn't, or mustn't be remembered.
        """
        # Of other objects nobody knows whether two logins may have the same one.
        if not self.isCertain or not isinstance(self.result, (bytes, str)):
            return None
        last = self._asked[-1]
        return tuple(
            (asked.read, asked.state, self.result if asked is last else None)
            for asked in self._asked
            if asked.read is not None and asked.state is not None
        )

    def start(self) -> Deferred[None]:
        """
        Ask the checkers.

        @return: a L{Deferred} that fires when the outcome is known.
        """
        self._asking = self._chain.requestAvatarId(self.credentials)
        return self._asking.addBoth(self._ended)

    def join(self, share: Callable[[Any], Any]) -> Deferred[AvatarID]:
        """
        Wait for the outcome.  If nobody does any more the checkers aren't asked further.

        @param share: return the outcome for others than the one whose credentials are
            verified, of what L{finish} is given.
        """
        waiting: Deferred[Any] = Deferred(self._leave)
        if self._first is None:
            self._first = waiting
        else:
            # Before the caller adds any.
            waiting.addCallback(share)
        self._waiting[waiting] = None
        return waiting

    def finish(self, entry: object) -> None:
        """
        Tell all who wait.

        @param entry: what is remembered of the login.
        """
        waiting, self._waiting = self._waiting, {}
        for answer in waiting:
            # One may have been cancelled by what another one has brought about.
            if not answer.called:
                answer.callback(self.result if answer is self._first else entry)

    def begin(self, asked: _AskedChecker, credentials: Any) -> None:
        """
        Note that a checker is asked.
        """
        self._asked.append(asked)
        if self._told is not None:
            self._told.checker = asked.checker
        if reporterOf(credentials) is None:
            # What logs this login has taken its mark away: a checker would log it, too.
            setReporter(credentials, self._mark)

    def _ended(self, result: Any) -> None:
        """
        Note the outcome.
        """
        self.result = result
        if reporterOf(self.credentials) is self._mark:
            setReporter(self.credentials, None)

    def _leave(self, answer: Deferred[Any]) -> None:
        """
        Wait no longer.
        """
        self._waiting.pop(answer, None)
        if not self._waiting and self._asking is not None:
            self._asking.cancel()


__all__ = ["ReadState", "States", "Verification", "deferredState", "stateReader"]
