"""
Tests for the mechanisms that send no secret.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import ANONYMOUS, AllowAnonymousAccess
from mycred.credentials import ICertificateCredentials
from mycred.error import SASLError, UnauthorizedLogin

from ..kit.sasl import Server, portalOf


class CertificateChecker:
    """
    A checker that lets in all certificates.

    @ivar given: the credentials that it was asked about.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def __init__(self) -> None:
        self.given: list[Any] = []

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Agree.
        """
        self.given.append(credentials)
        return succeed(b"alice")


def factsOf(certificate: object, chain: object = ()) -> Any:
    """
    Return facts of a connection to which a client has presented a certificate.
    """
    return SimpleNamespace(certificate=certificate, chain=chain, peer=None, service=None)


class ExternalTests(SynchronousTestCase):
    """
    Tests for EXTERNAL.
    """

    def setUp(self) -> None:
        self.checker = CertificateChecker()
        self.certificate = object()
        self.server = Server(
            portalOf(self.checker), facts=factsOf(self.certificate, [1, 2])
        )

    def test_certificate(self) -> None:
        """
        The checker gets the certificate, and the name of the user to act as.
        """
        self.successResultOf(self.server.login("EXTERNAL", iter([]), b"J\xc3\xbcrgen"))
        self.successResultOf(self.server.login("EXTERNAL", iter([]), b""))
        self.successResultOf(self.server.login("EXTERNAL", iter([b"alice"])))
        self.assertEqual(self.server.sent, [b""])
        given = [(c.certificate, c.chain, c.authzid) for c in self.checker.given]
        self.assertEqual(
            given,
            [
                (self.certificate, (1, 2), b"J\xc3\xbcrgen"),
                (self.certificate, (1, 2), b""),
                (self.certificate, (1, 2), b"alice"),
            ],
        )

    def test_none(self) -> None:
        """
        A client that has presented none is refused, and no checker is asked.
        """
        server = Server(portalOf(self.checker), facts=factsOf(None))
        login = server.login("EXTERNAL", iter([]), b"")
        failure = self.failureResultOf(login, UnauthorizedLogin)
        self.assertFalse(failure.check(SASLError))
        self.assertEqual(self.checker.given, [])

    def test_malformed(self) -> None:
        """
        A name that can't be one makes no sense.
        """
        for name in (b"\xff", b"a\0b", b"a" * 1025):
            login = self.server.login("EXTERNAL", iter([name]))
            self.failureResultOf(login, SASLError)
        self.assertEqual(self.checker.given, [])


class AnonymousTests(SynchronousTestCase):
    """
    Tests for ANONYMOUS.
    """

    def test_visit(self) -> None:
        """
        A visitor is let in, whatever they say of themselves, as long as it is text.
        """
        server = Server(portalOf(AllowAnonymousAccess()))
        for said in (b"", b"visitor@example.org", "Jürgen".encode()):
            self.successResultOf(server.login("ANONYMOUS", iter([]), said))
        self.assertEqual(server.portal.realm.asked, [ANONYMOUS] * 3)
        for wrong in (b"\xff", b"\0", b"a" * 1025):
            self.failureResultOf(server.login("ANONYMOUS", iter([wrong])), SASLError)
