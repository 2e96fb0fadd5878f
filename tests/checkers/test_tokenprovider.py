"""
Tests for L{mycred.checkers.tokens} with a real identity provider, glewlwyd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from mycred.checkers.tokens import (
    Introspection,
    KeyURL,
    OAuthClient,
    SignedTokens,
    TokenChecker,
    TokenRules,
)
from mycred.credentials import BearerToken
from mycred.error import TemporaryFailure, UnauthorizedLogin

from ..kit.glewlwyd import CLIENT, Glewlwyd
from ..kit.processes import shared


class ProviderTests(TestCase):
    """
    Tests for its tokens.
    """

    def setUp(self) -> None:
        [self.provider] = shared.get(type(self), lambda: [Glewlwyd()])
        self.checkers: list[TokenChecker] = []

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        for checker in self.checkers:
            yield checker.close()

    def asking(self, secret: str = CLIENT[1], claim: str = "username") -> TokenChecker:
        """
        Make a checker that asks about each token.
        """
        url = f"{self.provider.issuer}/introspect"
        rules = TokenRules(claim, audience="mail", scope=("mail",))
        client = OAuthClient(CLIENT[0], secret)
        self.checkers.append(TokenChecker(Introspection(url, client, rules, keep=0)))
        return self.checkers[-1]

    def verifying(self, audience: str = "mail", claim: str = "name") -> TokenChecker:
        """
        Make a checker that verifies signatures.
        """
        keys = KeyURL(f"{self.provider.issuer}/jwks")
        rules = TokenRules(claim, self.provider.issuer, audience)
        self.checkers.append(TokenChecker(SignedTokens(keys, rules)))
        return self.checkers[-1]

    def login(
        self, checker: TokenChecker, token: str, name: bytes = b""
    ) -> Deferred[Any]:
        """
        Log in.
        """
        return checker.requestAvatarId(BearerToken(token.encode("ascii"), name))

    @inlineCallbacks
    def test_good(self) -> Iterator[Any]:
        """
        Alice's token lets her in, both ways, and as herself only.
        """
        token = self.provider.token()["access_token"]
        for checker in (self.asking(), self.verifying()):
            name = yield self.login(checker, token, b"alice")
            self.assertEqual(name, b"alice")
            login = self.login(checker, token, b"root")
            yield self.assertFailure(login, UnauthorizedLogin)

    @inlineCallbacks
    def test_revoked(self) -> Iterator[Any]:
        """
        A token that was revoked lets nobody in if the provider is asked; its signature
        stays right until it expires.
        """
        token = self.provider.token()["access_token"]
        self.provider.revoke(token)
        yield self.assertFailure(self.login(self.asking(), token), UnauthorizedLogin)
        name = yield self.login(self.verifying(), token)
        self.assertEqual(name, b"alice")

    @inlineCallbacks
    def test_otherTokens(self) -> Iterator[Any]:
        """
        A refresh token, one of a program that acts for itself, one for another audience,
        and one that was changed let nobody in.
        """
        tokens = self.provider.token()
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        own = self.provider.token(grant_type="client_credentials", scope="mail")
        for checker in (self.asking(), self.verifying()):
            for token in (refresh, own["access_token"], access[:-8] + "AAAAAAAA", "x"):
                login = self.login(checker, token)
                yield self.assertFailure(login, UnauthorizedLogin)
        login = self.login(self.verifying("web"), access)
        yield self.assertFailure(login, UnauthorizedLogin)

    @inlineCallbacks
    def test_wrongSecret(self) -> Iterator[Any]:
        """
        When the provider doesn't accept our secret, nothing is learnt of the token.
        """
        token = self.provider.token()["access_token"]
        login = self.login(self.asking("wrong"), token)
        yield self.assertFailure(login, TemporaryFailure)
