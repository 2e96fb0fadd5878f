"""
Tests for L{mycred._tokens._introspection}, against a real server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from hypothesis import given, strategies

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    gatherResults,
    inlineCallbacks,
)
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._tokens import (
    CannotTell,
    Introspection,
    OAuthClient,
    TokenRefused,
    TokenRules,
)
from mycred._tokens._endpoint import Answer
from mycred._tokens._introspection import claimsIn

from ..kit.tokens import ISSUER, NOW, Provider, SteppedTime, captured

GOOD = {"active": True, "username": "alice"}


class IntrospectionTests(TestCase):
    """
    Tests for L{Introspection}.
    """

    def setUp(self) -> None:
        self.said = captured(self)
        self.time = SteppedTime()
        self.answer: Any = GOOD
        self.waiting: list[Deferred[bytes]] = []
        self.status = 200
        self.mediaType = b"application/json"
        self.provider = Provider(self.render)
        self.provider.start()
        self.introspection = self.make(TokenRules("username"))

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        yield self.introspection.close()
        yield self.provider.stop()

    def render(self, request: Any) -> Any:
        """
        Answer a request.
        """
        request.setResponseCode(self.status)
        request.setHeader(b"content-type", self.mediaType)
        if self.answer is None:
            self.waiting.append(Deferred())
            return self.waiting[-1]
        if isinstance(self.answer, (bytes, Deferred)):
            return self.answer
        return json.dumps(self.answer).encode("ascii")

    def make(self, rules: TokenRules) -> Introspection:
        """
        Make an endpoint.
        """
        seconds = self.time.clock.seconds
        return Introspection(
            self.provider.url,
            OAuthClient("mail", "sesame"),
            rules,
            reactor=self.time,
            now=lambda: NOW + seconds(),
            seconds=seconds,
        )

    def verify(self, token: bytes = b"token", source: Any = ()) -> Deferred[Any]:
        """
        Verify a token.
        """
        verifying = self.introspection.verify(token, source)
        return verifying.addCallback(lambda identity: identity.name)

    @inlineCallbacks
    def test_good(self) -> Iterator[Any]:
        """
        The endpoint gets the token in a form, and our id and secret, and names the user.
        """
        name = yield self.verify(b"a+b/c~d==")
        self.assertEqual(name, b"alice")
        [(form, authorization)] = self.provider.requests
        self.assertEqual(
            parse_qs(form.decode("ascii")),
            {"token": ["a+b/c~d=="], "token_type_hint": ["access_token"]},
        )
        self.assertEqual(authorization, b"Basic bWFpbDpzZXNhbWU=")

    @inlineCallbacks
    def test_bad(self) -> Iterator[Any]:
        """
        A token that isn't active, has expired or names nobody is refused, and asked
        about again each time.
        """
        for answer in (
            {"active": False},
            {**GOOD, "active": False},
            {**GOOD, "exp": NOW},
            {**GOOD, "nbf": NOW + 60},
            {"active": True},
            {**GOOD, "username": ["alice"]},
            {**GOOD, "username": "a\0"},
            {**GOOD, "token_type": "DPoP"},
            {**GOOD, "cnf": {}},
        ):
            self.answer = answer
            yield self.assertFailure(self.verify(), TokenRefused)
        self.assertEqual(len(self.provider.requests), 9)
        self.assertEqual(self.said(), [])

    @inlineCallbacks
    def test_rules(self) -> Iterator[Any]:
        """
        Issuer, audience and scope are insisted on where they are wanted.
        """
        yield self.introspection.close()
        self.introspection = self.make(TokenRules("username", ISSUER, "mail", ("imap",)))
        good = {**GOOD, "iss": ISSUER, "aud": ["mail"], "scope": "imap smtp"}
        for name in ("iss", "aud", "scope"):
            self.answer = {**good, name: "other"}
            yield self.assertFailure(self.verify(), TokenRefused)
        self.answer = good
        name = yield self.verify()
        self.assertEqual(name, b"alice")

    @inlineCallbacks
    def assertCannotTell(self, word: str) -> Iterator[Any]:
        """
        Insist on a temporary failure, of which the log is told.
        """
        yield self.assertFailure(self.verify(), CannotTell)
        self.assertIn(word, self.said()[-1])
        self.assertNotIn("sesame", " ".join(self.said()))

    @inlineCallbacks
    def test_status(self) -> Iterator[Any]:
        """
        An endpoint that doesn't do its work says nothing of the token, and the log is
        told what to do.
        """
        for status, word in (
            (401, "correct the client file"),
            (403, "permit it there"),
            (404, "correct the URL"),
            (429, "asked too often"),
            (302, "redirects"),
            (500, "(500)"),
            (503, "(503)"),
            (204, "(204)"),
        ):
            self.status = status
            self.answer = {"active": False} if status != 204 else b""
            yield self.assertCannotTell(word)

    @inlineCallbacks
    def test_malformed(self) -> Iterator[Any]:
        """
        Nor does an answer that makes no sense.
        """
        for answer in (
            b"",
            b"<html>",
            b"[]",
            b'{"active":true',
            b'{"active":true,"username":"alice","username":"root"}',
            b'{"active":false,"active":true,"username":"alice"}',
            b'{"active":true,"username":"alice","x":NaN}',
            b'{"active":' * 5000,
            b"[" * 60_000,
            b" " * 70_000,
            {},
            {"active": 1},
            {"active": "true"},
            {"active": None},
            {**GOOD, "exp": "1"},
            {**GOOD, "exp": True},
            {**GOOD, "nbf": []},
        ):
            self.answer = answer
            yield self.assertCannotTell("Tokens can't be checked")
        self.answer, self.mediaType = GOOD, b"text/html"
        yield self.assertCannotTell("correct the URL")

    @inlineCallbacks
    def test_remembered(self) -> Iterator[Any]:
        """
        A good token isn't asked about again for a minute, and then it is.
        """
        yield self.verify()
        self.answer = {"active": False}
        self.time.clock.advance(59)
        self.assertEqual(self.successResultOf(self.verify()), b"alice")
        self.time.clock.advance(1)
        yield self.assertFailure(self.verify(), TokenRefused)

    @inlineCallbacks
    def test_expires(self) -> Iterator[Any]:
        """
        Nor is it good for longer than it says.
        """
        self.answer = {**GOOD, "exp": NOW + 5}
        yield self.verify()
        self.time.clock.advance(5)
        yield self.assertFailure(self.verify(), TokenRefused)
        self.assertEqual(len(self.provider.requests), 2)

    @inlineCallbacks
    def test_shared(self) -> Iterator[Any]:
        """
        Logins that come with one token at the same time share a question; one that goes
        away doesn't disturb the others.
        """
        self.answer = answer = Deferred()
        logins = [self.verify() for _ in range(20)]
        yield self.provider.asked(1)
        logins[0].cancel()
        yield self.assertFailure(logins[0], CancelledError)
        answer.callback(json.dumps(GOOD).encode("ascii"))
        names = yield gatherResults(logins[1:])
        self.assertEqual(names, [b"alice"] * 19)
        self.assertEqual(len(self.provider.requests), 1)

    @inlineCallbacks
    def test_flood(self) -> Iterator[Any]:
        """
        However many tokens come at a time, few are asked about at once; those that are
        too many are temporary failures, of the client that sends most.
        """
        self.answer, self.waiting = None, []
        flood = [self.verify(b"x%d" % n, (b"f",)) for n in range(10)]
        yield self.provider.asked(10)
        flood += [self.verify(b"y%d" % n, (b"f",)) for n in range(300)]
        honest = self.verify(b"honest", (b"h",))
        refused = [login for login in flood if login.called]
        self.assertEqual(len(refused), 101)
        for login in refused:
            self.failureResultOf(login, CannotTell)
        self.assertEqual(len(self.provider.requests), 10)
        self.answer = GOOD
        # As soon as a place is free it isn't the flood's turn for ever.
        self.waiting.pop().callback(json.dumps(GOOD).encode("ascii"))
        name = yield honest
        self.assertEqual(name, b"alice")
        self.assertLess(len(self.provider.requests), 20)
        for waiting in self.waiting:
            waiting.callback(json.dumps(GOOD).encode("ascii"))
        yield gatherResults([login for login in flood if login not in refused])

    @inlineCallbacks
    def test_floodOfBad(self) -> Iterator[Any]:
        """
        Tokens that let nobody in push out none that does.
        """
        yield self.verify()
        self.answer = {"active": False}
        for number in range(50):
            yield self.assertFailure(self.verify(b"bad%d" % number), TokenRefused)
        self.assertEqual(len(self.introspection._remembered._known), 1)

    @inlineCallbacks
    def test_silent(self) -> Iterator[Any]:
        """
        While the endpoint says nothing, each login waits until the deadline, and good
        tokens that are remembered work.
        """
        yield self.verify(b"good")
        self.answer = Deferred()
        logins = [self.verify(b"t%d" % number) for number in range(30)]
        yield self.provider.asked(11)
        self.time.clock.advance(10)
        self.time.clock.advance(5)
        for login in logins:
            yield self.assertFailure(login, CannotTell)
        self.assertEqual(self.successResultOf(self.verify(b"good")), b"alice")
        self.assertEqual(len(self.said()), 1)

    @inlineCallbacks
    def test_again(self) -> Iterator[Any]:
        """
        The log is told when the endpoint works again.
        """
        self.status = 500
        yield self.assertFailure(self.verify(), CannotTell)
        self.status = 200
        yield self.verify()
        self.assertEqual(self.said()[1:], ["Tokens can be checked again"])


class ClaimsTests(SynchronousTestCase):
    """
    Tests for L{claimsIn}.
    """

    @given(
        strategies.binary()
        | strategies.dictionaries(
            strategies.sampled_from(["active", "username"]),
            strategies.booleans() | strategies.text() | strategies.none(),
        ).map(lambda said: json.dumps(said).encode("ascii")),
        strategies.integers(),
        strategies.text() | strategies.just("application/json"),
    )
    def test_anything(self, body: bytes, status: int, mediaType: str) -> None:
        """
        Whatever is answered, a token is active only if C{true} says so.
        """
        try:
            claims = claimsIn(Answer(status, mediaType, body))
        except (CannotTell, TokenRefused):
            return
        self.assertIs(claims["active"], True)
        self.assertEqual(status, 200)
