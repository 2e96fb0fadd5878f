"""
Tests for the example of a checker of certificates.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import CertificateCredentials
from mycred.error import UnauthorizedLogin

from .kit.examples import load
from .kit.tlspeers import ClientAuthority


class SerialCheckerTests(SynchronousTestCase):
    """
    Tests for the checker that finds users by the serial number.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.ca = ClientAuthority(folder)
        self.alice = self.certificate(self.ca)
        example = load("certificate_checker")
        users = {self.alice.serial_number: b"alice"}
        self.checker = example.SerialChecker(str(self.ca.file), users)

    def certificate(self, ca: ClientAuthority) -> x509.Certificate:
        """
        Return a certificate.
        """
        return x509.load_pem_x509_certificate(ca.issue("a")[0].read_bytes())

    def test_accepted(self) -> None:
        """
        The user of a certificate may log in, as themselves only.
        """
        for authzid in (b"", b"alice"):
            login = self.checker.requestAvatarId(
                CertificateCredentials(self.alice, (), authzid)
            )
            self.assertEqual(self.successResultOf(login), b"alice")
        asRoot = CertificateCredentials(self.alice, (), b"root")
        self.failureResultOf(self.checker.requestAvatarId(asRoot), UnauthorizedLogin)

    def test_refused(self) -> None:
        """
        Another certificate of the authority is nobody's, and one of another authority
        isn't looked for.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        others = self.certificate(ClientAuthority(folder))
        self.checker._users[others.serial_number] = b"alice"
        for certificate in (self.certificate(self.ca), others):
            login = self.checker.requestAvatarId(CertificateCredentials(certificate))
            self.failureResultOf(login, UnauthorizedLogin)
