"""
Tests for the interfaces of credentials that Twisted doesn't have,
L{mycred._conversations}, and for the classes that are no more than their values.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import (
    BearerToken,
    CertificateCredentials,
    IBearerToken,
    ICertificateCredentials,
    ICredentials,
    IScramCredentials,
)


class InterfaceTests(SynchronousTestCase):
    """
    Tests for the interfaces.
    """

    def test_credentials(self) -> None:
        """
        All are credentials, and none is another.
        """
        interfaces = {IBearerToken, ICertificateCredentials, IScramCredentials}
        for interface in interfaces:
            self.assertTrue(interface.isOrExtends(ICredentials))
            for other in interfaces - {interface}:
                self.assertFalse(interface.isOrExtends(other))

    def test_certificate(self) -> None:
        """
        A certificate comes with what the client has sent besides; the log gets the name
        that the client wants.
        """
        certificate, other = object(), object()
        credentials = CertificateCredentials(certificate, [other], b"alice")
        self.assertTrue(verifyObject(ICertificateCredentials, credentials))
        self.assertIs(credentials.certificate, certificate)
        self.assertEqual(credentials.chain, (other,))
        self.assertEqual((credentials.authzid, credentials.username), (b"alice",) * 2)
        self.assertEqual(CertificateCredentials(certificate).authzid, b"")

    def test_token(self) -> None:
        """
        A token comes with the name that the client wants, and isn't shown.
        """
        credentials = BearerToken(b"secret", b"alice")
        self.assertTrue(verifyObject(IBearerToken, credentials))
        self.assertEqual((credentials.authzid, credentials.username), (b"alice",) * 2)
        self.assertNotIn("secret", repr(credentials))
        self.assertEqual(BearerToken(b"secret").authzid, b"")
