"""
Tokens that were found to be good a moment ago.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from ._rules import Identity


class RememberedTokens:
    """
    The users whom tokens have named, each for a short time.

    Tokens that let nobody in aren't remembered, so that however many of them come they
    push out none that does.  Nor are tokens themselves: an entry stands under a digest,
    by a key that only this process has.
    """

    def __init__(
        self,
        keep: float,
        most: int,
        now: Callable[[], float] = time.time,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param keep: for how long a token is remembered, in seconds.
        @param most: how many there may be.  The one that was added first goes first.
        @param now: returns the time, in seconds since 1970.
        @param seconds: returns the seconds of a clock that nobody sets.
        """
        self._keep = keep
        self._most = most
        self._now = now
        self._seconds = seconds
        self._secret = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[Identity, float]] = {}

    def digestOf(self, token: bytes) -> bytes:
        """
        Return that under which a token is remembered.
        """
        return hmac.digest(self._secret, token, "sha256")

    def find(self, digest: bytes) -> Identity | None:
        """
        Return whom a token names; L{None} if that isn't known, or the token has expired.
        """
        identity, until = self._known.get(digest, (None, 0.0))
        if identity is None:
            return None
        hasExpired = identity.until is not None and self._now() >= identity.until
        if hasExpired or self._seconds() >= until:
            del self._known[digest]
            return None
        return identity

    def add(self, digest: bytes, identity: Identity) -> None:
        """
        Remember whom a token names.
        """
        if self._keep <= 0:
            return
        self._known.pop(digest, None)
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[digest] = identity, self._seconds() + self._keep


__all__ = ["RememberedTokens"]
