"""
Tests for L{mycred._sshkeys._certificate}.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    Certificate,
    KeyPolicy,
    PublicKey,
    UnusableKey,
    parseOffer,
    signingKeyOf,
    string,
)

from ..kit.keys import (
    SK,
    SKECDSA,
    SecurityKey,
    blobOf,
    certificate,
    ecdsa,
    ed25519,
    rsaKey,
)

ALL = KeyPolicy().accepted
ALICE, CA, RSA = ed25519(), ed25519(), rsaKey()


class ParseTests(SynchronousTestCase):
    """
    Tests for L{Certificate.parse}.
    """

    def test_fields(self) -> None:
        """
        What a certificate says is read.
        """
        blob = certificate(
            CA,
            ALICE,
            serial=9,
            id="Zo\xeb".encode(),
            principals=(b"a", b"b"),
            since=5,
            until=6,
            critical=((b"c", b"d"),),
            extensions=((b"e", b"f"), (b"g", b"")),
        )
        read = Certificate.parse(blob)
        self.assertEqual(read.key, PublicKey.parse(blobOf(ALICE)))
        self.assertEqual(read.authority, PublicKey.parse(blobOf(CA)))
        self.assertEqual(
            (read.serial, read.id, read.principals, read.since, read.until),
            (9, "Zo\xeb", ("a", "b"), 5, 6),
        )
        self.assertEqual(read.critical, (("c", b"d"),))
        self.assertEqual(read.extensions, (("e", b"f"), ("g", b"")))
        self.assertTrue(read.isForUser)
        self.assertEqual(read.blob, blob)
        self.assertEqual(parseOffer(blob), read)
        self.assertEqual(signingKeyOf(read), read.key)

    def test_most(self) -> None:
        """
        There is room for more than anybody writes.
        """
        names = tuple(b"%d" % number for number in range(256))
        pairs = tuple((name, b"") for name in names[:64])
        blob = certificate(CA, ALICE, principals=names, critical=pairs, extensions=pairs)
        read = Certificate.parse(blob)
        self.assertEqual(len(read.principals), 256)
        self.assertEqual((len(read.critical), len(read.extensions)), (64, 64))

    def test_types(self) -> None:
        """
        Keys of all types are certified.
        """
        token = SecurityKey()
        for type, blob in (
            (b"ssh-rsa-cert-v01@openssh.com", blobOf(RSA)),
            (b"ecdsa-sha2-nistp256-cert-v01@openssh.com", blobOf(ecdsa())),
            (b"sk-ssh-ed25519-cert-v01@openssh.com", token.blob),
        ):
            body = blob[4 + int.from_bytes(blob[:4], "big") :]
            read = Certificate.parse(certificate(CA, None, type=type, body=body))
            self.assertEqual(read.key.blob, blob)

    def test_bad(self) -> None:
        """
        What isn't one is refused: cut, longer, with a NUL in a name, by a certificate
        in place of a key, for too many.
        """
        good = certificate(CA, ALICE)
        chained = good.replace(string(blobOf(CA)), string(certificate(CA, CA)))
        for blob in (
            good[:-1],
            good + b"x",
            certificate(CA, ALICE, principals=(b"al\0ice",)),
            certificate(CA, ALICE, id=b"a\0b"),
            certificate(CA, ALICE, principals=(b"a",) * 257),
            certificate(CA, ALICE, critical=((b"verify-required", b""),) * 65),
            certificate(CA, ALICE, extensions=((b"", b""),) * 65),
            certificate(CA, ALICE, type=b"ssh-rsa-cert-v01@openssh.com"),
            certificate(CA, ALICE, type=b"ssh-dss-cert-v01@openssh.com"),
            certificate(CA, ALICE, type=b"ssh-ed25519-cert-v02@openssh.com"),
            chained,
        ):
            with self.assertRaises(UnusableKey):
                Certificate.parse(blob)

    @given(strategies.binary(max_size=300), strategies.integers(0, 400))
    def test_anything(self, data: bytes, position: int) -> None:
        """
        Arbitrary bytes, alone and in a certificate, raise nothing but the error of this
        module.
        """
        good = certificate(CA, ALICE)
        for blob in (
            string(b"ssh-ed25519-cert-v01@openssh.com") + data,
            good[:position] + data + good[position + len(data) :],
        ):
            try:
                read = parseOffer(blob)
                if isinstance(read, Certificate):
                    read.verify(ALL)
            except UnusableKey:
                pass


class VerifyTests(SynchronousTestCase):
    """
    Tests for L{Certificate.verify}.
    """

    def test_authorities(self) -> None:
        """
        Authorities of all types are verified.
        """
        for authority, algorithm in (
            (CA, None),
            (ecdsa(), None),
            (RSA, b"rsa-sha2-256"),
            (RSA, b"rsa-sha2-512"),
        ):
            blob = certificate(authority, ALICE, algorithm=algorithm)
            Certificate.parse(blob).verify(ALL)

    def test_securityKeys(self) -> None:
        """
        So are security keys, whether somebody has touched them or not; what they have
        signed of something else is none.
        """
        for type in (SK, SKECDSA):
            token = SecurityKey(type=type)
            for flags in (0, 1, 5):

                def sign(data: bytes, token: Any = token, flags: int = flags) -> bytes:
                    return token.sign(data, flags)[0]

                blob = certificate(token, ALICE, sign=sign)
                Certificate.parse(blob).verify(ALL)
                with self.assertRaises(UnusableKey):
                    Certificate.parse(blob).verify(ALL - {type})
                changed = blob.replace(string(b"me"), string(b"ME"), 1)
                with self.assertRaises(UnusableKey):
                    Certificate.parse(changed).verify(ALL)

    def test_sha1(self) -> None:
        """
        Not those that have signed with SHA-1.
        """
        blob = certificate(RSA, ALICE, algorithm=b"ssh-rsa")
        with self.assertRaises(UnusableKey):
            Certificate.parse(blob).verify(ALL)

    def test_changed(self) -> None:
        """
        What was changed after the signature is found out, byte for byte.
        """
        good = certificate(CA, ALICE)
        start = 4 + len(b"ssh-ed25519-cert-v01@openssh.com")
        for position in range(start, len(good)):
            changed = bytearray(good)
            changed[position] ^= 1
            with self.assertRaises(UnusableKey, msg=str(position)):
                Certificate.parse(bytes(changed)).verify(ALL)


class FlawTests(SynchronousTestCase):
    """
    Tests for L{Certificate.flaw}.
    """

    def test_time(self) -> None:
        """
        A certificate counts from its first second to the one before its last.
        """
        one = Certificate.parse(certificate(CA, ALICE, since=10, until=20))
        self.assertEqual(
            [one.flaw(now) is None for now in (9, 10, 19, 19.9, 20, 2**65)],
            [False, True, True, True, False, False],
        )

    def test_host(self) -> None:
        """
        One for a host, or for something unknown, is not for a user.
        """
        for kind in (0, 2, 3):
            one = Certificate.parse(certificate(CA, ALICE, kind=kind))
            self.assertEqual(one.flaw(1), "the certificate is not for a user")
