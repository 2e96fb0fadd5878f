"""
Tests for the table of mechanisms: L{mycred.sasl._mechanisms} and
L{mycred.sasl._exchange}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import (
    IAnonymous,
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.sasl import MECHANISMS

SCRAM = {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"}


class MechanismTests(SynchronousTestCase):
    """
    Tests for what is said of each mechanism.
    """

    def those(self, attribute: str, value: object = True) -> set[str]:
        """
        Return the names of the mechanisms of which something is said.
        """
        return {
            name.decode()
            for name, mechanism in MECHANISMS.items()
            if getattr(mechanism, attribute) == value
        }

    def test_interfaces(self) -> None:
        """
        Each makes credentials of one kind.
        """
        for interface, names in (
            (IScramCredentials, SCRAM),
            (ICertificateCredentials, {"EXTERNAL"}),
            (IUsernameHashedPassword, {"CRAM-MD5"}),
            (IBearerToken, {"OAUTHBEARER", "XOAUTH2"}),
            (IUsernamePassword, {"PLAIN", "LOGIN"}),
            (IAnonymous, {"ANONYMOUS"}),
        ):
            self.assertEqual(self.those("interface", interface), names)

    def test_qualities(self) -> None:
        """
        Some show a secret to whoever reads the line, some are bound to the connection,
        one needs a certificate, and in one the server begins.
        """
        clear = {"OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"}
        self.assertEqual(self.those("isClearText"), clear)
        bound = {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"}
        self.assertEqual(self.those("isBound"), bound)
        self.assertEqual(self.those("needsCertificate"), {"EXTERNAL"})
        self.assertEqual(self.those("isClientFirst", False), {"CRAM-MD5"})

    def test_hashes(self) -> None:
        """
        SCRAM has a hash.
        """
        self.assertEqual(
            self.those("hash", "sha256"), {n for n in SCRAM if "SHA-256" in n}
        )
        self.assertEqual(self.those("hash", "sha1"), {n for n in SCRAM if "SHA-1" in n})
