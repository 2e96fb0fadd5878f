"""
Tokens that the server is asked about which has issued them (RFC 7662).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from .._fairqueue import Source
from .._fairsemaphore import FairSemaphore
from .._paths import AnyPath
from ._client import OAuthClient
from ._endpoint import Answer, Endpoint
from ._errors import CannotTell, TokenRefused
from ._json import parseObject
from ._outage import ServerOutage
from ._remembered import RememberedTokens
from ._rules import Identity, MalformedClaims, TokenRules
from ._sharing import SharedRequests
from ._url import serverURL

# How large an answer may be, in bytes.
_LARGEST = 2**16

# So many questions may be under way, and so many wait.
_PLACES, _MOST_WAITING = 10, 200

# So many good tokens are remembered.
_MOST_REMEMBERED = 10_000

# What to do about a code.
_ADVICE = {
    401: "it doesn't accept our id and secret; correct the client file, and restart",
    403: "it doesn't let our client ask about tokens; permit it there",
    404: "nothing is there; correct the URL",
    429: "it is asked too often; permit us more there",
}


class Introspection:
    """
    An endpoint for introspection.

    Tokens that it says are good are taken for good for a while without asking again, at
    most until they expire.  Logins that come with the same token at the same time wait
    for one question.  The number of questions that are under way is limited; when more
    come, clients take turns.

    @cvar DEADLINE: how long an answer may take, in seconds.
    @cvar PATIENCE: how long a login waits for it, while others are asked about, too.
    """

    DEADLINE = 10.0
    PATIENCE = 15.0

    #: The paths of the files that are opened for a login: there are none.
    opensLater: tuple[str, ...] = ()

    def __init__(
        self,
        url: str,
        client: OAuthClient,
        rules: TokenRules,
        *,
        ca: AnyPath | None = None,
        keep: float = 60.0,
        reactor: Any = None,
        now: Callable[[], float] = time.time,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param url: the URL of the endpoint; C{https}, or on this machine.
        @param client: what this server calls itself there.
        @param rules: what must be said of a token.
        @param ca: the path of the certificates of the authorities that vouch for the
            endpoint, in PEM; those of the system if L{None}.
        @param keep: for how long a token that is good is taken for good without asking
            again, in seconds: a token that is revoked works for so much longer.
        @param reactor: the reactor; the one that is installed if L{None}.
        @param now: returns the time, in seconds since 1970.
        @param seconds: returns the seconds of a clock that nobody sets.

        @raise ValueError: if the URL or the certificates can't be used.
        @raise OSError: if the certificates can't be read.
        @raise ImportError: if what TLS takes isn't installed.
        """
        self._endpoint = Endpoint(
            serverURL(url),
            ca=ca,
            largest=_LARGEST,
            deadline=self.DEADLINE,
            reactor=reactor,
        )
        self._client = client
        self._rules = rules
        self._now = now
        self._remembered = RememberedTokens(keep, _MOST_REMEMBERED, now, seconds)
        self._outage = ServerOutage(self._endpoint.url, seconds)
        self._questions: SharedRequests[Identity] = SharedRequests(self.PATIENCE, reactor)
        self._places = FairSemaphore(
            _PLACES,
            _MOST_WAITING,
            lambda: CannotTell("too many tokens wait to be checked"),
        )

    def verify(self, token: bytes, source: Source = ()) -> Deferred[Identity]:
        """
        Find out whom a token names.

        @param token: the token.
        @param source: where the login comes from.

        @return: a L{Deferred} that fires with the user, or fails with
            L{TokenRefused<mycred._tokens._errors.TokenRefused>} or
            L{CannotTell<mycred._tokens._errors.CannotTell>}.
        """
        digest = self._remembered.digestOf(token)
        known = self._remembered.find(digest)
        if known is not None:
            return succeed(known)

        def remember(identity: Identity) -> Identity:
            self._remembered.add(digest, identity)
            return identity

        def start() -> Deferred[Identity]:
            asking = self._places.run(source, partial(self._ask, token))
            return asking.addCallback(remember)

        return self._questions.ask(digest, start)

    def close(self) -> Deferred[None]:
        """
        Close the connections that wait for the next question.

        @return: a L{Deferred} that fires when they are closed.
        """
        self._outage.close()
        return self._endpoint.close()

    def _ask(self, token: bytes) -> Deferred[Identity]:
        """
        Ask about a token.
        """
        form = {"token": token, "token_type_hint": "access_token"}
        headers = {
            b"Authorization": self._client.authorization,
            b"Content-Type": b"application/x-www-form-urlencoded",
        }
        asking = self._endpoint.ask(b"POST", headers, urlencode(form).encode("ascii"))
        return asking.addCallbacks(self._cbAnswer, self._ebLost)

    def _ebLost(self, failure: Failure) -> Failure:
        """
        Log that there is no answer.
        """
        failure.trap(CannotTell)
        return Failure(self._outage.note(str(failure.value)))

    def _cbAnswer(self, answer: Answer) -> Identity:
        """
        Return whom the token names.
        """
        try:
            claims = claimsIn(answer)
            identity = self._rules.identityIn(claims, self._now(), mustExpire=False)
        except (CannotTell, MalformedClaims) as error:
            raise self._outage.note(f"{self._endpoint.url}: {error}") from None
        except TokenRefused:
            self._outage.end()
            raise
        self._outage.end()
        return identity


def claimsIn(answer: Answer) -> dict[str, Any]:
    """
    Return what an endpoint says of a token that is good.

    @raise TokenRefused: if it isn't good.
    @raise CannotTell: if the endpoint doesn't say so or so.
    """
    if answer.status != 200:
        raise CannotTell(_aboutStatus(answer.status))
    if answer.mediaType != "application/json":
        raise CannotTell("the answer isn't application/json; correct the URL")
    try:
        claims = parseObject(answer.body)
    except ValueError as error:
        raise CannotTell(f"the answer makes no sense: {error}") from None
    active = claims.get("active")
    if not isinstance(active, bool):
        raise CannotTell('the answer has no "active" that is true or false')
    if not active:
        raise TokenRefused("the token isn't active")
    return claims


def _aboutStatus(status: int) -> str:
    """
    Return what an unexpected code means, and what to do.
    """
    if 300 <= status < 400:
        return f"it redirects ({status}); write the URL where it redirects to"
    return f"{_ADVICE.get(status, 'it has a trouble of its own')} ({status})"


__all__ = ["Introspection", "claimsIn"]
