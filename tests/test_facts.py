"""
Tests for what is known of a connection, and for L{mycred._x509errors}.
"""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta, timezone
from hashlib import sha256, sha384
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zope.interface import alsoProvides

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred.credentials import UsernamePassword
from mycred.portal import ConnectionFacts, SessionPortal

from .kit.certificates import Authority
from .kit.memorytls import MemoryTLS, optionsOf
from .kit.sasl import portalOf

EXPORTER = b"EXPORTER-Channel-Binding"
BINDINGS = "tls-exporter", "tls-unique", "tls-server-end-point"


def derOf(path: Path) -> bytes:
    """
    Return the DER of a certificate in PEM.
    """
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_bytes(Encoding.DER)


class PlainTests(SynchronousTestCase):
    """
    Tests for connections without TLS.
    """

    def facts(self, peer: Any) -> ConnectionFacts:
        """
        Return what is known of the connection of a client.
        """
        return ConnectionFacts(StringTransport(peerAddress=peer), "imap")

    def test_addresses(self) -> None:
        """
        It is known where the client is, and where the server has accepted it.
        """
        peer = IPv4Address("TCP", "192.0.2.1", 25)
        host = IPv4Address("TCP", "192.0.2.2", 143)
        facts = ConnectionFacts(StringTransport(hostAddress=host, peerAddress=peer))
        self.assertEqual((facts.peer, facts.host), (peer, host))

    def test_private(self) -> None:
        """
        Nobody reads what doesn't leave the machine; all else anybody may.
        """
        for peer, isPrivate in (
            (IPv4Address("TCP", "127.0.0.1", 25), True),
            (IPv4Address("TCP", "127.8.9.10", 25), True),
            (IPv6Address("TCP", "::1", 25), True),
            (IPv6Address("TCP", "::ffff:127.0.0.1", 25), True),
            (UNIXAddress("/run/socket"), True),
            (UNIXAddress(None), True),
            (IPv4Address("TCP", "192.0.2.1", 25), False),
            (IPv4Address("TCP", "10.0.0.1", 25), False),
            (IPv6Address("TCP", "::", 25), False),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 25), False),
            (IPv4Address("TCP", "localhost", 25), False),
            (object(), False),
        ):
            self.assertEqual(self.facts(peer).isPrivate, isPrivate, peer)

    def test_nothing(self) -> None:
        """
        Without TLS, or without a transport, there are neither certificates nor bindings.
        """
        peer = IPv4Address("TCP", "127.0.0.1", 25)
        for facts in (self.facts(peer), ConnectionFacts(None)):
            self.assertFalse(facts.isSecure)
            self.assertIsNone(facts.certificate)
            self.assertEqual(facts.chain, ())
            for name in BINDINGS:
                self.assertIsNone(facts.channelBinding(name))
        self.assertFalse(ConnectionFacts(None).isPrivate)
        self.assertEqual((facts.peer, facts.host, facts.service), (None, None, None))

    def test_declared(self) -> None:
        """
        A transport that says by its interface that it is encrypted is, though nothing
        else is known of it.
        """
        transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 25))
        alsoProvides(transport, ISSLTransport)
        facts = ConnectionFacts(transport)
        self.assertTrue(facts.isSecure)
        self.assertTrue(facts.isPrivate)
        self.assertIsNone(facts.certificate)
        self.assertIsNone(facts.channelBinding("tls-exporter"))

    def test_copies(self) -> None:
        """
        Copies of credentials keep it, and it doesn't go to other processes.
        """
        credentials: Any = UsernamePassword(b"alice", b"sesame")
        credentials.facts = facts = self.facts(UNIXAddress(None))
        self.assertIs(copy.deepcopy(credentials).facts, facts)
        self.assertIsNone(pickle.loads(pickle.dumps(facts)))


class SessionTests(SynchronousTestCase):
    """
    Tests for what the portal of a connection tells.
    """

    def test_told(self) -> None:
        """
        Credentials have it at each login, as it is then.
        """
        protocol = SimpleNamespace(transport=StringTransport())
        session = SessionPortal(portalOf(), protocol, service="imap")
        credentials: Any = UsernamePassword(b"alice", b"sesame")
        for host in ("192.0.2.1", "127.0.0.1"):
            peer = IPv4Address("TCP", host, 25)
            protocol.transport = StringTransport(peerAddress=peer)
            session.login(credentials, None).addErrback(lambda _: None)
            facts = credentials.facts
            self.assertEqual((facts.peer, credentials.peer), (peer, peer))
            self.assertEqual((facts.service, credentials.service), ("imap", "imap"))
            self.assertEqual(facts.isPrivate, host == "127.0.0.1")
            self.assertEqual(session.facts.peer, peer)

    def test_noTransport(self) -> None:
        """
        A protocol needn't have a transport.
        """
        credentials: Any = UsernamePassword(b"alice", b"sesame")
        session = SessionPortal(portalOf(), None)
        session.login(credentials, None).addErrback(lambda _: None)
        self.assertIsNone(credentials.facts.peer)


class TLSTests(SynchronousTestCase):
    """
    Tests for connections with TLS.
    """

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.authority = Authority(directory)
        self.certificate, self.key = self.authority.certify("server", "localhost")

    def connect(self, *pair: Path, **about: Any) -> tuple[ConnectionFacts, Any]:
        """
        Return what the server knows of a connection, and the client's end of it.
        """
        authorities = (self.authority.file,) if pair else ()
        server = optionsOf(self.certificate, self.key, *authorities)
        self.tls = MemoryTLS(server, *pair, **about)
        self.tls.shakeHands()
        return ConnectionFacts(self.tls.server.transport), self.tls.client

    def connect12(self) -> tuple[ConnectionFacts, Any]:
        """
        The same with TLS 1.2.
        """
        return self.connect(newest=SSL.TLS1_2_VERSION)

    def test_private(self) -> None:
        """
        Nobody else reads what is encrypted.
        """
        facts, _ = self.connect()
        self.assertTrue(facts.isSecure)
        self.assertTrue(facts.isPrivate)

    def test_exporter(self) -> None:
        """
        With TLS 1.3 both ends derive the same from the connection.
        """
        facts, client = self.connect()
        mine = facts.channelBinding("tls-exporter")
        self.assertEqual(mine, client.export_keying_material(EXPORTER, 32, b""))
        self.assertIsNone(facts.channelBinding("tls-unique"))
        other, _ = self.connect()
        self.assertNotEqual(other.channelBinding("tls-exporter"), mine)

    def test_unique(self) -> None:
        """
        With TLS 1.2 it is what the client has said at last.
        """
        facts, client = self.connect12()
        mine = facts.channelBinding("tls-unique")
        self.assertEqual(mine, client.get_finished())
        self.assertIsNone(facts.channelBinding("tls-exporter"))

    def test_serverEndPoint(self) -> None:
        """
        With any version there is the hash of the server's certificate.
        """
        expected = sha256(derOf(self.certificate)).digest()
        for facts, _ in (self.connect(), self.connect12()):
            mine = facts.channelBinding("tls-server-end-point")
            self.assertEqual(mine, expected)

    def test_unknownBinding(self) -> None:
        """
        There are no other bindings.
        """
        facts, _ = self.connect()
        for name in ("", "tls-server", "TLS-EXPORTER", "__class__"):
            self.assertIsNone(facts.channelBinding(name))

    def test_certificates(self) -> None:
        """
        The client's certificate is known, and what it has sent besides.
        """
        above = Authority(self.certificate.parent, "above", self.authority)
        pair = above.certify("alice")
        facts, _ = self.connect(*pair, chain=(above.file,))
        self.assertEqual(facts.certificate.public_bytes(Encoding.DER), derOf(pair[0]))
        sent = [one.public_bytes(Encoding.DER) for one in facts.chain]
        self.assertEqual(sent, [derOf(above.file)])

    def test_noCertificate(self) -> None:
        """
        A client may have none.
        """
        facts, _ = self.connect()
        self.assertIsNone(facts.certificate)
        self.assertEqual(facts.chain, ())

    def test_wrapped(self) -> None:
        """
        All is known as well if a wrapper stands before TLS.
        """
        facts, client = self.connect(*self.authority.certify("alice"), wraps=True)
        self.assertTrue(facts.isSecure)
        self.assertIsNotNone(facts.certificate)
        exported = client.export_keying_material(EXPORTER, 32, b"")
        self.assertEqual(facts.channelBinding("tls-exporter"), exported)

    def test_handshake(self) -> None:
        """
        Before the end of the handshake the connection is secure, and nothing else is
        known.
        """
        tls = MemoryTLS(optionsOf(self.certificate, self.key))
        facts = ConnectionFacts(tls.server.transport)
        self.assertTrue(facts.isSecure)
        self.assertIsNone(facts.certificate)
        self.assertEqual(facts.chain, ())
        self.assertIsNone(facts.tlsVersion)
        for name in BINDINGS:
            self.assertIsNone(facts.channelBinding(name))
        tls.shakeHands()
        self.assertIsNotNone(facts.channelBinding("tls-exporter"))
        self.assertEqual(facts.tlsVersion, "TLSv1.3")


class Handle:
    """
    A connection, as OpenSSL has it.
    """

    def __init__(self, certificate: Any) -> None:
        self.certificate = certificate

    def get_peer_finished(self) -> bytes:
        """
        Return something: the handshake is over.
        """
        return b"finished"

    def get_certificate(self) -> Any:
        """
        Return the server's certificate.
        """
        return self.certificate

    get_peer_certificate = get_certificate

    def get_peer_cert_chain(self) -> Any:
        """
        Return the same.
        """
        return [self.certificate, self.certificate]


class StrangeTests(SynchronousTestCase):
    """
    Tests for certificates that aren't like most.
    """

    def factsOf(self, certificate: Any) -> ConnectionFacts:
        """
        Return what is known of a connection with a certificate.
        """
        transport: Any = StringTransport()
        transport.getHandle = lambda: Handle(certificate)
        transport.getPeerCertificate = lambda: None
        return ConnectionFacts(transport)

    def sign(self, key: Any, hash: Any) -> Any:
        """
        Return a certificate.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        authority = Authority(directory)
        until = datetime.now(timezone.utc) + timedelta(days=1)  # noqa: UP017
        builder = authority._builder(x509.Name([]), key, until)
        return builder.sign(key, hash)

    def binding(self, certificate: Any) -> Any:
        """
        Return the binding that is a hash of the certificate.
        """
        converted = SimpleNamespace(to_cryptography=lambda: certificate)
        return self.factsOf(converted).channelBinding("tls-server-end-point")

    def test_hashes(self) -> None:
        """
        The hash is that of the certificate's signature, if there is one that is strong.
        """

        class Weak:
            """
            A certificate with a weak hash, which no library makes any more.
            """

            def __init__(self, name: str) -> None:
                self.signature_hash_algorithm = SimpleNamespace(name=name)

            def fingerprint(self, algorithm: Any) -> bytes:
                """
                Return the name of the hash.
                """
                return algorithm.name.encode()

        for name, used in (
            ("md5", b"sha256"),
            ("sha1", b"sha256"),
            ("sha512", b"sha512"),
        ):
            self.assertEqual(self.binding(Weak(name)), used)
        certificate = self.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384())
        expected = sha384(certificate.public_bytes(Encoding.DER)).digest()
        self.assertEqual(self.binding(certificate), expected)
        self.assertIsNone(
            self.binding(self.sign(ed25519.Ed25519PrivateKey.generate(), None))
        )

    def test_noCertificate(self) -> None:
        """
        A server without a certificate has no such binding.
        """
        facts = self.factsOf(None)
        self.assertIsNone(facts.channelBinding("tls-server-end-point"))

    def strange(self, old: bytes, new: bytes) -> ConnectionFacts:
        """
        Return what is known of a connection with a certificate that OpenSSL takes.

        @param old: what stands in the certificate.
        @param new: what is written there.
        """
        certificate = self.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        der = certificate.public_bytes(Encoding.DER)
        self.assertIn(old, der)
        der = der.replace(old, new)
        return self.factsOf(crypto.load_certificate(crypto.FILETYPE_ASN1, der))

    def test_unparsable(self) -> None:
        """
        A certificate that OpenSSL takes and C{cryptography} doesn't is none: of a version
        that there isn't, or with a date that isn't one.
        """
        for old, new in (
            (b"\xa0\3\2\1\2", b"\xa0\3\2\1\7"),
            (b"Z0\0", b"z0\0"),
        ):
            facts = self.strange(old, new)
            self.assertIsNone(facts.certificate)
            self.assertEqual(facts.chain, ())
            self.assertIsNone(facts.channelBinding("tls-server-end-point"))

    def test_unknownAlgorithm(self) -> None:
        """
        A signature by an unknown algorithm has no hash to bind a login with.
        """
        ecdsa = bytes.fromhex("06082a8648ce3d0403")
        facts = self.strange(ecdsa + b"\2", ecdsa + b"\x7f")
        self.assertIsNone(facts.channelBinding("tls-server-end-point"))


class StartTLSTests(TestCase):
    """
    Tests for connections that become encrypted.
    """

    def test_later(self) -> None:
        """
        What is known of a connection changes with it.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        options = optionsOf(*Authority(directory).certify("server", "localhost"))
        done: Deferred[Any] = Deferred()
        before: list[Any] = []

        class Server(Protocol):
            """
            A protocol that begins TLS when it is told to.
            """

            def dataReceived(self, data: bytes) -> None:
                facts = ConnectionFacts(self.transport)
                if data == b"begin":
                    before.append((facts.isSecure, facts.channelBinding("tls-exporter")))
                    transport: Any = self.transport
                    transport.write(b"go")
                    transport.startTLS(options)
                else:
                    exported = facts.channelBinding("tls-exporter")
                    done.callback((facts.isSecure, exported))

        class Client(Protocol):
            """
            A client that does so.
            """

            def connectionMade(self) -> None:
                self.transport.write(b"begin")

            def dataReceived(self, data: bytes) -> None:
                transport: Any = self.transport
                transport.startTLS(CertificateOptions())
                transport.write(b"hello")

        client = Client()

        def cbListening(port: Any) -> Any:
            self.addCleanup(port.stopListening)
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            return connectProtocol(endpoint, client).addCallback(lambda _: done)

        def cbDone(known: Any) -> None:
            handle = client.transport.getHandle()
            exported = handle.export_keying_material(EXPORTER, 32, b"")
            self.assertEqual(before, [(False, None)])
            self.assertEqual(known, (True, exported))
            client.transport.abortConnection()

        listening = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listened = listening.listen(Factory.forProtocol(Server))
        return listened.addCallback(cbListening).addCallback(cbDone)
