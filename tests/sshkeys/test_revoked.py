"""
Tests for L{mycred._sshkeys._revoked}; L{tests.conch.test_correspondence} holds them to
sshd, with lists that ssh-keygen makes.
"""

from __future__ import annotations

from hashlib import sha1, sha256

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    Certificate,
    PublicKey,
    Revoked,
    UnusableKey,
    parseOffer,
    string,
)
from mycred._sshkeys._revoked import RevokedCertificates

from ..kit.keys import blobOf, certificate, ed25519, line, shortRSA
from ..kit.krl import HEAD, krlOf, section, u64

ALICE, BOB, CA = ed25519(), ed25519(), ed25519()


def of(*sections: bytes, authority: bytes | None = None) -> bytes:
    """
    Write a KRL about certificates, of L{CA} if no other authority is given.
    """
    return krlOf(*sections, authority=blobOf(CA) if authority is None else authority)


def signed(serial: int = 7, id: bytes = b"me") -> Certificate:
    """
    Make a certificate.
    """
    return Certificate.parse(certificate(CA, ALICE, serial=serial, id=id))


class KeyTests(SynchronousTestCase):
    """
    Revoked keys.
    """

    def test_kinds(self) -> None:
        """
        A key is revoked by itself, by its digests, and by a list of keys; and with it
        its certificates, and those that it has signed.
        """
        for text in (
            b"# gone\n" + line(ALICE),
            HEAD + section(2, string(blobOf(ALICE))),
            HEAD + section(3, string(sha1(blobOf(ALICE)).digest())),
            HEAD + section(5, string(sha256(blobOf(ALICE)).digest())),
        ):
            revoked = Revoked.parse(text)
            self.assertIn(PublicKey.parse(blobOf(ALICE)), revoked)
            self.assertIn(signed(), revoked)
            self.assertIn(parseOffer(certificate(ALICE, BOB)), revoked)
            self.assertNotIn(PublicKey.parse(blobOf(BOB)), revoked)
            self.assertNotIn(parseOffer(certificate(CA, BOB)), revoked)

    def test_empty(self) -> None:
        """
        An empty list revokes nothing.
        """
        for text in (b"", b"# x\n", HEAD):
            self.assertNotIn(signed(), Revoked.parse(text))


class CertificateTests(SynchronousTestCase):
    """
    Revoked certificates.
    """

    def test_serials(self) -> None:
        """
        A certificate is revoked by its number: alone, in a range, in a bitmap.
        """
        for content in (
            section(0x20, u64(3, 7)),
            section(0x21, u64(5, 9)),
            section(0x22, u64(5) + string(b"\x05")),
            section(0x22, u64(0) + string(b"\x00\x80")),
            section(0x21, u64(1, 3)) + section(0x21, u64(2, 8)),
        ):
            for authority in (None, b""):
                revoked = Revoked.parse(of(content, authority=authority))
                self.assertIn(signed(7), revoked)
                self.assertNotIn(signed(10), revoked)
                self.assertNotIn(
                    signed(4) if content[:1] != b"!" else signed(11), revoked
                )
            other = Revoked.parse(of(content, authority=blobOf(BOB)))
            self.assertNotIn(signed(7), other)

    def test_zero(self) -> None:
        """
        Those that have no number aren't revoked by one.
        """
        revoked = Revoked.parse(of(section(0x21, u64(1, 9))))
        self.assertNotIn(signed(0), revoked)
        self.assertIn(signed(1), revoked)

    def test_last(self) -> None:
        """
        Numbers go as far as they can.
        """
        last = 2**64 - 1
        for content in (
            section(0x20, u64(last)),
            section(0x21, u64(9, last)),
            section(0x22, u64(last - 1) + string(b"\2")),
        ):
            self.assertIn(signed(last), Revoked.parse(of(content)))

    def test_bitmaps(self) -> None:
        """
        Bitmaps may stand in any order, overlap, and hold each other.
        """
        content = b"".join(
            section(0x22, u64(first) + string(bitmap))
            for first, bitmap in (
                (700, b"\1"),
                (100, b"\0\x80" + b"\0" * 99),
                (200, b"\1"),
                (50, b"\1"),
                (200, b"\0"),
            )
        )
        revoked, one = Revoked.parse(of(content)), signed()
        found = [n for n in range(1000) if one._replace(serial=n) in revoked]
        self.assertEqual(found, [50, 200, 700, 899])

    def test_manyBitmaps(self) -> None:
        """
        Of many bitmaps those are looked at that reach as far as a number.
        """
        looked: list[bytes] = []

        class Bitmap(bytes):
            def __len__(self) -> int:
                looked.append(self)
                return super().__len__()

        certificates = RevokedCertificates()
        for first in range(0, 100_000, 16):
            certificates.addBitmap(first, Bitmap(b"\1\0"))
        self.assertIn(signed(50_008), certificates)
        looked.clear()
        self.assertIn(signed(50_024), certificates)
        self.assertNotIn(signed(50_025), certificates)
        self.assertLess(len(looked), 10)

    def test_ids(self) -> None:
        """
        A certificate is revoked by what it is called.
        """
        revoked = Revoked.parse(of(section(0x23, string(b"you") + string(b"me"))))
        self.assertIn(signed(), revoked)
        self.assertNotIn(signed(id=b"them"), revoked)

    def test_huge(self) -> None:
        """
        A range of all numbers, and a large bitmap, take no room for each of them.
        """
        everything = section(0x21, u64(1, 2**64 - 1))
        bitmap = section(0x22, u64(1) + string(b"\1" * 10**6))
        revoked = Revoked.parse(of(everything, bitmap))
        self.assertIn(signed(2**40), revoked)


class BadTests(SynchronousTestCase):
    """
    What is no list.
    """

    def test_bad(self) -> None:
        """
        What isn't whole, or isn't known, is refused.
        """
        for text in (
            HEAD[:-1],
            HEAD.replace(b"\0\0\0\1", b"\0\0\0\2", 1),
            HEAD + b"\2",
            HEAD + section(4, b"x"),
            HEAD + section(9, b""),
            HEAD + section(3, string(b"short")),
            HEAD + section(5, string(b"\0" * 33)),
            HEAD + section(2, b"\0\0\0\5x"),
            HEAD + section(255, string(b"x") + b"\1" + string(b"")),
            of(section(0x24, b"")),
            of(section(0x39, string(b"x") + b"\1" + string(b""))),
            of(section(0x21, u64(9, 5))),
            # The number of all certificates that have none.
            of(section(0x20, u64(7, 0))),
            of(section(0x21, u64(0, 5))),
            of(section(0x22, u64(0) + string(b"\1"))),
            # A negative number.
            of(section(0x22, u64(1) + string(b"\x80"))),
            of(section(0x21, u64(1, 2) + b"x")),
            of(section(0x22, u64(2**64 - 1) + string(b"\2"))),
            of(section(0x20, b"1234567")),
            of(section(0x23, string(b"a\0b"))),
            of(authority=b"x"),
            of(authority=string(b"ssh-x")),
            of(authority=blobOf(CA)[:-1]),
            of(authority=blobOf(CA) + b"x"),
            of(authority=shortRSA()),
            b"no list\n",
        ):
            with self.assertRaises(UnusableKey, msg=repr(text)):
                Revoked.parse(text)

    def test_extension(self) -> None:
        """
        What may be passed over is.
        """
        extension = string(b"x") + b"\0" + string(b"y")
        Revoked.parse(HEAD + section(255, extension))
        Revoked.parse(of(section(0x39, extension)))

    @given(strategies.binary(max_size=120))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes raise nothing but the error of this module.
        """
        for text in (data, HEAD + data, of(data), of(section(0x22, data))):
            try:
                revoked = Revoked.parse(text)
            except UnusableKey:
                continue
            self.assertIn(signed() in revoked, (True, False))
