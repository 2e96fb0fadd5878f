"""
Tests for the files of the authorities of clients.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    load_pem_x509_certificates,
    load_pem_x509_crl,
)
from hypothesis import given, settings

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._certificates import Untrusted
from mycred._tls._clients import ClientAuthorities, keptAuthorities

from ..kit.clientcertificates import World
from ..kit.tlspeers import DAMAGE, ClientAuthority, damaged


class ClientAuthoritiesTests(SynchronousTestCase):
    """
    Tests for what the files may hold.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        self.below = ClientAuthority(self.folder, "below", self.ca)

    def read(self, ca: bytes, crl: bytes | None = None) -> ClientAuthorities:
        """
        Return what files mean.
        """
        paths = self.folder / "clients", self.folder / "crl"
        for path, text in zip(paths, (ca, crl)):
            path.write_bytes(text or b"")
        revoked = None if crl is None else str(paths[1])
        return keptAuthorities(str(paths[0]), revoked).read()

    def loaded(self, path: Path) -> list[Certificate]:
        """
        Return the certificates in a file.
        """
        return load_pem_x509_certificates(path.read_bytes())

    def assertRefused(self, expected: str, *texts: bytes) -> None:
        """
        Assert that files are refused.
        """
        error = self.assertRaises(ValueError, self.read, *texts)
        self.assertIn(expected, str(error))

    def test_several(self) -> None:
        """
        A file may hold several authorities, and one the lists of all.
        """
        root, below = self.ca.file.read_bytes(), self.below.file.read_bytes()
        found = self.read(root + below, self.ca.revoke() + self.below.revoke())
        for authority in (self.ca, self.below):
            [alice] = self.loaded(authority.issue("alice")[0])
            found.trust.insistOn(alice)
        self.assertEqual(len(found.certificates), 2)

    def test_der(self) -> None:
        """
        Files may be in DER.
        """
        path, _ = self.ca.issue("alice")
        crl = load_pem_x509_crl(self.ca.revoke(path)).public_bytes(Encoding.DER)
        [root] = self.loaded(self.ca.file)
        found = self.read(root.public_bytes(Encoding.DER), crl)
        [alice] = self.loaded(path)
        self.assertRaises(Untrusted, found.trust.insistOn, alice)
        [bob] = self.loaded(self.ca.issue("bob")[0])
        found.trust.insistOn(bob)

    def test_wrongAuthorities(self) -> None:
        """
        A file without an authority, or with another certificate, is refused.
        """
        alice = self.ca.issue("alice")[0].read_bytes()
        root = self.ca.file.read_bytes()
        self.assertRefused("clientCA=", b"")
        self.assertRefused("CN=alice is no authority", root + alice)

    def test_wrongLists(self) -> None:
        """
        A file without a list, or with one that is cut off, is refused.
        """
        root, whole = self.ca.file.read_bytes(), self.ca.revoke()
        for text in (b"", root, whole[:-30], whole + whole[:-30]):
            self.assertRefused("crl=", root, text)

    def test_noList(self) -> None:
        """
        The log warns of an authority without a list, or with one that is out of date.
        """
        root, below = self.ca.file.read_bytes(), self.below.file.read_bytes()
        stale = self.ca.revoke(until=-1)
        cases = [
            (root, self.ca.revoke(), []),
            (root, stale + self.ca.revoke(), []),
            (root, stale, ["the list by CN=ca isn't good now"]),
            (root, self.below.revoke(), ["there is no list by CN=ca"]),
            (root + below, self.ca.revoke(), ["there is no list by CN=below"]),
        ]
        for ca, crl, problems in cases:
            events: list[Any] = []
            globalLogPublisher.addObserver(events.append)
            self.addCleanup(globalLogPublisher.removeObserver, events.append)
            self.read(ca, crl)
            lines = [str(formatEvent(event)) for event in events]
            self.assertEqual(len(lines), len(problems))
            for line, problem in zip(lines, problems):
                self.assertIn(f"crl={self.folder / 'crl'}: {problem},", line)
            globalLogPublisher.removeObserver(events.append)

    def test_outdated(self) -> None:
        """
        So it does of an authority that has expired.
        """
        day = timedelta(days=1)
        old = World().root.certify("old", since=-2 * day, until=-day).certificate
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.read(old.public_bytes(Encoding.PEM))
        [event] = events
        self.assertIn("CN=old isn't valid now", str(formatEvent(event)))

    @settings(deadline=None)
    @given(DAMAGE)
    def test_damaged(self, where: list[tuple[int, int]]) -> None:
        """
        Files with some bytes that are wrong are refused in the same way, or taken.
        """
        root, crl = self.ca.file.read_bytes(), self.ca.revoke()
        for texts in ((damaged(root, where), crl), (root, damaged(crl, where))):
            try:
                self.read(*texts)
            except ValueError as error:
                self.assertIn(str(self.folder), str(error))
