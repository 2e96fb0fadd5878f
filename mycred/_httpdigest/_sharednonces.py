"""
What processes that share a state know together of HTTP Digest: the key that signs
challenges, and with which counts clients have used them.

Each process has a memory of its own besides, which is asked first: while the state can't
be reached it alone decides.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from .._sharedvalues import SharedValues, awaitable, secretIn
from ._nonces import Answer, NonceUse

# What the state calls the key, and each nonce that was used.
_KEY, _NONCE = b"httpdigest", b"nonce:"

# For how long the key isn't asked for again: if the state has lost it, it has lost what
# was used, too.  And for how long if that has failed.  In seconds.
_FRESH, _PAUSE = 60.0, 5.0

# How often a count is tried to be taken, while other processes take counts of the same
# nonce.
_MOST_TRIES = 50

# For how many lifetimes of a challenge it is remembered that it was used: the clocks of
# machines may differ.
_LIFETIMES = 2

#: By how much another machine's clock may be ahead, in seconds.
SKEW = 60


class SharedNonces:
    """
    What processes know together.

    @ivar key: the key that signs challenges, which is good in all of them; L{None} as
        long as it isn't known.
    """

    _log = Logger()

    def __init__(
        self,
        values: SharedValues,
        lifetime: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """
        @param values: the state.
        @param lifetime: returns for how many seconds a challenge is good.
        @param now: returns the time, in seconds.
        """
        self.key: bytes | None = None
        self._values = values
        self._lifetime = lifetime
        self._now = now
        # When it was asked for, and until when it isn't again.
        self._quiet = 0.0, 0.0

    def refresh(self) -> None:
        """
        Ask for the key, unless that was done lately.  It isn't waited for.
        """
        now = self._now()
        asked, until = self._quiet
        # The clock may have been set back.
        if asked <= now < until:
            return
        self._quiet = now, now + _PAUSE

        def cbFound(key: bytes) -> None:
            self.key = key
            self._quiet = now, now + _FRESH

        # Why the state can't be reached is logged already.
        secretIn(self._values, _KEY).addCallbacks(cbFound, lambda _: None)

    def claim(self, answer: Answer, key: bytes) -> Deferred[bool]:
        """
        Take an answer that is right, and was taken by this process, so that no other one
        takes it.

        @param key: the key that has signed its challenge.

        @return: a L{Deferred} that fires with whether it could be taken.  It could if the
            state can't be reached, or has no room.
        """

        def ebFailed(_: object) -> bool:
            return True

        return Deferred.fromCoroutine(self._claim(answer, key)).addErrback(ebFailed)

    async def _claim(self, answer: Answer, key: bytes) -> bool:
        """
        Take an answer.
        """
        name = _NONCE + blake2b(answer.nonce, digest_size=24).digest()
        seconds = _LIFETIMES * self._lifetime() + max(0.0, answer.issued - self._now())
        refused: list[bytes | None] = []
        for _ in range(_MOST_TRIES):
            old = await awaitable(self._values.recall(name))
            if refused == [old]:
                # Nobody has changed it: there is no room.  Whoever logs in very often
                # mustn't keep others out.
                return True
            if old is None and await self._isLost(key):
                return False
            use = NonceUse(answer)
            if not (use.resume(old or b"") and use.claim(answer.nonceCount)):
                return False
            new = use.state()
            if await awaitable(self._values.compareAndSet(name, old, new, seconds)):
                return True
            refused = [old]
        return False

    async def _isLost(self, key: bytes) -> bool:
        """
        Return whether the state has lost what was used of challenges that were signed
        with a key.  Then it has lost the key, and there is another one.
        """
        found = await secretIn(self._values, _KEY)
        if found == key:
            return False
        self.key = found
        return True


__all__ = ["SKEW", "SharedNonces"]
