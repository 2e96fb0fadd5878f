"""
Signatures, authorities and lines that are written otherwise than by OpenSSH itself, held
against a real sshd and against mycred's conch server: the verdicts must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mycred._sshkeys import Fields, string

from ..kit.craftedkeys import (
    CERTIFIED,
    ECTOKEN,
    ED,
    NAME,
    NEAR,
    P256,
    RSA,
    TOKEN,
    WEBAUTHN,
    Crafted,
    Sign,
)
from ..kit.keys import (
    blobOf,
    certificate,
    lineOf,
    mpint,
)


class Way(NamedTuple):
    """
    A way to sign.

    @ivar key: whose blob it is, as in a file.
    @ivar algorithm: what is announced.
    @ivar sign: what signs.
    @ivar counts: whether it must do.
    """

    key: bytes
    algorithm: bytes
    sign: Sign
    counts: bool


def changed(sign: Sign, change: Callable[[bytes], bytes], after: bytes = b"") -> Sign:
    """
    Make what signs, and changes the signature that the algorithm knows.

    @param after: what follows it.
    """

    def signChanged(message: bytes) -> bytes:
        fields = Fields(sign(message))
        algorithm, content = fields.string(), fields.string()
        rest = b""
        while fields:
            rest += fields.take(1)
        return string(algorithm) + string(change(content)) + rest + after

    return signChanged


def numbers(change: Callable[[int, int], bytes]) -> Sign:
    """
    Make what signs by ECDSA, and writes the numbers as it likes.
    """

    def sign(message: bytes) -> bytes:
        private = P256._keyObject
        both = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
        return string(b"ecdsa-sha2-nistp256") + string(change(*both))

    return sign


def negative(r: int, s: int) -> bytes:
    """
    Write numbers of which at least one looks negative.
    """
    number = max(r, s)
    if number.bit_length() % 8:
        number = ORDER - 1
    return mpint(number, 0) + mpint(number, 0)


#: The order of the curve P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def rsaWays(key: Any, algorithm: bytes, ways: dict[str, tuple[Any, bool]]) -> Iterable:
    """
    Make ways of an RSA key.
    """
    sign = partial(key.sign, signatureType=algorithm)
    for name, (change, counts) in ways.items():
        made = changed(sign, change)
        yield f"{name}, {algorithm.decode()}", Way(blobOf(key), algorithm, made, counts)


def same(content: bytes) -> bytes:
    """
    Change nothing.
    """
    return content


WAYS: dict[str, Way] = {
    **{
        name: way
        for algorithm in (b"rsa-sha2-256", b"rsa-sha2-512")
        for key, ways in (
            (
                NEAR,
                {
                    "RSA with its zero": (same, True),
                    "RSA without its zero": (lambda sig: sig[1:], True),
                    "RSA without any zero": (lambda sig: sig.lstrip(b"\0"), True),
                    "RSA with one zero more": (lambda sig: b"\0" + sig, False),
                    "RSA cut off": (lambda sig: sig[:-1], False),
                    "RSA cut at both ends": (lambda sig: sig[1:-1], False),
                    "nothing by RSA": (lambda sig: b"", False),
                    "a zero by RSA": (lambda sig: b"\0", False),
                },
            ),
            (
                RSA,
                {
                    "RSA of whole bytes": (lambda sig: sig.lstrip(b"\0"), True),
                    "RSA of whole bytes, and a zero": (lambda sig: b"\0" + sig, False),
                },
            ),
        )
        for name, way in rsaWays(key, algorithm, ways)
    },
    "RSA by the other algorithm": Way(
        blobOf(RSA),
        b"rsa-sha2-256",
        lambda message: RSA.sign(message, b"rsa-sha2-512"),
        False,
    ),
    **{
        f"RSA, and {after!r}": Way(
            blobOf(RSA),
            b"rsa-sha2-256",
            changed(lambda message: RSA.sign(message, b"rsa-sha2-256"), same, after),
            False,
        )
        for after in (b"\0", string(b""))
    },
    **{
        f"ECDSA {name}": Way(
            blobOf(P256), b"ecdsa-sha2-nistp256", numbers(change), counts
        )
        for name, change, counts in (
            ("as it should be", lambda r, s: mpint(r) + mpint(s), True),
            ("zero before both", lambda r, s: mpint(r, 1) + mpint(s, 1), True),
            ("zeros before r", lambda r, s: mpint(r, 9) + mpint(s), True),
            ("zeros before s", lambda r, s: mpint(r) + mpint(s, 9), True),
            (
                "of the longest numbers",
                lambda r, s: b"".join(string(n.to_bytes(2049, "big")) for n in (r, s)),
                True,
            ),
            (
                "of too long numbers",
                lambda r, s: b"".join(string(n.to_bytes(2050, "big")) for n in (r, s)),
                False,
            ),
            ("the other way round", lambda r, s: mpint(s) + mpint(r), False),
            ("mirrored", lambda r, s: mpint(r) + mpint(ORDER - s), True),
            ("beyond the order", lambda r, s: mpint(r + ORDER) + mpint(s), False),
            ("negative", negative, False),
            ("zero", lambda r, s: mpint(0) + mpint(0), False),
            ("zero, in bytes", lambda r, s: mpint(0, 1) + mpint(0, 1), False),
            ("cut off", lambda r, s: mpint(r), False),
            ("and more", lambda r, s: mpint(r) + mpint(s) + b"\0", False),
            ("nothing", lambda r, s: b"", False),
        )
    },
    "ECDSA, and more": Way(
        blobOf(P256), b"ecdsa-sha2-nistp256", changed(P256.sign, same, b"\0"), False
    ),
    **{
        f"Ed25519 {name}": Way(
            blobOf(ED), b"ssh-ed25519", changed(ED.sign, change, after), counts
        )
        for name, change, after, counts in (
            ("as it should be", same, b"", True),
            ("cut off", lambda sig: sig[:-1], b"", False),
            ("cut at its beginning", lambda sig: sig[1:], b"", False),
            ("and a zero", lambda sig: sig + b"\0", b"", False),
            ("after a zero", lambda sig: b"\0" + sig, b"", False),
            ("nothing", lambda sig: b"", b"", False),
            ("and more", same, b"\0", False),
        )
    },
    **{
        f"{token.type.decode()} {name}": Way(token.blob, token.type, sign, counts)
        for token in (TOKEN, ECTOKEN)
        for name, sign, counts in (
            ("touched", lambda message, t=token: t.sign(message)[0], True),
            (
                "with superfluous zeros",
                lambda message, t=token: t.sign(message, zeros=5)[0],
                True,
            ),
            (
                "and more",
                lambda message, t=token: t.sign(message)[0] + b"\0",
                False,
            ),
            ("cut off", lambda message, t=token: t.sign(message)[0][:-1], False),
            (
                "of something else",
                lambda message, t=token: t.sign(message + b"x")[0],
                False,
            ),
        )
    },
    **{
        f"a browser's {name}": Way(ECTOKEN.blob, WEBAUTHN, sign, counts)
        for name, sign, counts in (
            ("touched", ECTOKEN.signForSite, True),
            (
                "with extensions",
                lambda message: ECTOKEN.signForSite(message, 0x81, extensions=b"\xa0"),
                True,
            ),
            (
                "with extensions that aren't flagged",
                lambda message: ECTOKEN.signForSite(message, extensions=b"\xa0"),
                False,
            ),
            (
                "without flagged extensions",
                lambda message: ECTOKEN.signForSite(message, 0x81),
                False,
            ),
            (
                "with an attestation",
                lambda message: ECTOKEN.signForSite(message, 0x41),
                False,
            ),
            (
                "of another message",
                lambda message: ECTOKEN.signForSite(message + b"x"),
                False,
            ),
            (
                "for a site with quotes",
                lambda message: ECTOKEN.signForSite(message, origin=b'a","x":"'),
                False,
            ),
            (
                "of another type",
                lambda message: ECTOKEN.signForSite(message, type=b"webauthn.create"),
                False,
            ),
            ("and more", lambda message: ECTOKEN.signForSite(message) + b"\0", False),
        )
    },
}


class SignatureTests(Crafted):
    """
    Signatures in all ways to write them.
    """

    def test_users(self) -> Any:
        """
        Users' signatures count as they do for sshd.
        """
        return self.agreeOnWays(
            {
                name: (lineOf(way.key), way.key, way.algorithm, way.sign, way.counts)
                for name, way in WAYS.items()
            }
        )

    def test_authorities(self) -> Any:
        """
        So do authorities' in certificates, by whatever algorithm of their key, except
        that no browser has a say.
        """
        ways = {}
        for name, way in WAYS.items():
            # An authority doesn't announce anything.
            counts = way.counts or name == "RSA by the other algorithm"
            counts = counts and way.algorithm != WEBAUTHN
            blob = certificate(
                None, ED, principals=(NAME,), authorityBlob=way.key, sign=way.sign
            )
            lines = b"cert-authority " + lineOf(way.key)
            ways[name] = (lines, blob, CERTIFIED, ED.sign, counts)
        return self.agreeOnWays(ways)
