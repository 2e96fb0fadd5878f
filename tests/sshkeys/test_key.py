"""
Tests for L{mycred._sshkeys._key}, L{mycred._sshkeys._wire} and
L{mycred._sshkeys._policy}.
"""

from __future__ import annotations

from base64 import b64decode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies

from twisted.conch.ssh.keys import BadKeyError
from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    Fields,
    KeyPolicy,
    PublicKey,
    UnusableKey,
    checkPolicy,
    parseOffer,
    signatureAlgorithm,
    string,
)
from mycred.error import UnauthorizedLogin

from ..kit.keys import SKECDSA, SecurityKey, blobOf, ecdsa, ed25519, nearRSA, rsaKey

ALL = KeyPolicy().accepted


class FieldTests(SynchronousTestCase):
    """
    Tests for L{Fields}.
    """

    def test_string(self) -> None:
        """
        A string is as long as it says.
        """
        fields = Fields(string(b"ab") + b"rest")
        self.assertEqual(fields.string(), b"ab")
        self.assertEqual(fields.take(4), b"rest")
        fields.end()

    def test_tooShort(self) -> None:
        """
        What ends too soon is refused.
        """
        for data in (b"", b"\0\0\0", b"\0\0\0\2a", b"\xff\xff\xff\xffa"):
            with self.assertRaises(UnusableKey):
                Fields(data).string()

    def test_surplus(self) -> None:
        """
        So is what follows the end.
        """
        with self.assertRaises(UnusableKey):
            Fields(b"x").end()

    def test_natural(self) -> None:
        """
        A number is written in one way: no sign, no zeros before it but the one that
        keeps it positive.
        """
        self.assertEqual(Fields(string(b"\x7f")).natural(), 127)
        self.assertEqual(Fields(string(b"\0\x80")).natural(), 128)
        for data in (b"", b"\x80", b"\0\x7f", b"\0", b"\0\0\x80"):
            with self.assertRaises(UnusableKey):
                Fields(string(data)).natural()

    def test_nul(self) -> None:
        """
        A text with a NUL is refused.
        """
        with self.assertRaises(UnusableKey):
            Fields(string(b"a\0")).text()


class PublicKeyTests(SynchronousTestCase):
    """
    Tests for L{PublicKey}.
    """

    def test_types(self) -> None:
        """
        Keys of all types are read, and signatures by them are verified.
        """
        made = {
            b"ssh-ed25519": (ed25519(), b"ssh-ed25519"),
            b"ecdsa-sha2-nistp256": (ecdsa(), b"ecdsa-sha2-nistp256"),
            b"ecdsa-sha2-nistp384": (ecdsa(ec.SECP384R1), b"ecdsa-sha2-nistp384"),
            b"ecdsa-sha2-nistp521": (ecdsa(ec.SECP521R1), b"ecdsa-sha2-nistp521"),
            b"ssh-rsa": (rsaKey(), b"rsa-sha2-512"),
        }
        for type, (conch, algorithm) in made.items():
            key = PublicKey.parse(blobOf(conch))
            self.assertEqual((key.type, key.blob), (type, blobOf(conch)))
            key.verify(conch.sign(b"data", algorithm), b"data", ALL)
            with self.assertRaises(UnusableKey):
                key.verify(conch.sign(b"data", algorithm), b"other", ALL)
            with self.assertRaises(UnusableKey):
                key.verify(conch.sign(b"data", algorithm), b"data", ALL - {algorithm})

    def test_again(self) -> None:
        """
        A key that was loaded before is still held to its own type, and one that can't be
        loaded never can.
        """
        signer, other = ed25519(), ed25519()
        signature = signer.sign(b"data", b"ssh-ed25519")
        for _ in range(2):
            PublicKey.parse(blobOf(signer)).verify(signature, b"data", ALL)
            with self.assertRaises(UnusableKey):
                PublicKey.parse(blobOf(other)).verify(signature, b"data", ALL)
            flawed = string(b"ecdsa-sha2-nistp256") + string(b"nistp256")
            flawed += string(b"\4" + b"\1" * 64)
            made = string(b"ecdsa-sha2-nistp256") + string(string(b"\1") + string(b"\1"))
            with self.assertRaises(UnusableKey):
                PublicKey.parse(flawed).verify(made, b"data", ALL)

    def test_zeros(self) -> None:
        """
        Zeros at the beginning of what an RSA key has signed may be missing, and those of
        the numbers of ECDSA may be too many.
        """
        rsa, p256 = nearRSA(), ecdsa()
        key = PublicKey.parse(blobOf(rsa))
        name, content = _signature(rsa.sign(b"data", b"rsa-sha2-256"))
        self.assertEqual(content[:1], b"\0")
        key.verify(string(name) + string(content[1:]), b"data", ALL)
        for odd in (b"\0" + content, content[1:-1], content[1:] + b"\0", b""):
            with self.assertRaises(UnusableKey):
                key.verify(string(name) + string(odd), b"data", ALL)
        key = PublicKey.parse(blobOf(p256))
        name, content = _signature(p256.sign(b"data"))
        fields = Fields(content)
        r, s = (int.from_bytes(fields.string(), "big") for _ in range(2))
        for zeros in (0, 1, 40, 2049):
            both = b"".join(string(n.to_bytes(max(zeros, 33), "big")) for n in (r, s))
            key.verify(string(name) + string(both), b"data", ALL)
        for odd in (
            string(r.to_bytes(2050, "big")) + string(s.to_bytes(33, "big")),
            string((2**256 - 1).to_bytes(32, "big")) * 2,
            string(b"") * 2,
            content + b"\0",
        ):
            with self.assertRaises(UnusableKey):
                key.verify(string(name) + string(odd), b"data", ALL)

    def test_notOnTheCurve(self) -> None:
        """
        A point that isn't on the curve verifies nothing.
        """
        blob = blobOf(ecdsa())
        key = PublicKey.parse(blob[:-1] + bytes([blob[-1] ^ 1]))
        signature = ecdsa().sign(b"data")
        with self.assertRaises(UnusableKey):
            key.verify(signature, b"data", ALL)

    def test_oneWayToWrite(self) -> None:
        """
        What could be written in another way, so that it wouldn't be found among revoked
        keys, is refused.
        """
        blob = blobOf(rsaKey(1024))
        fields = Fields(blob)
        type, e, n = fields.string(), fields.string(), fields.string()
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        compressed = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        p256 = b"ecdsa-sha2-nistp256"
        for odd in (
            string(type) + string(b"\0" + e) + string(n),
            string(type) + string(e) + string(b"\0" + n),
            blob + b"\0",
            string(p256) + string(b"nistp256") + string(compressed),
            string(p256) + blobOf(ecdsa(ec.SECP384R1))[23:],
        ):
            with self.assertRaises(UnusableKey):
                PublicKey.parse(odd)

    def test_unknownType(self) -> None:
        """
        Keys of other types don't count: DSA among them.
        """
        for type in (b"ssh-dss", b"rsa-sha2-512", b"", b"ssh-ed448"):
            with self.assertRaises(UnusableKey):
                PublicKey.parse(string(type) + string(b"x" * 32))

    def test_error(self) -> None:
        """
        What is no key is conch's error, and a refused login.
        """
        with self.assertRaises(BadKeyError):
            parseOffer(b"")
        with self.assertRaises(UnauthorizedLogin):
            parseOffer(b"")

    def test_fingerprint(self) -> None:
        """
        The fingerprint is the one that ssh-keygen -l shows.
        """
        # ssh-keygen -lf, of this line.
        text = "AAAAC3NzaC1lZDI1NTE5AAAAIEiaWbTAgeJVkFxGxUQwIcJYtAgTkNJTjOO2cwwzxKqV"
        key = PublicKey.parse(b64decode(text))
        self.assertEqual(
            key.fingerprint, "SHA256:NWtESw8fXkDnNRB9XDrwyqhx19BMt/K1oPSf7kzzAJ0"
        )

    @given(strategies.binary(max_size=200))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes raise nothing but the error of this module.
        """
        for type in (b"", b"ssh-ed25519", b"ssh-rsa", b"ecdsa-sha2-nistp521"):
            try:
                key = parseOffer((string(type) if type else b"") + data)
            except UnusableKey:
                continue
            self.assertIsInstance(key, PublicKey)

    @given(strategies.binary(max_size=200))
    def test_anySignature(self, data: bytes) -> None:
        """
        Arbitrary bytes are no signature, for keys of any type.
        """
        for blob in _BLOBS:
            with self.assertRaises(UnusableKey):
                PublicKey.parse(blob).verify(data, b"data", ALL)
            with self.assertRaises(UnusableKey):
                name = PublicKey.parse(blob).algorithms[0]
                PublicKey.parse(blob).verify(string(name) + data, b"d" * 69, ALL)


class SecurityKeyTests(SynchronousTestCase):
    """
    Tests for signatures by security keys.
    """

    def setUp(self) -> None:
        self.token = SecurityKey()
        self.key = PublicKey.parse(self.token.blob)

    def test_flags(self) -> None:
        """
        The flags that were signed are told.
        """
        for flags in (0, 1, 4, 5):
            signature, data = self.token.sign(b"message", flags)
            self.assertEqual(self.key.verify(signature, data, ALL), flags)

    def test_otherFlags(self) -> None:
        """
        Flags that were changed after the signature are found out.
        """
        signature, data = self.token.sign(b"message", 0)
        forged = signature[:-5] + b"\1" + signature[-4:]
        with self.assertRaises(UnusableKey):
            self.key.verify(forged, data, ALL)
        with self.assertRaises(UnusableKey):
            self.key.verify(forged, data[:32] + b"\1" + data[33:], ALL)

    def test_shapes(self) -> None:
        """
        What is shorter or longer is refused, and so is what was signed otherwise.
        """
        signature, data = self.token.sign(b"message")
        for odd in (signature[:-1], signature + b"\0", signature[:-5]):
            with self.assertRaises(UnusableKey):
                self.key.verify(odd, data, ALL)
        with self.assertRaises(UnusableKey):
            self.key.verify(signature, b"message", ALL)

    def test_application(self) -> None:
        """
        A key tells for what it was made; others were made for nothing.
        """
        self.assertEqual(self.key.application, b"ssh:")
        self.assertIsNone(PublicKey.parse(blobOf(ed25519())).application)

    def test_browser(self) -> None:
        """
        A signature that a browser has had made counts for the message in it, and by its
        own algorithm only.
        """
        token = SecurityKey(type=SKECDSA)
        key = PublicKey.parse(token.blob)
        signature = token.signForSite(b"message")
        signed = key.signedBy(signature, b"message")
        self.assertEqual(key.verify(signature, signed, ALL), 1)
        with self.assertRaises(UnusableKey):
            key.signedBy(signature, b"other")
        with self.assertRaises(UnusableKey):
            key.verify(signature, signed, ALL - {_signature(signature)[0]})
        # Extensions are signed too.
        signature = token.signForSite(b"message", 0x85, extensions=b"\xa0")
        signed = key.signedBy(signature, b"message")
        self.assertEqual(key.verify(signature, signed, ALL), 0x85)
        forged = signature[:-1] + b"\xa1"
        with self.assertRaises(UnusableKey):
            key.verify(forged, key.signedBy(forged, b"message"), ALL)

    @given(strategies.binary(min_size=1, max_size=200))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes, alone and in a signature, raise nothing but the error of this
        module.
        """
        token = SecurityKey(type=SKECDSA)
        key = PublicKey.parse(token.blob)
        good = token.signForSite(b"message")
        for odd in (data, good[: len(data)] + data, good[:70] + data + good[70:]):
            with self.assertRaises(UnusableKey):
                key.verify(odd, key.signedBy(odd, b"message"), ALL)

    def test_notThePlainKey(self) -> None:
        """
        A security key isn't the plain key of the same number.
        """
        raw = Fields(self.token.blob)
        raw.string()
        plain = string(b"ssh-ed25519") + string(raw.string())
        self.assertNotEqual(PublicKey.parse(plain), self.key)


class PolicyTests(SynchronousTestCase):
    """
    Tests for L{KeyPolicy}.
    """

    def test_size(self) -> None:
        """
        RSA keys that are too small don't count.
        """
        small, large = (PublicKey.parse(blobOf(rsaKey(n))) for n in (1024, 2048))
        policy = KeyPolicy(minimumRSA=2048)
        self.assertEqual(policy.flaw(small), "an RSA key of 1024 bits, less than 2048")
        self.assertIsNone(policy.flaw(large))
        self.assertIsNone(KeyPolicy().flaw(small))

    def test_type(self) -> None:
        """
        Keys that can't sign by an accepted algorithm don't count.
        """
        policy = KeyPolicy(("ssh-ed25519",))
        self.assertIsNone(policy.flaw(PublicKey.parse(blobOf(ed25519()))))
        self.assertIsNotNone(policy.flaw(PublicKey.parse(blobOf(ecdsa()))))

    def test_unknown(self) -> None:
        """
        An unknown algorithm, one with SHA-1, and none at all, are errors.
        """
        for names in (("ssh-ed25519", "x"), ("ssh-rsa",), ("ssh-dss",), ()):
            with self.assertRaises(ValueError):
                checkPolicy(KeyPolicy(names))

    def test_announced(self) -> None:
        """
        The algorithm of a certificate is that of its key.
        """
        for name, plain in (
            (b"ssh-ed25519", b"ssh-ed25519"),
            (b"ssh-ed25519-cert-v01@openssh.com", b"ssh-ed25519"),
            (b"rsa-sha2-512-cert-v01@openssh.com", b"rsa-sha2-512"),
            (b"sk-ssh-ed25519-cert-v01@openssh.com", b"sk-ssh-ed25519@openssh.com"),
            (
                b"webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
                b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            ),
            (None, None),
        ):
            self.assertEqual(signatureAlgorithm(name), plain)


def _signature(signature: bytes) -> tuple[bytes, bytes]:
    """
    Take a signature apart.
    """
    fields = Fields(signature)
    return fields.string(), fields.string()


_BLOBS = [blobOf(ed25519()), blobOf(ecdsa()), blobOf(rsaKey(1024)), SecurityKey().blob]
