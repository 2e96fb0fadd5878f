"""
Tests for L{mycred._tokens._keyset}.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens._keyset import BadKeySet, KeySet, NoSuchKey, parseKeySet

from ..kit.tokens import ECSigner, EdSigner, RSASigner, integer, keySet

EC, ED, RSA = ECSigner(), EdSigner(), RSASigner()
WEAK = RSASigner("weak", 1024)


class KeySetTests(SynchronousTestCase):
    """
    Tests for L{parseKeySet} and L{KeySet}.
    """

    def parsed(self, *keys: Any) -> KeySet:
        """
        Parse keys.
        """
        return parseKeySet(keySet(*keys))

    def test_algorithms(self) -> None:
        """
        Each key verifies the signatures of its own kind alone, and no HMAC.
        """
        algorithms = [
            tuple(key.algorithms) for key in self.parsed(EC.jwk(), ED.jwk(), RSA.jwk())
        ]
        self.assertEqual(
            algorithms,
            [
                ("ES256",),
                ("EdDSA", "Ed25519"),
                ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
            ],
        )

    def test_oneAlgorithm(self) -> None:
        """
        A key that names its algorithm verifies no other.
        """
        [key] = self.parsed(RSA.jwk(alg="PS256", use="sig"))
        self.assertEqual(tuple(key.algorithms), ("PS256",))

    def test_leftOut(self) -> None:
        """
        Keys of other kinds, for other uses, that are weak, too large or malformed, are
        left out, and the others count.
        """
        huge = {"kty": "RSA", "n": "A" + "_" * 20_000, "e": "AQAB"}
        others = [
            None,
            {},
            [],
            {"kty": ["RSA"]},
            {"kty": "oct", "k": "c2VzYW1l", "kid": "shared"},
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "x": 7, "y": "AA"},
            {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
            {"kty": "EC"},
            {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
            {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
            {"kty": "RSA", "n": "!", "e": "AQAB"},
            {"kty": "RSA", "n": "", "e": ""},
            {**huge, "n": "_" * 1500},
            huge,
            WEAK.jwk(),
            # The same, with zeros before it.
            WEAK.jwk(n=integer(WEAK.key.public_key().public_numbers().n, 256)),
            EC.jwk(use="enc"),
            EC.jwk(key_ops=["sign"]),
            EC.jwk(key_ops="verify"),
            EC.jwk(alg="HS256"),
            EC.jwk(alg="none"),
            EC.jwk(kid=7),
        ]
        [key] = self.parsed(*others, ED.jwk())
        self.assertEqual(key.kid, "ed")
        # joserfc warns of the weak one.
        self.assertEqual(len(self.flushWarnings()), 1)

    def test_refused(self) -> None:
        """
        A text without a key that could be used is no key set.
        """
        for text in (
            b"",
            b"{}",
            b'{"keys":{}}',
            b'{"keys":[]}',
            json.dumps(EC.jwk()).encode("ascii"),
            keySet({"kty": "oct", "k": "c2VzYW1l"}),
            keySet(*[EC.jwk()] * 201),
            b"-----BEGIN PUBLIC KEY-----",
        ):
            self.assertRaises(BadKeySet, parseKeySet, text)

    def test_private(self) -> None:
        """
        The private part of a key isn't kept.
        """
        [key] = self.parsed(EC.jwk(d="sesame"))
        self.assertNotIn("d", key.key.as_dict())

    def test_find(self) -> None:
        """
        A key is found by its name and its kind.
        """
        keys = self.parsed(EC.jwk(), RSA.jwk())
        self.assertEqual(keys.keyFor("ec", "ES256").kid, "ec")
        for kid, algorithm in (
            ("rsa", "ES256"),
            ("ec", "RS256"),
            ("../../dev/null", "ES256"),
            ("", "ES256"),
            ("EC", "ES256"),
        ):
            self.assertRaises(NoSuchKey, keys.keyFor, kid, algorithm)

    def test_withoutName(self) -> None:
        """
        A token that names no key has the only one that fits.
        """
        keys = self.parsed(EC.jwk(), RSA.jwk())
        self.assertEqual(keys.keyFor(None, "ES256").kid, "ec")
        several = self.parsed(EC.jwk(), ECSigner("other").jwk())
        self.assertRaises(NoSuchKey, several.keyFor, None, "ES256")
        twins = self.parsed(EC.jwk(), ECSigner("ec").jwk())
        self.assertRaises(NoSuchKey, twins.keyFor, "ec", "ES256")

    @given(
        strategies.lists(
            strategies.dictionaries(
                strategies.sampled_from(
                    ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops"]
                ),
                strategies.sampled_from(
                    ["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB", "A" * 43, "", "_"]
                )
                | strategies.text()
                | strategies.none()
                | strategies.lists(strategies.text()),
            )
        )
    )
    def test_anything(self, entries: list[Any]) -> None:
        """
        Whatever stands there, nothing but L{BadKeySet} is raised.
        """
        with contextlib.suppress(BadKeySet):
            parseKeySet(json.dumps({"keys": entries}).encode("ascii"))
