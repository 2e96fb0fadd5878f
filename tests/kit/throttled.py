"""
Logins through a throttle, by a clock that the test steps.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mycred._contracts import ICredentialsChecker
from mycred._state import ISharedState, Limit, ProcessState
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.error import Throttled, UnauthorizedLogin
from mycred.stack import CheckerStack, Throttle

#: The limits by default.
LIMITS = {
    "pair": Limit(5, 60.0, 600.0),
    "source": Limit(20, 60.0, 600.0),
    "network": Limit(50, 60.0, 600.0),
    "account": Limit(20, 30.0, 600.0),
    "newcomers": Limit(200, 30.0, 600.0),
}


def addressOf(host: str) -> Any:
    """
    Return the address of a client, as a transport does.
    """
    if ":" in host:
        return IPv6Address("TCP", host, 4321)
    return IPv4Address("TCP", host, 4321)


def typed(
    name: Any = b"alice", password: Any = b"sesame", host: str | None = "192.0.2.1"
) -> Any:
    """
    Return credentials from a client.
    """
    credentials = UsernamePassword(name, password)
    if host is not None:
        credentials.peer = addressOf(host)  # type: ignore[attr-defined]
    return credentials


def allowed(limit: Limit, seconds: float, step: float = 1.0) -> int:
    """
    Return how many guesses a bucket lets through in a time that is shorter than it takes
    to forget one: those that are free, the one after which the first pause begins, and
    one after each pause.

    @param step: how often there are guesses, in seconds.
    """
    guesses, time, pause = limit.free + 1, 0.0, 1.0
    while (time := step * ceil((time + pause) / step)) <= seconds:
        guesses += 1
        pause = min(limit.longest, 2 * pause)
    return guesses


@implementer(ICredentialsChecker)
class CountingChecker:
    """
    A checker that knows one user, and counts what it verifies.

    @ivar verified: how often the password of each name was verified.
    @ivar waiting: the logins that wait for an answer, if it is given later.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, later: bool = False) -> None:
        """
        @param later: whether to answer only when L{answer} is called.
        """
        self.verified: Counter[Any] = Counter()
        self.waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []
        self._later = later

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Verify a password.
        """
        self.verified[credentials.username] += 1
        isRight = (credentials.username, credentials.password) == (b"alice", b"sesame")

        def answer() -> Any:
            return b"alice" if isRight else Failure(UnauthorizedLogin())

        if not self._later:
            return succeed(b"alice") if isRight else fail(UnauthorizedLogin())
        waiting: Deferred[Any] = Deferred()
        self.waiting.append((waiting, answer))
        return waiting

    def answer(self) -> None:
        """
        Answer all logins that wait.
        """
        waiting, self.waiting = self.waiting, []
        for deferred, answer in waiting:
            deferred.callback(answer())


class Scene:
    """
    A throttle before a checker, and the time.

    @ivar clock: the time.
    @ivar checker: the checker.
    @ivar state: where failures are counted.
    """

    def __init__(
        self,
        later: bool = False,
        state: Callable[[Clock], Any] = ProcessState,
        checker: Any = None,
        **options: Any,
    ) -> None:
        """
        @param later: whether the checker answers later.
        @param state: makes the state.
        @param options: those of the throttle.
        """
        self.clock = Clock()
        self.clock.advance(1e6)
        self.state: ISharedState = state(self.clock)
        # So that nothing depends on chance.
        self.state.compareAndSet(b"throttle", None, bytes(32), 0)
        self.checker = CountingChecker(later) if checker is None else checker
        self.throttle = Throttle(self.state, **options)
        self.stack = CheckerStack([self.checker], throttle=self.throttle)
        self._wrong = itertools.count()

    def login(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """
        Log in with a name and a password.
        """
        return self.stack.requestAvatarId(typed(*args, **kwargs))

    def outcome(self, *args: Any, **kwargs: Any) -> Any:
        """
        Log in, with a checker that answers at once.

        @return: the avatar ID, or the class of the error.
        """
        return self.ended(self.login(*args, **kwargs))

    def ended(self, login: Deferred[Any]) -> Any:
        """
        Return the avatar ID of a login, or the class of its error; L{None} if it isn't
        over.
        """
        if not login.called:
            return None
        results: list[Any] = []
        login.addBoth(results.append)
        (result,) = results
        return type(result.value) if isinstance(result, Failure) else result

    def wait(self, *args: Any, **kwargs: Any) -> float:
        """
        Return for how long a login has to wait; 0 if it was let through.
        """
        waits: list[float] = []

        def eb(failure: Failure) -> None:
            if isinstance(failure.value, Throttled):
                waits.append(failure.value.retryAfter)

        self.login(*args, **kwargs).addErrback(eb)
        return waits[0] if waits else 0.0

    def wrong(self, count: int, **where: Any) -> None:
        """
        Try wrong passwords, each another one.
        """
        for _ in range(count):
            self.outcome(password=b"wrong%d" % next(self._wrong), **where)


__all__ = ["LIMITS", "CountingChecker", "Scene", "addressOf", "allowed", "typed"]
