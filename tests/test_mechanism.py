"""
Tests for the words by which mechanisms are known.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from zope.interface import directlyProvides

from hypothesis import given, strategies as st

from twisted.mail.imap4 import LOGINCredentials, PLAINCredentials
from twisted.mail.pop3 import APOPCredentials
from twisted.trial.unittest import SynchronousTestCase

from mycred._mechanism import MECHANISMS, OTHER, mechanismOf
from mycred.credentials import (
    Anonymous,
    BearerToken,
    CertificateCredentials,
    CramMD5Credentials,
    DigestedCredentials,
    IScramCredentials,
    SSHPrivateKey,
    UsernamePassword,
)
from mycred.sasl import MECHANISMS as SASL


class MechanismTests(SynchronousTestCase):
    """
    Credentials of any class have a word.
    """

    def test_kinds(self) -> None:
        """
        Where nothing names the mechanism, the kind of the credentials does.
        """
        presented = {
            "password": UsernamePassword(b"alice", b"sesame"),
            "digest": DigestedCredentials(b"alice", b"GET", b"site", {}),
            "publickey": SSHPrivateKey(b"alice", b"ssh-rsa", b"", None, None),
            "token": BearerToken(b"x"),
            "certificate": CertificateCredentials(None),
            "anonymous": Anonymous(),
            "CRAM-MD5": CramMD5Credentials(b"host"),
            "PLAIN": PLAINCredentials(),
            "LOGIN": LOGINCredentials(),
            "APOP": APOPCredentials(b"<1@host>", b"alice", b"x"),
            OTHER: object(),
        }
        for word, credentials in presented.items():
            self.assertEqual(mechanismOf(credentials), word)
            self.assertIn(word, MECHANISMS)

    def test_scram(self) -> None:
        """
        A program's own credentials for SCRAM are known by their hash.
        """
        for hash, word in (("sha1", "SCRAM-SHA-1"), ("sha9", OTHER), (None, OTHER)):
            credentials: Any = SimpleNamespace(hash=hash)
            directlyProvides(credentials, IScramCredentials)
            self.assertEqual(mechanismOf(credentials), word)

    def test_named(self) -> None:
        """
        Each mechanism of SASL is known by its own name.
        """
        for name in SASL:
            credentials: Any = UsernamePassword(b"alice", b"sesame")
            credentials.mechanism = name.decode("ascii")
            self.assertEqual(mechanismOf(credentials), name.decode("ascii"))

    @given(st.text() | st.binary() | st.lists(st.text()))
    def test_anyName(self, name: object) -> None:
        """
        No other name becomes a word, so that their number is bounded.
        """
        credentials: Any = UsernamePassword(b"alice", b"sesame")
        credentials.mechanism = name
        word = name if name in MECHANISMS else "password"
        self.assertEqual(mechanismOf(credentials), word)

    def test_failing(self) -> None:
        """
        Credentials that fail when they are asked have a word, too.
        """

        class Failing(UsernamePassword):
            @property
            def mechanism(self) -> str:
                raise ZeroDivisionError

        self.assertEqual(mechanismOf(Failing(b"alice", b"sesame")), OTHER)
