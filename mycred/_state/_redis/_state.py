"""
State that a Redis or Valkey server keeps, for all processes that ask it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..._extras import installing
from .._clock import LazyReactor
from .._errors import StateUnavailable
from .._interface import Guess, ISharedState, Outcome, Reservation
from ._answers import ScriptUnknown
from ._calls import Call, Calls, reservationOf, valueOf
from ._connection import Connection
from ._greeting import checkServer
from ._url import RedisURL


@implementer(ISharedState)
class RedisState:
    """
    State in a Redis server, 5 or newer, or a Valkey server.

    It is connected to when it is needed.  Alone this is no home for a throttle: while the
    server can't be asked everything fails with
    L{StateUnavailable<mycred.sharedstate.StateUnavailable>}.
    L{openState<mycred.sharedstate.openState>} makes one that counts on.

    @cvar longestOpening: how long it may take to connect and to log in, in seconds.
    @ivar name: the URL, for the log.
    """

    longestOpening = 5.0

    def __init__(
        self,
        url: str,
        password: str | None = None,
        *,
        prefix: bytes = b"mycred:",
        timeout: float = 0.9,
        reactor: Any = None,
    ) -> None:
        """
        @param url: where the server is, such as C{redis://redis.example.org/0},
            C{rediss://user@redis.example.org/0?ca=/etc/ssl/redis.pem} with TLS, or
            C{redis+unix:///run/redis/redis.sock?db=0}.
        @param password: its password, or the user's.
        @param prefix: what its keys begin with.
        @param timeout: how long an answer may take, in seconds; connecting may take
            longer.
        @param reactor: the reactor; the one that is installed if L{None}.

        @raise ValueError: if the URL can't be used.
        @raise ImportError: if a library is missing.
        """
        self._url = RedisURL.parse(url, password)
        _insistOnLibraries(self._url.isSecure)
        self._calls = Calls(prefix)
        self._timeout = timeout
        self._connection = Connection(
            self._url,
            self._calls.claim(),
            LazyReactor() if reactor is None else reactor,
            self.longestOpening,
            timeout,
        )
        self.name = str(self._url)

    def __repr__(self) -> str:
        """
        Show the server, and no password.
        """
        return f"<RedisState {self.name}>"

    def check(self) -> None:
        """
        Ask the server, at once and in the caller's thread, whether it can be used.

        @raise ValueError: if it refuses that.
        @raise OSError: if it can't be asked now.
        """
        checkServer(self._url, self._calls.claim(), self.longestOpening)

    def reserve(self, guess: Guess) -> Deferred[Reservation]:
        """
        Let a login through, or have it wait.
        """

        def make() -> Call:
            # Who asks again after that was told something else meanwhile.
            until = self._connection.clock() + int(self._timeout * 1_000_000)
            return self._calls.reserve(guess, until)

        return self._execute(make).addCallback(self._cbReserved, guess)

    def settle(
        self, guess: Guess, reservation: Reservation, outcome: Outcome
    ) -> Deferred[None]:
        """
        Take back what was counted.
        """
        done = self._execute(lambda: self._calls.settle(guess, reservation, outcome))
        return done.addCallback(lambda _: None)

    def recall(self, key: bytes) -> Deferred[bytes | None]:
        """
        Return the value of a key.
        """
        return self._execute(lambda: self._calls.recall(key)).addCallback(valueOf)

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> Deferred[bool]:
        """
        Set the value of a key.

        @raise ValueError: if the new one is too long.
        """
        call = self._calls.compareAndSet(key, old, new, seconds)
        return self._execute(lambda: call).addCallback(lambda reply: reply == 1)

    def close(self) -> Deferred[Any]:
        """
        Close the connection, for good.

        @return: a L{Deferred} that fires when it is closed.
        """
        return self._connection.close()

    def _execute(self, make: Any) -> Deferred[Any]:
        """
        Have the server execute a script.

        @param make: a function that returns the call.
        """
        sent = self._connection.ask(lambda: make().command(isKnown=True))

        def send(failure: Failure) -> Deferred[Any]:
            failure.trap(ScriptUnknown)
            return self._connection.ask(lambda: make().command(isKnown=False))

        return sent.addErrback(send)

    def _cbReserved(self, reply: Any, guess: Guess) -> Reservation:
        """
        Return what the reply to a guess means.
        """
        reservation, clock = reservationOf(reply, guess)
        self._connection.noteClock(clock)
        if reservation is None:
            raise StateUnavailable("it has answered too late")
        return reservation


def _insistOnLibraries(isSecure: bool) -> None:
    """
    @raise ImportError: if txredisapi isn't installed, or what TLS takes.
    """
    # Importing it would install a reactor.
    if find_spec("txredisapi") is None:
        extras = "redis,tls" if isSecure else "redis"
        raise ImportError(f"txredisapi isn't installed; do {installing(extras)}")
    if isSecure:
        try:
            from ..._tokens._policy import ServerPolicy as ServerPolicy
        except ImportError as error:
            tls = installing("tls")
            raise ImportError(f"TLS takes pyOpenSSL ({error}); do {tls}") from None


__all__ = ["RedisState"]
