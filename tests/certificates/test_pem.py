"""
Tests for L{mycred._certificates._pem}, L{mycred._certificates._strength} and
L{mycred._certificates._errors}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._certificates import parseAuthorities, parseRevocations

from ..kit.clientcertificates import World, pem, scribbled

WORLD = World()
AUTHORITY = WORLD.root.certificate
LIST = WORLD.root.revoking()


def der(thing: Any) -> bytes:
    """
    Return a certificate or a list in DER.
    """
    encoded: bytes = thing.public_bytes(Encoding.DER)
    return encoded


class FileTests(SynchronousTestCase):
    """
    Tests for what files may hold.
    """

    def assertUseless(
        self, parse: Callable[[bytes], object], text: bytes, why: str
    ) -> None:
        """
        Insist on a file that counts as a whole: not at all.
        """
        error = self.assertRaises(ValueError, parse, text)
        self.assertIn(why, str(error))

    def test_authorities(self) -> None:
        """
        A file has certificates in PEM, with any text between them, or one in DER.
        """
        office = WORLD.office.certificate
        text = b"# ----- root -----\r\n" + pem(AUTHORITY)
        text += b"\n\nthe office:\n" + pem(office)
        self.assertEqual(parseAuthorities(text), (AUTHORITY, office))
        crlf = text.replace(b"\n", b"\r\n")
        self.assertEqual(parseAuthorities(crlf), (AUTHORITY, office))
        self.assertEqual(parseAuthorities(der(AUTHORITY)), (AUTHORITY,))

    def test_lists(self) -> None:
        """
        A file has lists in PEM, or one in DER.
        """
        other = WORLD.office.revoking()
        self.assertEqual(parseRevocations(pem(LIST, other)), (LIST, other))
        self.assertEqual(parseRevocations(der(LIST)), (LIST,))

    def test_long(self) -> None:
        """
        A list that is decoded in several pieces is the same.
        """
        entries = [
            x509.RevokedCertificateBuilder()
            .serial_number(number)
            .revocation_date(AUTHORITY.not_valid_before_utc)
            .build()
            for number in range(2**150, 2**150 + 8000)
        ]
        long = WORLD.root.revoking(entries=entries)
        self.assertGreater(len(der(long)), 2**18)
        self.assertEqual(parseRevocations(pem(long)), (long,))

    def test_nothing(self) -> None:
        """
        A file without any is of no use.
        """
        for text in (b"", b"\n \n"):
            self.assertUseless(parseAuthorities, text, "there is no certificate")
            self.assertUseless(parseRevocations, text, "there is no list")
        for text in (b"x", b"# nothing\n", b"alice:$2y$04$x\n"):
            expected = "neither in DER nor in PEM (-----BEGIN CERTIFICATE-----)"
            self.assertUseless(parseAuthorities, text, expected)
        for text in (b"0", der(LIST)):
            self.assertUseless(parseAuthorities, text, "malformed")
        self.assertUseless(parseRevocations, der(AUTHORITY), "malformed")

    def test_cutOff(self) -> None:
        """
        A file that is cut off, at whatever place, is of no use; but behind a whole block
        that can't be told.
        """
        both = pem(LIST, WORLD.office.revoking())
        whole = len(pem(LIST))
        for size in range(1, len(both) - 1):
            if size not in (whole - 1, whole) and not whole < size < whole + 10:
                self.assertRaises(ValueError, parseRevocations, both[:size])

    def test_otherBlocks(self) -> None:
        """
        A file that holds something else besides is of no use: its block may be meant to
        count.
        """
        trusted = pem(AUTHORITY).replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")
        self.assertUseless(parseAuthorities, pem(AUTHORITY) + trusted, "BEGIN TRUSTED")
        self.assertUseless(parseAuthorities, pem(AUTHORITY, LIST), "BEGIN X509 CRL")
        self.assertUseless(parseRevocations, pem(LIST, AUTHORITY), "BEGIN CERTIFICATE")

    def test_lines(self) -> None:
        """
        A file whose blocks don't begin and end with lines of their own is of no use:
        OpenSSL, which reads the lists again, would pass over a block.
        """
        one, two = pem(LIST), pem(WORLD.office.revoking())
        begin, end = b"-----BEGIN X509 CRL-----\n", b"-----END X509 CRL-----\n"
        for wrong in (
            b" " + two,
            b"\xef\xbb\xbf" + two,
            b"0" * 300 + two,
            b"-" + two,
            two[1:],
            two.removeprefix(begin),
            begin + two,
            end + two,
            two.replace(b"\n-----END", b"-----END"),
            two.replace(b"-----END", b"\t-----END"),
            two.replace(b"\n", b"\r"),
            two.replace(end, end[:-1] + b"." + end),
        ):
            for text in (one + wrong, wrong + one):
                self.assertRaises(ValueError, parseRevocations, text)
        self.assertUseless(parseRevocations, one[:-1] + two, "'-----END X509 CRL-----")

    def test_noAuthority(self) -> None:
        """
        A user's certificate among those of authorities makes the file useless.
        """
        user = WORLD.root.issue().certificate
        self.assertUseless(
            parseAuthorities, pem(AUTHORITY, user), "CN=alice is no authority"
        )

    def test_partOfAList(self) -> None:
        """
        A list that doesn't hold all that is revoked makes the file useless.
        """
        every: dict[str, Any] = {
            "full_name": None,
            "relative_name": None,
            "only_contains_user_certs": False,
            "only_contains_ca_certs": False,
            "only_some_reasons": None,
            "indirect_crl": False,
            "only_contains_attribute_certs": False,
        }
        reasons = frozenset([x509.ReasonFlags.key_compromise])
        for part, why in (
            ({"indirect_crl": True}, "by another issuer"),
            ({"only_some_reasons": reasons}, "only a part"),
            ({"only_contains_attribute_certs": True}, "only a part"),
        ):
            point = x509.IssuingDistributionPoint(**{**every, **part})
            found = WORLD.root.revoking(extensions=[(point, True)])
            self.assertUseless(parseRevocations, pem(found), why)
        delta = WORLD.root.revoking(extensions=[(x509.DeltaCRLIndicator(1), True)])
        self.assertUseless(parseRevocations, pem(LIST, delta), "only what has changed")

    def test_weakList(self) -> None:
        """
        A list with a signature that could be forged makes the file useless.
        """
        strong, weak = (bytes.fromhex(f"2a8648ce3d04030{end}") for end in "21")
        forged = der(LIST).replace(strong, weak)
        self.assertUseless(parseRevocations, forged, "sha224")

    def test_endless(self) -> None:
        """
        A list that doesn't say until when it is good makes the file useless: nobody
        would notice that there is no newer one.
        """
        encoded = der(WORLD.root.revoking())
        # It is the last of two times, and optional.
        at = encoded.rindex(b"\x17\x0d")
        shorter = bytearray(encoded)
        del shorter[at : at + 15]
        _shrink(shorter, 0, 15)
        _shrink(shorter, _header(shorter, 0), 15)
        self.assertUseless(parseRevocations, bytes(shorter), "nextUpdate")


def _header(encoded: bytes | bytearray, at: int) -> int:
    """
    Return where the contents begin of what begins somewhere in DER.
    """
    return at + 2 + (encoded[at + 1] & 0x7F if encoded[at + 1] & 0x80 else 0)


def _shrink(encoded: bytearray, at: int, by: int) -> None:
    """
    Make what begins somewhere in DER shorter; the size of its length stays.
    """
    if encoded[at + 1] & 0x80:
        start, end = at + 2, _header(encoded, at)
        size = int.from_bytes(encoded[start:end], "big") - by
        encoded[start:end] = size.to_bytes(end - start, "big")
    else:
        encoded[at + 1] -= by


# A busy machine takes long to make long inputs.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class HostileTests(SynchronousTestCase):
    """
    Tests for what no file should hold.
    """

    @_PATIENT
    @given(strategies.binary(max_size=300) | scribbled(pem(AUTHORITY), der(AUTHORITY)))
    def test_authorities(self, text: bytes) -> None:
        """
        Whatever a file holds, nothing but L{ValueError} is raised.
        """
        try:
            parseAuthorities(text)
        except ValueError:
            return

    @_PATIENT
    @given(strategies.binary(max_size=300) | scribbled(pem(LIST), der(LIST)))
    def test_lists(self, text: bytes) -> None:
        """
        Whatever a file holds, nothing but L{ValueError} is raised.
        """
        try:
            parseRevocations(text)
        except ValueError:
            return
