"""
Tests for L{mycred._tokens._rules}.
"""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import TokenRefused, TokenRules
from mycred._tokens._rules import LEEWAY, Identity, MalformedClaims

from ..kit.tokens import ISSUER, NOW, claims

RULES = TokenRules("sub", ISSUER, "mail")


def named(
    said: dict[str, Any], rules: TokenRules = RULES, mustExpire: bool = True
) -> Any:
    """
    Return whom claims name.
    """
    return rules.identityIn(said, NOW, mustExpire)


class RulesTests(SynchronousTestCase):
    """
    Tests for L{TokenRules}.
    """

    def test_good(self) -> None:
        """
        A good token names a user until it expires.
        """
        self.assertEqual(named(claims()), Identity(b"alice", b"alice", NOW + 600))

    def test_refused(self) -> None:
        """
        A token that isn't good, isn't for us or names nobody is refused.
        """
        for changed in (
            {"iss": None},
            {"iss": ISSUER + "/"},
            {"iss": [ISSUER]},
            {"aud": None},
            {"aud": "web"},
            {"aud": "mail2"},
            {"aud": []},
            {"aud": ["web", "MAIL"]},
            {"aud": ["mail", 1]},
            {"aud": {"mail": 1}},
            {"exp": None},
            {"exp": NOW},
            {"exp": NOW - 1},
            {"exp": str(int(NOW + 600))},
            {"exp": True},
            {"exp": [NOW + 600]},
            {"exp": -1},
            {"exp": 2**53 + 1},
            {"exp": 10**19},
            {"exp": float("nan")},
            {"exp": float("inf")},
            {"nbf": NOW + LEEWAY + 1},
            {"nbf": "0"},
            {"nbf": True},
            {"iat": NOW + LEEWAY + 1},
            {"iat": {}},
            {"sub": None},
            {"sub": ""},
            {"sub": " "},
            {"sub": 7},
            {"sub": ["alice"]},
            {"sub": True},
            {"sub": "al\0ice"},
            {"sub": "al\nice"},
            {"sub": "al\u202eice"},
            {"sub": "al\u200bice"},
            {"sub": "\ud800"},
            {"sub": "a" * 1025},
            {"cnf": {"jkt": "x"}},
            {"token_type": "DPoP"},
            {"token_type": "refresh_token"},
            {"token_type": ["Bearer"]},
        ):
            self.assertRaises(TokenRefused, named, claims(**changed))

    def test_accepted(self) -> None:
        """
        What RFC 7519 allows is taken.
        """
        for changed in (
            {"aud": ["web", "mail"]},
            {"exp": NOW + 0.5},
            {"nbf": NOW + LEEWAY},
            {"iat": None},
            {"iat": NOW + LEEWAY},
            {"token_type": "Bearer"},
            {"sub": "alice"},
            {"more": {"nested": []}},
        ):
            self.assertEqual(named(claims(**changed)).name, b"alice")

    def test_name(self) -> None:
        """
        The account is called what the claim says, in UTF-8.
        """
        self.assertEqual(named(claims(sub="Zoë K")).name, "Zoë K".encode())

    def test_withoutEnd(self) -> None:
        """
        What an endpoint says of a token needn't say when that expires.
        """
        self.assertIsNone(named(claims(exp=None), mustExpire=False).until)
        self.assertRaises(TokenRefused, named, claims(exp=NOW), mustExpire=False)

    def test_malformed(self) -> None:
        """
        Claims of a wrong type are told apart from those that refuse.
        """
        for changed in ({"exp": "1"}, {"aud": 7}, {"nbf": None, "iat": "x"}):
            self.assertRaises(MalformedClaims, named, claims(**changed))

    def test_scope(self) -> None:
        """
        All words of the scope must be there, as words.
        """
        rules = TokenRules("sub", scope=("imap", "smtp"))
        self.assertEqual(named(claims(scope="smtp x imap"), rules).name, b"alice")
        for scope in (None, "", "imap", "imaps smtp", "IMAP smtp", ["imap", "smtp"]):
            self.assertRaises(TokenRefused, named, claims(scope=scope), rules)

    def test_email(self) -> None:
        """
        An address counts only if it is verified: users may choose it.
        """
        rules = TokenRules("email")
        address = "alice@example.org"
        good = claims(email=address, email_verified=True)
        self.assertEqual(named(good, rules).name, address.encode())
        for verified in (None, False, "true", 1):
            said = claims(email=address, email_verified=verified)
            self.assertRaises(TokenRefused, named, said, rules)

    def test_domain(self) -> None:
        """
        The domain is cut off, however it is spelled, and others are refused.
        """
        rules = TokenRules("upn", domain="example.org")
        identity = named(claims(upn="Alice@Example.ORG"), rules)
        self.assertEqual(identity.name, b"Alice")
        self.assertEqual(identity.claimed, b"Alice@Example.ORG")
        both = named(claims(upn="a@evil.org@example.org"), rules)
        self.assertEqual(both.name, b"a@evil.org")
        for upn in (
            "alice",
            "@example.org",
            " @example.org",
            "alice@evil.org",
            "alice@example.org.evil.org",
            "alice@evilexample.org",
            "alice@sub.example.org",
        ):
            self.assertRaises(TokenRefused, named, claims(upn=upn), rules)

    @given(
        strategies.dictionaries(
            strategies.sampled_from(
                ["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "email", "cnf"]
            ),
            strategies.none()
            | strategies.booleans()
            | strategies.integers()
            | strategies.floats()
            | strategies.text()
            | strategies.lists(strategies.text() | strategies.integers())
            | strategies.dictionaries(strategies.text(), strategies.integers()),
        ),
        strategies.sampled_from(["sub", "email", "exp"]),
    )
    def test_anything(self, said: dict[str, Any], claim: str) -> None:
        """
        Whatever is said, nothing but L{TokenRefused} is raised.
        """
        for rules in (TokenRules(claim), TokenRules(claim, "", "", ("a",), "b")):
            with contextlib.suppress(TokenRefused):
                named(said, rules, mustExpire=False)
