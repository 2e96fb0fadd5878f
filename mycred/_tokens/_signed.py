"""
Tokens that prove by their signature who has issued them (RFC 7519, RFC 9068).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._fairqueue import Source
from ..workers import Workers, workersOf
from ._errors import TokenRefused
from ._jwt import parseToken
from ._keyset import BadKeySet, KeySet, NoSuchKey
from ._keysources import KeySource
from ._outage import Outage
from ._rules import Identity, TokenRules


class SignedTokens:
    """
    JSON Web Tokens, which are verified by the keys of their issuer.

    All is done in L{Workers}, and nobody is asked about a token: one that its issuer has
    revoked works until it expires.
    """

    def __init__(
        self,
        keys: KeySource,
        rules: TokenRules,
        *,
        workers: Workers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param keys: what has the keys.
        @param rules: what must be said of a token.  Issuer and audience must be among
            it: the same keys sign tokens for others, too.
        @param workers: where tokens are verified; the reactor's own if L{None}.
        @param now: returns the time, in seconds since 1970.

        @raise ValueError: if the issuer or the audience is missing.
        """
        if rules.issuer is None or rules.audience is None:
            raise ValueError("signed tokens take an issuer and an audience")
        self.opensLater = keys.opensLater
        self._keys = keys
        self._rules = rules
        self._workers = workers
        self._now = now
        self._outage = Outage()

    def verify(self, token: bytes, source: Source = ()) -> Deferred[Identity]:
        """
        Find out whom a token names.

        @param token: the token.
        @param source: where the login comes from.

        @return: a L{Deferred} that fires with the user, or fails with
            L{TokenRefused<mycred._tokens._errors.TokenRefused>} or
            L{CannotTell<mycred._tokens._errors.CannotTell>}.
        """

        def check(keys: Callable[[], KeySet]) -> Deferred[Identity]:
            workers = self._workers or workersOf()
            return workers.run(self._verify, token, keys, source=source)

        def ebUnknown(failure: Failure) -> Deferred[Identity]:
            # The issuer may have begun to use a new key.
            failure.trap(_UnknownKey)
            unknown: Any = failure.value
            return self._keys.newer(unknown.keys).addCallback(check)

        checking = self._keys.current().addCallback(check).addErrback(ebUnknown)
        return checking.addCallbacks(self._cbVerified, self._ebFailed)

    def close(self) -> Deferred[None]:
        """
        Close the connection to where the keys come from.

        @return: a L{Deferred} that fires when it is closed.
        """
        return self._keys.close()

    def _verify(self, token: bytes, keys: Callable[[], KeySet]) -> Identity:
        """
        Find out whom a token names, in a thread.
        """
        signed = parseToken(token)
        # First what it says: keys that somebody else's tokens are signed by needn't be
        # looked for.
        identity = self._rules.identityIn(signed.claims, self._now(), mustExpire=True)
        known = keys()
        try:
            signed.insistOnSignature(known)
        except NoSuchKey as error:
            raise _UnknownKey(str(error), known) from None
        return identity

    def _cbVerified(self, identity: Identity) -> Identity:
        """
        Log that the keys can be read again, if they couldn't.
        """
        self._outage.end()
        return identity

    def _ebFailed(self, failure: Failure) -> Failure:
        """
        Log that the keys can't be read.
        """
        if failure.check(_UnknownKey):
            return Failure(TokenRefused(f"the token's key isn't known: {failure.value}"))
        if failure.check(OSError, BadKeySet):
            why = f"the keys in {', '.join(self.opensLater)}: {failure.value}"
            return Failure(self._outage.note(why))
        return failure


class _UnknownKey(Exception):
    """
    The key of a token isn't known.

    @ivar keys: the keys among which it isn't.
    """

    def __init__(self, why: str, keys: KeySet) -> None:
        super().__init__(why)
        self.keys = keys


__all__ = ["SignedTokens"]
