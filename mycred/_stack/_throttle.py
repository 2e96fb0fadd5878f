"""
What makes guesses wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import UNFINISHED, isRefusedByOne
from .._chain import acceptsAtOnce
from .._contracts import AvatarID
from .._reporting import Asked
from .._scramcredentials import ScramCredentials
from .._state import (
    Entered,
    Guess,
    ISharedState,
    Limit,
    Outcome,
    ProcessState,
    Reservation,
)
from ..error import (
    AccountDenied,
    LoginFailed,
    StaleNonce,
    TemporaryFailure,
    Throttled,
    UnhandledCredentials,
    WrongURI,
)
from ._guesses import Guesses, Limits, networkFrom
from ._sharedsecret import SharedSecret

#: What asks checkers about credentials, and tells which one has accepted them.
Ask = Callable[[Any, "Asked | None"], "Deferred[AvatarID]"]

# The failures by which nobody learns that a password is wrong.
_NO_VERDICT = (UnhandledCredentials, StaleNonce, WrongURI, *UNFINISHED)

# How many sources may fail at an account for the first time while it costs them no pause,
# for each failure that is free to others.
_NEWCOMERS = 10

# How many failures may be free.
_FREE = 1, 1_000_000

#: The least and the greatest value of each number of a throttle.
RANGES = {
    "pair": _FREE,
    "source": _FREE,
    "network": _FREE,
    "account": _FREE,
    "longest": (1, 3600),
    "forget": (1, 86_400),
    "remember": (1, 366 * 86_400),
}

# What stands for a login that couldn't be counted.
_UNCOUNTED = Reservation(0.0)


class Throttle:
    """
    Have guesses cost the one who guesses, and not the owner of the account.

    Failed logins are counted for their source, for its network, for their account, and
    for source and account together.  Of each some are free.  A pause follows each one
    more, of 1 s, then 2, 4 and so on, and one is forgotten every C{forget} seconds.  In a
    pause a login fails with L{Throttled<mycred.error.Throttled>}, and nobody looks at its
    password, nor whether there is such a user.

    A source that has logged in to the account lately waits for no other source's
    failures.

    A login counts as failed from when it is let through until it turns out right:
    otherwise many at a time would be let through.

    @ivar state: where failures are counted.
    """

    _log = Logger()

    def __init__(
        self,
        state: ISharedState,
        *,
        exempt: Iterable[object] = (),
        pair: int = 5,
        source: int = 20,
        network: int = 50,
        account: int = 20,
        longest: float = 60.0,
        forget: float = 600.0,
        remember: float = 30 * 86_400.0,
    ) -> None:
        """
        @param state: where failures are counted.
        @param exempt: the networks whose clients never wait, such as C{192.0.2.0/24}.
        @param pair: how many failures of a source at one account are free.
        @param source: how many failures of a source are free: an IPv4 address, or the
            /64 of an IPv6 one.
        @param network: how many failures of a network are free: the /24 of an IPv4
            address, or the /48 of an IPv6 one.
        @param account: how many failures at an account are free, of sources that aren't
            known there.
        @param longest: the longest pause, in seconds; that of an account is half of it.
        @param forget: after how long a failure is forgotten, in seconds.
        @param remember: for how long a source that has logged in to an account is known
            there, in seconds.

        @raise ValueError: if a network is none, or a number can't be used.
        """
        self.state = state
        numbers = (pair, source, network, account, longest, forget, remember)
        for (name, (least, most)), number in zip(RANGES.items(), numbers):
            if not least <= number <= most:
                raise ValueError(f"{name}: write a number from {least} to {most}")
        newcomers = _NEWCOMERS * account
        self._limits = Limits(
            Limit(pair, longest, forget),
            Limit(source, longest, forget),
            Limit(network, longest, forget),
            # So that a network that guesses by itself still waits when the owner may try
            # at a new address.
            Limit(account, longest / 2, forget),
            Limit(newcomers, longest / 2, forget),
            remember,
        )
        if isinstance(exempt, str):
            # Each of its letters would be looked at as a network.
            raise ValueError(f'exempt: write a list of networks: ["{exempt}"]')
        self._exempt = tuple(map(networkFrom, exempt))
        self._secret = SharedSecret(state, self._cbSecret)
        self._isDown = False

    def around(self, ask: Ask) -> Ask:
        """
        Return what asks, unless the login has to wait.

        @param ask: what asks a checker; it isn't asked then.
        """
        state, remember = self.state, self._limits.remember
        own = state if isinstance(state, ProcessState) else None

        def throttled(credentials: Any, asked: Asked | None) -> Deferred[AvatarID]:
            if not self._secret.isAsked:
                # Otherwise those that come first would be counted apart.
                asking: Deferred[Any] = self._secret.ask()
                return asking.addCallback(lambda _: throttled(credentials, asked))
            guesses = self._guesses
            parts = guesses.partsOf(credentials)
            if parts is None:
                return ask(credentials, asked)
            known = parts[0].known
            if own is None or known is None or not own.trusts(known, remember):
                return self._reserve(guesses.guessOf(parts), ask, credentials, asked)
            answer = ask(credentials, asked)
            if acceptsAtOnce(answer):
                return answer
            login = own.enter(known, guesses.guessOf, parts)
            return answer.addBoth(self._cbLeave, credentials, own, login)

        return throttled

    def close(self) -> Any:
        """
        Close the state.
        """
        return self.state.close()

    def _reserve(
        self, guess: Guess, ask: Ask, credentials: Any, asked: Asked | None
    ) -> Deferred[AvatarID]:
        """
        Let a login go on, or refuse it, as the state has it.
        """
        self._secret.ask()
        try:
            reservation: Any = self.state.reserve(guess)
        except Exception:
            reservation = self._ebReserve(Failure())
        if type(reservation) is Reservation:
            return self._go(reservation, guess, ask, credentials, asked)
        waiting: Deferred[Any] = reservation.addErrback(self._ebReserve)
        return waiting.addCallback(self._go, guess, ask, credentials, asked)

    def _go(
        self,
        reservation: Reservation,
        guess: Guess,
        ask: Ask,
        credentials: Any,
        asked: Asked | None,
    ) -> Deferred[AvatarID]:
        """
        Let a login go on, or refuse it.
        """
        if reservation.wait > 0:
            if isinstance(credentials, ScramCredentials):
                # Without a look-up no user's salt is known: those that are made up would
                # tell which names are known.
                credentials.abandon()
            return fail(Throttled(reservation.wait))
        answer = ask(credentials, asked)
        if acceptsAtOnce(answer):
            self._settle(guess, reservation, Outcome.RIGHT)
            return answer
        return answer.addBoth(self._cbEnd, credentials, guess, reservation)

    def _cbEnd(
        self, result: Any, credentials: Any, guess: Guess, reservation: Reservation
    ) -> Any:
        """
        Take back what a login has cost that hasn't failed.
        """
        outcome = _outcomeOf(result, credentials)
        if outcome is not None:
            self._settle(guess, reservation, outcome)
        return result

    def _cbLeave(
        self, result: Any, credentials: Any, own: ProcessState, login: Entered
    ) -> Any:
        """
        Count a login if it has failed.
        """
        own.leave(login, _outcomeOf(result, credentials))
        return result

    def _settle(self, guess: Guess, reservation: Reservation, outcome: Outcome) -> None:
        """
        Take back what a login has cost.  It doesn't wait for that.
        """
        if reservation is _UNCOUNTED:
            return
        try:
            settled: Any = self.state.settle(guess, reservation, outcome)
        except Exception:
            self._noteDown(Failure())
            return
        if settled is not None:
            settled.addErrback(self._noteDown)

    def _ebReserve(self, failure: Failure) -> Any:
        """
        Let a login go on that can't be counted: the throttle is no checker.
        """
        if failure.check(CancelledError):
            return failure
        self._noteDown(failure)
        return _UNCOUNTED

    def _noteDown(self, failure: Failure) -> None:
        """
        Log that the state doesn't do its work, once.
        """
        if not self._isDown:
            self._isDown = True
            self._log.failure("Failed logins can't be counted", failure=failure)

    def _cbSecret(self, secret: bytes) -> None:
        """
        Count by another secret from now on.
        """
        self._guesses = Guesses(self._limits, self._exempt, secret)


def _outcomeOf(result: Any, credentials: Any) -> Outcome | None:
    """
    Return how a login has ended; L{None} if it has failed, and costs something.

    One that was cancelled does: otherwise a client could give up each guess whose answer
    takes long, and have another one for it.  So does a client that leaves a conversation:
    with a name that is known it is asked by the checker, with another one not, and the
    difference mustn't be seen.
    """
    if not isinstance(result, Failure):
        return Outcome.RIGHT
    failure = result
    if failure.check(AccountDenied):
        # In a conversation the client may not have proved anything.
        isProved = getattr(credentials, "isProved", True)
        return Outcome.UNKNOWN if isProved else None
    if failure.check(TemporaryFailure):
        return None if isRefusedByOne(failure) else Outcome.UNKNOWN
    if failure.check(*_NO_VERDICT) or not failure.check(LoginFailed, CancelledError):
        return Outcome.UNKNOWN
    return None


__all__ = ["RANGES", "Ask", "Throttle"]
