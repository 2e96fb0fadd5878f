"""
Tests for what makes the TLS connections of a server: who gets in, and that files are read
again.

They cover L{mycred._tls._context}, too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocolFactory,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from mycred.tls import TLSOptions

from ..kit.tlspeers import ANY, CLIENT, SERVER, VERSIONS, ClientAuthority, Pair, TLSClient


@implementer(IHandshakeListener)
class Listener(Protocol):
    """
    A protocol that remembers the client's certificate.
    """

    certificate: Any = None
    isDone = False

    def handshakeCompleted(self) -> None:
        """
        Take note of it.
        """
        self.isDone = True
        self.certificate = self.transport.getPeerCertificate()


@implementer(IProtocolNegotiationFactory)
class Negotiating(Factory):
    """
    A factory that names its protocol in TLS.
    """

    protocol = Listener

    def acceptableProtocols(self) -> list[bytes]:
        """
        Return the name.
        """
        return [b"imap"]


class ContextTests(SynchronousTestCase):
    """
    Base of the tests with a server in memory.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        self.certificate, self.key = self.ca.certify("localhost", "localhost")

    def serve(self, factory: Factory | None = None, **options: Any) -> IProtocolFactory:
        """
        Return the factory of a server.
        """
        tls = TLSOptions(str(self.key), str(self.certificate), **options)
        if factory is None:
            factory = Factory.forProtocol(Listener)
        return TLSMemoryBIOFactory(tls.contextFactory(), False, factory, Clock())

    def write(self, name: str, *texts: bytes) -> str:
        """
        Write a file, in place of one of that name.

        @return: its path.
        """
        new = self.folder / "new"
        new.write_bytes(b"".join(texts))
        new.replace(self.folder / name)
        return str(self.folder / name)


class ClientCertificateTests(ContextTests):
    """
    Tests for which clients get in.
    """

    def assertServed(
        self, factory: IProtocolFactory, isServed: bool, *pair: Any, **options: Any
    ) -> None:
        """
        Assert that a client is served or isn't, in each version of TLS.
        """
        for version in VERSIONS:
            client = TLSClient(factory, *pair, version=version, **options)
            self.assertEqual(client.shakeHands(), isServed, (pair, version))
            self.assertEqual(client.server.wrappedProtocol.isDone, isServed, version)

    def test_no(self) -> None:
        """
        A server that doesn't ask for a certificate gets none.
        """
        client = TLSClient(self.serve(), self.ca.issue("alice"))
        self.assertTrue(client.shakeHands())
        self.assertIsNone(client.server.wrappedProtocol.certificate)

    def test_optional(self) -> None:
        """
        Where a certificate is optional, clients with one, and without, are served.
        """
        server = self.serve(clientCert="optional", clientCA=str(self.ca.file))
        self.assertServed(server, True)
        client = TLSClient(server, self.ca.issue("alice"))
        self.assertTrue(client.shakeHands())
        found = client.server.wrappedProtocol.certificate
        self.assertEqual(found.get_subject().CN, "alice")

    def test_required(self) -> None:
        """
        Where one is required, clients without one are refused.
        """
        server = self.serve(clientCert="required", clientCA=str(self.ca.file))
        self.assertServed(server, False)
        self.assertServed(server, True, self.ca.issue("alice"))

    def test_cases(self) -> None:
        """
        A certificate that isn't valid, or isn't for clients, is refused, whether one is
        required or not.
        """
        other = self.folder / "other"
        other.mkdir()
        above = ClientAuthority(self.folder, "below", self.ca)
        cases: list[tuple[str, bool, Pair, Path | None]] = [
            ("for clients", True, self.ca.issue("alice", CLIENT), None),
            ("for anything", True, self.ca.issue("any", ANY), None),
            ("for both", True, self.ca.certify("both"), None),
            ("for servers", False, self.ca.issue("server", SERVER), None),
            ("expired", False, self.ca.issue("old", until=-1), None),
            ("of tomorrow", False, self.ca.issue("early", until=8), None),
            ("by another authority", False, ClientAuthority(other).issue("bob"), None),
            ("an authority's own", False, self.ca.pair(), None),
            ("that of one below", False, above.pair(), above.file),
            ("by one below", True, above.issue("carol"), above.file),
            ("without what is between", False, above.issue("dave"), None),
        ]
        for clientCert in ("optional", "required"):
            server = self.serve(clientCert=clientCert, clientCA=str(self.ca.file))
            for name, isServed, pair, chain in cases:
                with self.subTest(name):
                    self.assertServed(server, isServed, pair, chain=chain)

    def test_revoked(self) -> None:
        """
        A certificate that is revoked is refused, and clients without one are served.
        """
        alice, bob = self.ca.issue("alice"), self.ca.issue("bob")
        server = self.serve(
            clientCert="optional",
            clientCA=str(self.ca.file),
            crl=self.write("crl", self.ca.revoke(alice[0])),
        )
        self.assertServed(server, False, alice)
        self.assertServed(server, True, bob)
        self.assertServed(server, True)

    def test_listOutOfDate(self) -> None:
        """
        With a list that is out of date, or isn't valid yet, all certificates are refused.
        """
        alice, bob = self.ca.issue("alice"), self.ca.issue("bob")
        for until in (-1, 8):
            server = self.serve(
                clientCert="optional",
                clientCA=str(self.ca.file),
                crl=self.write("crl", self.ca.revoke(alice[0], until=until)),
            )
            self.assertServed(server, False, alice)
            self.assertServed(server, False, bob)
            self.assertServed(server, True)

    def test_authorityBelow(self) -> None:
        """
        An authority that isn't a root is trusted by itself, and so are those below it.
        Nobody needs a list by the root, which isn't asked for anything.
        """
        below = ClientAuthority(self.folder, "below", self.ca)
        lowest = ClientAuthority(self.folder, "lowest", below)
        alice, bob = below.issue("alice"), below.issue("bob")
        carol, dave = self.ca.issue("carol"), lowest.issue("dave")
        server = self.serve(clientCert="optional", clientCA=str(below.file))
        self.assertServed(server, True, alice)
        self.assertServed(server, True, dave, chain=lowest.file)
        self.assertServed(server, False, carol)
        self.assertServed(server, False, carol, chain=self.ca.file)
        lists = [below.revoke(alice[0]), lowest.revoke()]
        server = self.serve(
            clientCert="optional",
            clientCA=str(below.file),
            crl=self.write("crl", *lists),
        )
        self.assertServed(server, False, alice)
        self.assertServed(server, True, bob)
        self.assertServed(server, True, bob, chain=self.ca.file)
        self.assertServed(server, True, dave, chain=lowest.file)
        server = self.serve(
            clientCert="optional",
            clientCA=str(below.file),
            crl=self.write("crl", below.revoke(lowest.file), lowest.revoke()),
        )
        self.assertServed(server, True, bob)
        self.assertServed(server, False, dave, chain=lowest.file)

    def test_authorityAndItsRoot(self) -> None:
        """
        Where both are trusted the root can't revoke the other, which is trusted by
        itself.
        """
        below = ClientAuthority(self.folder, "below", self.ca)
        both = self.write("both", self.ca.file.read_bytes(), below.file.read_bytes())
        alice, bob = below.issue("alice"), self.ca.issue("bob")
        for revoked in ([], [below.file]):
            server = self.serve(
                clientCert="optional",
                clientCA=both,
                crl=self.write("crl", self.ca.revoke(*revoked), below.revoke()),
            )
            self.assertServed(server, True, alice)
            self.assertServed(server, True, bob)

    def test_listByAnother(self) -> None:
        """
        A list by another authority of the same name refuses all, as if there were none.
        """
        (self.folder / "other").mkdir()
        other = ClientAuthority(self.folder / "other")
        server = self.serve(
            clientCert="optional",
            clientCA=str(self.ca.file),
            crl=self.write("crl", other.revoke()),
        )
        self.assertServed(server, False, self.ca.issue("alice"))

    def test_everyAuthorityOfAChain(self) -> None:
        """
        The authorities between a client's certificate and the root need current lists,
        too, and may be revoked themselves.
        """
        below = ClientAuthority(self.folder, "below", self.ca)
        alice, bob = below.issue("alice"), below.issue("bob")
        root = self.ca.revoke()
        cases = [
            ([root], False, False),
            ([root, below.revoke()], True, True),
            ([root, below.revoke(alice[0])], False, True),
            ([root, below.revoke(until=-1)], False, False),
            ([self.ca.revoke(below.file), below.revoke()], False, False),
        ]
        for lists, isAliceServed, isBobServed in cases:
            server = self.serve(
                clientCert="optional",
                clientCA=str(self.ca.file),
                crl=self.write("crl", *lists),
            )
            self.assertServed(server, isAliceServed, alice, chain=below.file)
            self.assertServed(server, isBobServed, bob, chain=below.file)


class RenewalTests(ContextTests):
    """
    Tests for files that differ from what they were.
    """

    def served(self, server: IProtocolFactory) -> str:
        """
        Return the name in the certificate that a client gets.
        """
        client = TLSClient(server)
        self.assertTrue(client.shakeHands())
        certificate: Any = client.connection.get_peer_certificate()
        return str(certificate.get_subject().CN)

    def test_renewed(self) -> None:
        """
        A new key and a new certificate count for the next client.
        """
        server = self.serve()
        certificate, key = self.ca.certify("renewed")
        certificate.replace(self.certificate)
        key.replace(self.key)
        self.assertEqual(self.served(server), "renewed")

    def test_pair(self) -> None:
        """
        As long as only one of the two is new, the old pair is served.
        """
        server = self.serve()
        certificate, key = self.ca.certify("renewed")
        certificate.replace(self.certificate)
        self.assertEqual(self.served(server), "localhost")
        self.assertEqual(self.served(server), "localhost")
        key.replace(self.key)
        self.assertEqual(self.served(server), "renewed")

    def test_symlinks(self) -> None:
        """
        Links that lead to other files count, as Certbot sets them.
        """
        live = self.folder / "cert.pem", self.folder / "privkey.pem"
        for link, file in zip(live, (self.certificate, self.key)):
            link.symlink_to(file)
        tls = TLSOptions(str(live[1]), str(live[0]))
        factory = Factory.forProtocol(Listener)
        server = TLSMemoryBIOFactory(tls.contextFactory(), False, factory, Clock())
        self.assertEqual(self.served(server), "localhost")
        for link, file in zip(live, self.ca.certify("renewed")):
            new = self.folder / "link"
            new.symlink_to(file)
            new.replace(link)
        self.assertEqual(self.served(server), "renewed")

    def test_brokenCertificate(self) -> None:
        """
        A new certificate that is of no use doesn't keep a new list of what is revoked
        from counting.
        """
        alice = self.ca.issue("alice")
        crl = self.write("crl", self.ca.revoke())
        server = self.serve(clientCert="optional", clientCA=str(self.ca.file), crl=crl)
        self.assertTrue(TLSClient(server, alice).shakeHands())
        self.certificate.write_text("-----BEGIN")
        self.write("crl", self.ca.revoke(alice[0]))
        self.assertFalse(TLSClient(server, alice).shakeHands())
        self.assertEqual(self.served(server), "localhost")

    def test_brokenList(self) -> None:
        """
        As long as a new list is half-written, or gone, the old one counts.
        """
        alice, bob = self.ca.issue("alice"), self.ca.issue("bob")
        whole = self.ca.revoke(alice[0], bob[0])
        crl = self.write("crl", self.ca.revoke(alice[0]))
        server = self.serve(clientCert="optional", clientCA=str(self.ca.file), crl=crl)
        for text in (b"", whole[:200], None):
            os.unlink(crl)
            if text is not None:
                self.write("crl", text)
            self.assertFalse(TLSClient(server, alice).shakeHands())
            self.assertTrue(TLSClient(server, bob).shakeHands())
            self.write("crl", self.ca.revoke(alice[0]))
        self.write("crl", whole)
        self.assertFalse(TLSClient(server, bob).shakeHands())

    def test_connections(self) -> None:
        """
        A connection that is open already isn't touched.
        """
        server = self.serve()
        client = TLSClient(server)
        self.assertTrue(client.shakeHands())
        self.test_renewed()
        self.assertFalse(client.transport.disconnecting)

    def test_unchanged(self) -> None:
        """
        As long as no file differs all clients share a context.
        """
        contexts = TLSOptions(str(self.key), str(self.certificate)).contextFactory()
        first = contexts.look()
        self.certificate.write_bytes(self.certificate.read_bytes())
        self.assertIs(contexts.look(), first)


class NegotiationTests(ContextTests):
    """
    Tests for clients that name their protocols (ALPN).
    """

    def test_unnamed(self) -> None:
        """
        A server whose factory says nothing of protocols serves clients that name theirs.
        """
        client = TLSClient(self.serve(), alpn=[b"h2", b"http/1.1"])
        self.assertTrue(client.shakeHands())
        self.assertEqual(client.connection.get_alpn_proto_negotiated(), b"")

    def test_named(self) -> None:
        """
        One that names its own takes it, and refuses clients that don't speak it.
        """
        server = self.serve(Negotiating())
        client = TLSClient(server, alpn=[b"h2", b"imap"])
        self.assertTrue(client.shakeHands())
        self.assertEqual(client.connection.get_alpn_proto_negotiated(), b"imap")
        self.assertFalse(TLSClient(server, alpn=[b"h2"]).shakeHands())
        self.assertTrue(TLSClient(server).shakeHands())
