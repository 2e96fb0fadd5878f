"""
The cache: logins that were accepted, so that the same again costs no hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from .._argstring import Option, Options, integerBetween, yesNo
from .._chain import CheckerChain, interfacesOf
from .._contracts import ICredentialsChecker, IUsernamePassword
from .._types import Clock
from ._cachedlogins import CachedLogins
from ._throttle import Ask

#: The longest time for which a login may be remembered, in seconds.
LONGEST_TIME = 3600

# The most logins that may be remembered.
_MOST_ENTRIES = 1_000_000

cacheOptions = Options(
    Option(
        "seconds",
        integerBetween(1, LONGEST_TIME, f"a number of seconds from 1 to {LONGEST_TIME}"),
        "SECONDS",
        "For how long an accepted login is remembered at most: until then the same name "
        "and password cost no hash, unless the store holds something else now.",
        required=True,
    ),
    Option(
        "source",
        yesNo,
        "yes|no",
        "Remembers a login for the client that it came from only: an IPv4 address, or "
        "the /64 of an IPv6 one.  Without it a login counts for all clients.",
        default=False,
    ),
    Option(
        "entries",
        integerBetween(1, _MOST_ENTRIES, f"a number from 1 to {_MOST_ENTRIES}"),
        "NUMBER",
        "How many logins are remembered, 10,000 if not given; beyond that the oldest are "
        "forgotten.",
        default=10_000,
    ),
)


class LoginCache:
    """
    What remembers logins that were accepted, for some time::

        CheckerStack([HtpasswdChecker("users")], cache=LoginCache(300))

    A login by the same name and password is accepted again without verifying the
    password, as long as all checkers that were asked say that their stores hold the same
    for the user (L{IStoredState<mycred.checkers.IStoredState>}).  A checker that can't
    tell is trusted for C{seconds}; and if it doesn't provide that interface, for the
    same service and client address only.

    Remembered are avatar IDs that are bytes or text, by a keyed digest: neither names nor
    passwords.  Refusals and denials aren't, nor is anything once a checker asks for a
    second factor.
    """

    def __init__(
        self,
        seconds: float,
        *,
        source: bool = False,
        entries: int = 10_000,
        clock: Clock | None = None,
    ) -> None:
        """
        @param seconds: for how long a login is remembered, in seconds: at most
            L{LONGEST_TIME}.
        @param source: whether it is remembered for where it came from only: an IPv4
            address, or the /64 of an IPv6 one.
        @param entries: how many are remembered; beyond that the oldest are forgotten.
        @param clock: what knows the time; L{time.monotonic} if L{None}.

        @raise ValueError: if C{seconds} or C{entries} can't be used.
        """
        if not 0 < seconds <= LONGEST_TIME:
            raise ValueError(f"seconds: write a number from 1 to {LONGEST_TIME}")
        if entries < 1:
            raise ValueError("entries: write a number of at least 1")
        self._seconds, self._source, self._entries = seconds, source, entries
        self._now = monotonic if clock is None else clock.seconds

    def around(self, checkers: Sequence[ICredentialsChecker], ask: Ask) -> Ask:
        """
        Return what asks checkers, unless it remembers the login.

        @param checkers: the checkers.
        @param ask: what asks them about logins that can't be remembered.

        @raise ValueError: if none can: no checker checks passwords, or one asks for
            several factors.
        """
        parts = [c for c in _flat(checkers) if IUsernamePassword in interfacesOf(c)]
        if not parts:
            raise ValueError(
                "cache: no checker checks passwords, so nothing is remembered"
            )
        for part in parts:
            # As conch's SSHProtocolChecker does.
            if hasattr(part, "areDone"):
                name = type(part).__name__
                raise ValueError(
                    f"cache: {name} may ask for several factors, so nothing is "
                    "remembered; let it stand around the stack, and not in it"
                )
        return CachedLogins(
            parts,
            ask,
            seconds=self._seconds,
            most=self._entries,
            isBySource=self._source,
            now=self._now,
        ).ask


def makeCache(given: Mapping[str, Any]) -> LoginCache:
    """
    Return the cache that options ask for.

    @param given: the values, as L{cacheOptions} parses them.
    """
    seconds, source, entries = (given[key] for key in ("seconds", "source", "entries"))
    return LoginCache(seconds, source=source, entries=entries)


def _flat(checkers: Iterable[ICredentialsChecker]) -> Iterator[ICredentialsChecker]:
    """
    Iterate over checkers, those in chains each by itself.  A program's own chain may
    decide whether its checkers are asked, and so is one checker.
    """
    for checker in checkers:
        if type(checker) is CheckerChain and "requestAvatarId" not in vars(checker):
            yield from _flat(checker.checkers)
        else:
            yield checker


__all__ = ["LONGEST_TIME", "LoginCache", "cacheOptions", "makeCache"]
