"""
Tests for what the log says of certificates that are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from mycred.tls import TLSOptions

from ..kit.tlspeers import SERVER, VERSIONS, ClientAuthority, Pair, TLSClient


class VerifierTests(SynchronousTestCase):
    """
    Tests for L{Verifier<mycred._tls._verifier.Verifier>}.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)

    def refused(self, pair: Pair, version: int, crl: bytes | None = None) -> list[str]:
        """
        Return what the log says when a certificate is refused.
        """
        certificate, key = self.ca.certify("localhost")
        lists = self.folder / "crl"
        lists.write_bytes(crl or b"")
        tls = TLSOptions(
            str(key),
            str(certificate),
            clientCert="optional",
            clientCA=str(self.ca.file),
            crl=None if crl is None else str(lists),
        )
        factory = Factory.forProtocol(Protocol)
        server = TLSMemoryBIOFactory(tls.contextFactory(), False, factory, Clock())
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        try:
            peer = IPv4Address("TCP", "192.0.2.7", 1234)
            client = TLSClient(server, pair, version, peer=peer)
            self.assertFalse(client.shakeHands())
        finally:
            globalLogPublisher.removeObserver(events.append)
        lines = [str(formatEvent(event)) for event in events]
        return [line for line in lines if line.startswith("Disconnected")]

    def test_reasons(self) -> None:
        """
        The log says whose certificate is refused and why, in one line for each client.
        """
        (self.folder / "other").mkdir()
        other = ClientAuthority(self.folder / "other", "other")
        below = ClientAuthority(self.folder, "below", self.ca)
        alice = self.ca.issue("alice")
        unknown = "by an authority that isn't trusted"
        cases = [
            (other.issue("bob"), None, "bob", unknown),
            (below.issue("carol"), None, "carol", unknown),
            (other.pair(), None, "other", "it is by itself"),
            (self.ca.issue("old", until=-1), None, "old", "it has expired"),
            (self.ca.issue("new", until=8), None, "new", "it isn't valid yet"),
            (self.ca.issue("web", SERVER), None, "web", "it isn't for clients"),
            (alice, self.ca.revoke(alice[0]), "alice", "CN=alice is revoked"),
            (alice, self.ca.revoke(until=-1), "alice", "CRL has expired"),
            (alice, self.ca.revoke(until=8), "alice", "CRL is not yet valid"),
            (alice, other.revoke(), "alice", "unable to get certificate CRL"),
        ]
        for pair, crl, name, why in cases:
            for version in VERSIONS:
                with self.subTest(why):
                    [line] = self.refused(pair, version, crl)
                    before = f"Disconnected: 192.0.2.7: the certificate of CN={name} is "
                    self.assertTrue(line.startswith(f"{before}refused: "), line)
                    self.assertIn(why, line)

    def test_hostileName(self) -> None:
        """
        A name can't break out of its line.
        """
        [line] = self.refused(self.other("x\nLogin accepted: \x1b[2J"), VERSIONS[0])
        self.assertTrue(line.isprintable())

    def other(self, name: str) -> Pair:
        """
        Return the certificate of a stranger.
        """
        (self.folder / "stranger").mkdir()
        stranger = ClientAuthority(self.folder / "stranger", "stranger")
        return stranger.issue("file", name=name)
