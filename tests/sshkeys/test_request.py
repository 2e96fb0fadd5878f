"""
Tests for L{mycred._sshkeys._request}; those for the files that permit a request are in
L{tests.checkers.sshkeys.test_files}.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    BadOption,
    Certificate,
    KeyOptions,
    KeyPolicy,
    UnusableKey,
    parseOffer,
    parseOptions,
    string,
)
from mycred._sshkeys._budget import Limit, TooMuch
from mycred._sshkeys._request import Request
from mycred._verdict import Account

from ..kit.keys import blobOf, certificate, ed25519

ALICE, CA = ed25519(), ed25519()
ACCOUNT = Account("alice", 1000, 1000, "/home/alice", "/bin/sh")
NOW = 10**9


def request(blob: bytes, peer: str | None = "192.0.2.1") -> Request:
    """
    Make a request.
    """
    return Request(parseOffer(blob), ACCOUNT, peer, KeyPolicy().accepted, NOW)


def certified(**fields: Any) -> Request:
    """
    Make one with a certificate.
    """
    return request(certificate(CA, ALICE, **fields))


class KeyTests(SynchronousTestCase):
    """
    Requests with a key.
    """

    def test_permitted(self) -> None:
        """
        What a line permits may be done.
        """
        asked = request(blobOf(ALICE))
        self.assertEqual(asked.wanted, parseOffer(blobOf(ALICE)))
        options = parseOptions('from="192.0.2.0/24",no-pty,expiry-time="20380101"')
        self.assertEqual(asked.permittedBy(options), options)

    def test_refused(self) -> None:
        """
        Lines that are for others, or have expired, permit nothing.
        """
        for options in ('from="192.0.2.2"', 'expiry-time="20000101"', 'principals="x"'):
            with self.assertRaises(BadOption):
                request(blobOf(ALICE)).permittedBy(parseOptions(options))
        with self.assertRaises(BadOption):
            request(blobOf(ALICE), None).permittedBy(parseOptions('from="*"'))

    def test_patterns(self) -> None:
        """
        Patterns are counted for all the lines that are looked at.
        """
        asked = request(blobOf(ALICE))
        options = KeyOptions(sources="192.0.2.2," * 999 + "x")
        most = Limit.PATTERNS.value[0]
        for count in range(1, most // 1000 + 1):
            self.assertRaises(BadOption, asked.permittedBy, options)
            self.assertEqual(asked.budget.left(Limit.PATTERNS), most - 1000 * count)
        self.assertRaises(TooMuch, asked.permittedBy, options)


class CertificateTests(SynchronousTestCase):
    """
    Requests with a certificate.
    """

    def test_both(self) -> None:
        """
        What the line of the authority and the certificate permit may be done.
        """
        asked = certified()
        self.assertEqual(asked.wanted, parseOffer(blobOf(CA)))
        options = asked.permittedBy(parseOptions('cert-authority,command="a"'))
        self.assertEqual((options.command, options.pty), ("a", True))
        self.assertFalse(options.portForwarding)

    def test_once(self) -> None:
        """
        A certificate is verified and read once, whether it is good or not, however many
        lines there are for its authority.
        """
        line = parseOptions('cert-authority,principals="nobody"')
        for asked in (
            certified(),
            certified(until=5),
            certified(critical=((b"x", b""),)),
        ):
            with mock.patch.object(
                Certificate, "verify", autospec=True, side_effect=Certificate.verify
            ) as verify:
                for _ in range(100):
                    self.assertRaises(UnusableKey, asked.permittedBy, line)
            self.assertEqual(verify.call_count, 1)

    def test_sameFlaw(self) -> None:
        """
        What is wrong with it is said each time.
        """
        asked = certified(critical=((b"source-address", string(b"192.0.2.2")),))
        for _ in range(2):
            with self.assertRaises(UnusableKey) as caught:
                asked.permittedBy(parseOptions("cert-authority"))
            self.assertIn("may not come from 192.0.2.1", str(caught.exception))

    def test_principals(self) -> None:
        """
        It must be for the user, or for one of those that the line names, up to an empty
        name.
        """
        for principals, options, isPermitted in (
            ((b"alice",), "", True),
            ((b"ops",), "", False),
            ((), "", False),
            ((b"ops",), ',principals="dev,ops"', True),
            ((b"ops",), ',principals="dev,,ops"', False),
            ((b"alice",), ',principals="dev"', False),
        ):
            asked = certified(principals=principals)
            line = parseOptions("cert-authority" + options)
            if isPermitted:
                asked.permittedBy(line)
            else:
                self.assertRaises(UnusableKey, asked.permittedBy, line)
