"""
Tests for L{mycred._tokens._jwt}.
"""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import TokenRefused
from mycred._tokens._jwt import SignedToken, parseToken
from mycred._tokens._keyset import NoSuchKey, parseKeySet

from ..kit.tokens import (
    ECSigner,
    EdSigner,
    RSASigner,
    claims,
    encoded,
    hmacOf,
    keySet,
)

EC, ED, RSA = ECSigner(), EdSigner(), RSASigner()
KEYS = parseKeySet(keySet(EC.jwk(), ED.jwk(), RSA.jwk()))
GOOD = EC.sign(claims())


def verified(token: bytes) -> SignedToken:
    """
    Verify the signature of a token.
    """
    parsed = parseToken(token)
    parsed.insistOnSignature(KEYS)
    return parsed


class SignatureTests(SynchronousTestCase):
    """
    Tests for whose signatures count.
    """

    def test_byHand(self) -> None:
        """
        Tokens that were signed without joserfc are taken, of each kind.
        """
        for signer in (EC, ED, RSA):
            self.assertEqual(verified(signer.sign(claims())).claims, claims())

    def test_byJoserfc(self) -> None:
        """
        So are those that joserfc has made, by each algorithm.
        """
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            key = RSAKey.import_key(RSA.key)
            head = {"alg": algorithm, "kid": "rsa"}
            token = jwt.encode(head, claims(), key, [algorithm]).encode("ascii")
            self.assertEqual(verified(token).claims, claims())
        for algorithm, curve in (("ES384", "P-384"), ("ES512", "P-521")):
            other = ECKey.generate_key(curve)
            keys = parseKeySet(keySet(dict(other.as_dict(private=False))))
            head = {"alg": algorithm}
            token = jwt.encode(head, claims(), other, [algorithm]).encode("ascii")
            parseToken(token).insistOnSignature(keys)

    def test_none(self) -> None:
        """
        A token without a signature is refused, however C{none} is spelled.
        """
        for alg in ("none", "None", "NONE", "nOnE", ""):
            for signature in (b"", b"x"):
                token = EC.sign(claims(), alg=alg, signature=signature)
                self.assertRaises(TokenRefused, parseToken, token)

    def test_symmetric(self) -> None:
        """
        An HMAC by the public key, which everybody knows, is refused.
        """
        pem = RSA.key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        for key in (pem, pem.strip(), b"", json.dumps(RSA.jwk()).encode("ascii")):
            for kid in ("rsa", None):
                token = hmacOf(key, RSA.sign(claims(), alg="HS256", kid=kid))
                self.assertRaises(TokenRefused, parseToken, token)

    def test_wrong(self) -> None:
        """
        A signature of something else, by another key, of nothing or of zeros, is wrong.
        """
        head, _body, signature = GOOD.split(b".")
        other = encoded(json.dumps(claims(sub="root")).encode("ascii")).encode("ascii")
        for token in (
            b".".join([head, other, signature]),
            ECSigner("ec").sign(claims()),
            EC.sign(claims(), signature=b""),
            EC.sign(claims(), signature=bytes(64)),
            EC.sign(claims(), signature=b"\xff" * 64),
            EC.sign(claims(), signature=b"\xff" * 4096),
            RSA.sign(claims(), signature=b""),
            RSA.sign(claims(), signature=bytes(256)),
            RSA.sign(claims(), signature=b"\xff" * 256),
            RSA.sign(claims(), alg="RS512"),
            RSA.sign(claims(), alg="PS256"),
            ED.sign(claims(), signature=bytes(64)),
        ):
            error = self.assertRaises(TokenRefused, verified, token)
            self.assertIn("signature", str(error))

    def test_otherKind(self) -> None:
        """
        A key of another kind than the algorithm is none.
        """
        for token in (EC.sign(claims(), alg="RS256"), EC.sign(claims(), kid="rsa")):
            self.assertRaises(NoSuchKey, verified, token)

    def test_ownKeys(self) -> None:
        """
        A key that the token brings with it, or says where to find, doesn't count.
        """
        thief = ECSigner("ec")
        for header in (
            {"jwk": thief.jwk()},
            {"jku": "https://evil.example/keys"},
            {"x5u": "https://evil.example/chain"},
            {"x5c": ["MIIB"]},
        ):
            self.assertRaises(TokenRefused, verified, thief.sign(claims(), **header))
            # Beside an honest signature they are ignored.
            verified(EC.sign(claims(), **header))


class FormTests(SynchronousTestCase):
    """
    Tests for what is a token.
    """

    def test_types(self) -> None:
        """
        Tokens of other types, which the same keys may sign, let nobody in.
        """
        for kind in (None, "JWT", "at+jwt", "AT+JWT", "application/at+jwt"):
            verified(EC.sign(claims(), typ=kind))
        for kind in ("logout+jwt", "dpop+jwt", "secevent+jwt", "", 7, ["JWT"]):
            self.assertRaises(TokenRefused, parseToken, EC.sign(claims(), typ=kind))

    def test_header(self) -> None:
        """
        A header that asks for what isn't done here is refused.
        """
        for header in (
            {"crit": ["exp"]},
            {"crit": []},
            {"b64": False},
            {"b64": True},
            {"zip": "DEF"},
            {"enc": "A256GCM"},
            {"cty": "JWT"},
            {"kid": 7},
            {"kid": ["ec"]},
            {"alg": ["ES256"]},
            {"alg": None},
        ):
            alg = header.pop("alg", "ES256")
            head = {"alg": alg, "kid": "ec", **header}
            token = EC.signText(json.dumps(head).encode("ascii"), claims())
            self.assertRaises(TokenRefused, parseToken, token)

    def test_twins(self) -> None:
        """
        A name that stands twice, in the header or in the claims, is refused.
        """
        good, twin = b'{"alg":"ES256","kid":"ec"}', b'{"alg":"none","alg":"ES256"}'
        said = b'{"sub":"alice","sub":"root"}'
        self.assertRaises(TokenRefused, parseToken, EC.signText(twin, claims()))
        self.assertRaises(TokenRefused, parseToken, EC.signText(good, said))

    def test_otherForms(self) -> None:
        """
        What has another number of parts, padding, line ends or another alphabet is
        refused.
        """
        head, body, signature = GOOD.split(b".")
        for token in (
            b"",
            b"..",
            b"a",
            head + b"." + body,
            GOOD + b".x",
            b".".join([head, b"", b"", body, signature]),
            GOOD + b"=",
            GOOD + b"\n",
            b" " + GOOD,
            head + b"=." + body + b"." + signature,
            head + b"A." + body + b"." + signature,
            GOOD[:-1] + bytes([GOOD[-1] + 1]),
            GOOD.replace(b".", b"+.", 1),
            EC.sign(b"[]"),
            EC.sign(b'"alice"'),
            EC.sign(b'{"exp":NaN}'),
            EC.sign(b'{"a":' + b"[" * 10_000),
            EC.signText(b"[]", claims()),
        ):
            self.assertRaises(TokenRefused, parseToken, token)

    def test_silent(self) -> None:
        """
        What is wrong is told without the token.
        """
        error = self.assertRaises(TokenRefused, parseToken, b"sesame." * 3)
        self.assertNotIn("sesame", repr(error))

    @given(
        strategies.binary()
        | strategies.lists(
            strategies.binary().map(encoded)
            | strategies.dictionaries(
                strategies.sampled_from(["alg", "kid", "typ", "crit"]),
                strategies.sampled_from(["ES256", "ec", "JWT", "none", 7, None, []]),
            ).map(lambda head: encoded(json.dumps(head).encode("ascii"))),
            min_size=3,
            max_size=3,
        ).map(lambda parts: ".".join(parts).encode("ascii"))
    )
    def test_anything(self, token: bytes) -> None:
        """
        Whatever comes, nothing but L{TokenRefused} is raised, or there is no such key.
        """
        try:
            verified(token)
        except (TokenRefused, NoSuchKey):
            pass
        else:
            self.fail(repr(token))
