"""
Tests for L{mycred._certificates._naming}; the table of tests.kit.clientcertificates has
more.
"""

from __future__ import annotations

import contextlib
import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._certificates import KINDS, Naming, Untrusted
from mycred._certificates._naming import LONGEST, WITH_DOMAIN, _utf8String

from ..kit.clientcertificates import World, named, scribbled, upn

WORLD = World()
EVERY = WORLD.root.issue(
    named("alice", ORGANIZATION_NAME="Example"),
    [
        x509.RFC822Name("alice@example.org"),
        x509.DNSName("alice.example.org"),
        x509.UniformResourceIdentifier("urn:alice"),
        upn("alice@example.org"),
    ],
).certificate
DER = EVERY.public_bytes(Encoding.DER)


def _der(name: x509.OtherName) -> bytes:
    """
    Return the value of a name, in DER.
    """
    return name.value


class NamingTests(SynchronousTestCase):
    """
    Tests for L{Naming}.
    """

    def principal(self, der: bytes) -> x509.Certificate:
        """
        Return the certificate of one whose User Principal Name is this in DER.
        """
        name = x509.OtherName(upn("").type_id, der)
        return WORLD.root.issue(alternatives=[name]).certificate

    def test_kinds(self) -> None:
        """
        Each place has its name.
        """
        found = {kind: Naming(kind).nameOf(EVERY) for kind in KINDS}
        self.assertEqual(len(found.pop("fingerprint")), 64)
        self.assertEqual(
            found,
            {
                "email": "alice@example.org",
                "cn": "alice",
                "uri": "urn:alice",
                "dns": "alice.example.org",
                "upn": "alice@example.org",
                "dn": "O=Example,CN=alice",
            },
        )
        self.assertLessEqual(set(WITH_DOMAIN), set(KINDS))

    def test_none(self) -> None:
        """
        A place without a name names nobody.
        """
        bare = WORLD.root.issue(named(), ()).certificate
        for kind in sorted(set(KINDS) - {"fingerprint"}):
            self.assertRaises(Untrusted, Naming(kind).nameOf, bare)

    def test_principals(self) -> None:
        """
        The length of a principal may be written in one, two or three bytes, and must be
        right; other kinds of text aren't taken.
        """
        naming = Naming("upn")
        for size, length in ((3, "03"), (200, "81c8"), (300, "82012c")):
            der = b"\x0c" + bytes.fromhex(length) + b"a" * size
            self.assertEqual(naming.nameOf(self.principal(der)), "a" * size)
        for der in (
            b"\x0c\x02abc",
            b"\x0c\x04abc",
            b"\x16\x03abc",
            b"\x0c\x80abc\0\0",
            b"\x0c\x82\x03abc",
            b"\x0c\x03a\xffc",
            b"\x0c\x82\x00",
            b"\x0c",
            b"",
        ):
            self.assertRaises(ValueError, _utf8String, der)

    def test_longest(self) -> None:
        """
        The limit is for the bytes of a name.
        """
        for size, isRight in ((LONGEST // 2, True), (LONGEST // 2 + 1, False)):
            holder = self.principal(
                b"\x0c\x82" + (2 * size).to_bytes(2, "big") + "\u00e5".encode() * size
            )
            if isRight:
                self.assertEqual(Naming("upn").nameOf(holder), "\u00e5" * size)
            else:
                self.assertRaises(Untrusted, Naming("upn").nameOf, holder)

    def test_match(self) -> None:
        """
        A value matches as a whole; its group is what counts; a group that has matched
        nothing is no name.
        """
        for pattern, name in (
            ("alice@example.org", "alice@example.org"),
            ("(.*)@.*", "alice"),
            ("(?:.*)@(.*)", "example.org"),
            ("alice", None),
            (".*\n?x?", "alice@example.org"),
            ("(b)?alice@.*", None),
            ("()alice@.*", None),
            ("^alice|bob$", None),
        ):
            naming = Naming("email", re.compile(pattern))
            if name is None:
                self.assertRaises(Untrusted, naming.nameOf, EVERY)
            else:
                self.assertEqual(naming.nameOf(EVERY), name)

    def test_matchAndDomain(self) -> None:
        """
        What a group has matched may have a domain that is cut off.
        """
        naming = Naming("dn", re.compile("O=(.*),CN=alice"))
        self.assertEqual(naming.nameOf(EVERY), "Example")
        cut = Naming("email", re.compile("(al.*)"), "example.org")
        self.assertEqual(cut.nameOf(EVERY), "alice")

    def test_unknownString(self) -> None:
        """
        A subject whose value is of no kind of string names nobody.
        """
        right, wrong = (bytes([tag, 5]) + b"alice" for tag in (0x0C, 0))
        self.assertEqual(DER.count(right), 1)
        certificate = x509.load_der_x509_certificate(DER.replace(right, wrong))
        for kind in ("cn", "dn"):
            self.assertRaises(Untrusted, Naming(kind).nameOf, certificate)

    @given(scribbled(DER), strategies.sampled_from(sorted(KINDS)))
    def test_hostile(self, der: bytes, kind: str) -> None:
        """
        Whatever a certificate says, nothing but L{Untrusted} is raised, and a name is
        one that can be shown.
        """
        with contextlib.suppress(ValueError):
            certificate = x509.load_der_x509_certificate(der)
            name = Naming(kind).nameOf(certificate)
            self.assertTrue(name.isprintable())
            self.assertTrue(name)
        # What can't even be loaded doesn't come from TLS.

    @given(
        strategies.binary(max_size=8) | strategies.text(max_size=30).map(upn).map(_der)
    )
    def test_hostileText(self, der: bytes) -> None:
        """
        Whatever stands for a text, nothing but L{ValueError} is raised.
        """
        with contextlib.suppress(ValueError):
            text = _utf8String(der)
            self.assertTrue(der.endswith(text.encode("utf-8")))
