"""
Tests for what stands between TCP and TLS, in memory.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IHandshakeListener, ISSLTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._tls._gate import HANDSHAKE_TIMEOUT, HEADER_TIMEOUT, GateFactory
from mycred.testing import SteppedWorkers
from mycred.tls import TLSOptions

from ..kit.certificates import Authority
from ..kit.tlspeers import VERSIONS, TLSClient

_PROXY = IPv4Address("TCP", "10.0.0.1", 1234)
_OTHER = IPv4Address("TCP", "192.0.2.9", 1234)
_HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 993\r\n"
_CLIENT = IPv4Address("TCP", "192.0.2.7", 40000)


@implementer(IHandshakeListener)
class Listener(Protocol):
    """
    A protocol that takes notes.
    """

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def connectionMade(self) -> None:
        """
        Note where the client is.
        """
        self.notes.append(("made", self.transport.getPeer()))

    def handshakeCompleted(self) -> None:
        """
        Note that as well.
        """
        self.notes.append(("secured", self.transport.getPeer()))

    def dataReceived(self, data: bytes) -> None:
        """
        Note what came, and answer.
        """
        self.notes.append(data)
        self.transport.write(b"answer")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Note the end.
        """
        self.notes.append("lost")


class ListenerFactory(Factory):
    """
    Builds protocols that take notes, and remembers for whom.
    """

    def __init__(self) -> None:
        self.built: list[IAddress | None] = []
        self.protocols: list[Listener] = []
        self.isFull = False

    def buildProtocol(self, addr: IAddress | None) -> Listener | None:
        """
        Return a protocol.
        """
        self.built.append(addr)
        if self.isFull:
            return None
        self.protocols.append(Listener())
        return self.protocols[-1]


class GateTests(SynchronousTestCase):
    """
    Tests for L{GateFactory}.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        certificate, key = Authority(self.folder).certify("localhost")
        self.tls = TLSOptions(str(key), str(certificate))
        self.clock = Clock()
        self.listeners = ListenerFactory()
        self.serve()

    def serve(self, *proxies: str, running: bool = False) -> None:
        """
        Make the server.

        @param proxies: the networks of the proxies.
        @param running: whether its files are read in threads, which the test steps.
        """
        self.workers = SteppedWorkers(running)
        self.gates = GateFactory(
            self.listeners,
            self.tls.contextFactory(workers=self.workers),
            [ip_network(one) for one in proxies],
            self.clock,
        )

    def connect(self, peer: Any = _OTHER, *pieces: bytes) -> Any:
        """
        Return the transport of a new connection, on which something has come.
        """
        transport = StringTransport(peerAddress=peer)
        gate = self.gates.buildProtocol(peer)
        gate.makeConnection(transport)
        for piece in pieces:
            gate.dataReceived(piece)
        transport.gate = gate  # type: ignore[attr-defined]
        return transport

    def test_direct(self) -> None:
        """
        Without proxies a client is served as itself, by each version of TLS.
        """
        for version in VERSIONS:
            client = TLSClient(self.gates, version=version, peer=_OTHER)
            self.assertTrue(client.shakeHands())
            listener = self.listeners.protocols[-1]
            self.assertEqual(listener.notes, [("made", _OTHER), ("secured", _OTHER)])
            self.assertTrue(ISSLTransport.providedBy(listener.transport))
            client.connection.send(b"question")
            client.exchange()
            self.assertEqual(listener.notes[2:], [b"question"])
            self.clock.advance(0)
            client.exchange()
            self.assertEqual(client.connection.recv(100), b"answer")
            client.server.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(listener.notes[3:], ["lost"])
        self.assertEqual(self.gates.protocols, {})

    def test_proxy(self) -> None:
        """
        Behind a proxy all that a protocol ever sees is the client's address.
        """
        self.serve("10.0.0.0/8")
        for version in VERSIONS:
            client = TLSClient(self.gates, version=version, peer=_PROXY)
            self.assertEqual(self.listeners.built, [])
            client.server.dataReceived(_HEADER)
            self.assertTrue(client.shakeHands())
            listener = self.listeners.protocols.pop()
            self.assertEqual(listener.notes, [("made", _CLIENT), ("secured", _CLIENT)])
            host = IPv4Address("TCP", "192.0.2.1", 993)
            self.assertEqual(listener.transport.getHost(), host)
            self.assertEqual(self.listeners.built.pop(), _CLIENT)
            client.server.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(listener.transport.getPeer(), _CLIENT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_pieces(self) -> None:
        """
        A header may come in pieces, and TLS may begin in the last.
        """
        self.serve("10.0.0.1")
        sent = _HEADER + TLSClient(self.gates, peer=_OTHER).hello()
        for size in (1, 7, len(_HEADER), len(_HEADER) + 5, len(sent)):
            pieces = [sent[i : i + size] for i in range(0, len(sent), size)]
            transport = self.connect(_PROXY, *pieces)
            self.assertEqual(self.listeners.built[-1], _CLIENT)
            self.assertEqual(transport.value()[:1], b"\x16")
            self.assertFalse(transport.disconnecting)

    def test_mapped(self) -> None:
        """
        A proxy is known by its IPv4 address where the server listens at an IPv6 one.
        """
        self.serve("10.0.0.1")
        self.connect(IPv6Address("TCP", "::ffff:10.0.0.1", 1234), _HEADER)
        self.assertEqual(self.listeners.built, [_CLIENT])

    def test_itself(self) -> None:
        """
        A proxy that speaks for itself, or doesn't know the client, is its own client.
        """
        self.serve("10.0.0.1", "2001:db8::/32")
        local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
        for peer in (_PROXY, IPv6Address("TCP", "2001:db8::5", 1234)):
            for header in (b"PROXY UNKNOWN\r\n", local):
                self.connect(peer, header)
                self.assertEqual(self.listeners.built.pop(), peer)

    def test_untrusted(self) -> None:
        """
        A header of anyone else ends the connection: nobody tells their own address.
        """
        self.serve("10.0.0.1")
        for header in (_HEADER, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"):
            transport = self.connect(_OTHER, header.ljust(300, b"\0"))
            self.assertTrue(transport.disconnecting)
            self.assertEqual(self.listeners.built.pop(), _OTHER)
            notes = self.listeners.protocols.pop().notes
            self.assertEqual(notes, [("made", _OTHER)])

    def test_untrustedWithoutHeader(self) -> None:
        """
        Anyone else is served as themselves.
        """
        self.serve("10.0.0.1")
        self.assertTrue(TLSClient(self.gates, peer=_OTHER).shakeHands())
        self.assertEqual(self.listeners.built, [_OTHER])

    def test_secondHeader(self) -> None:
        """
        A second header, which the client behind a proxy could send, ends the connection.
        """
        self.serve("10.0.0.1")
        transport = self.connect(_PROXY, _HEADER + _HEADER.replace(b".7", b".8"))
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.listeners.built, [_CLIENT])

    def test_noHeader(self) -> None:
        """
        A proxy that begins with anything else is disconnected, before a protocol is
        built.
        """
        self.serve("10.0.0.1")
        for sent in (
            b"\x16\x03\x01",
            b"GET / HTTP/1.1\r\n",
            b"PROXY TCP4 x\r\n",
            b"P" * 9,
        ):
            self.assertTrue(self.connect(_PROXY, sent).disconnecting)
        self.assertEqual(self.listeners.built, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slow(self) -> None:
        """
        A proxy must send its whole header within a time that no piece of it makes longer.
        """
        self.serve("10.0.0.1")
        transport = self.connect(_PROXY)
        for byte in _HEADER[:8]:
            self.assertFalse(transport.disconnecting)
            self.clock.advance(HEADER_TIMEOUT / 8)
            transport.gate.dataReceived(bytes([byte]))
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.listeners.built, [])

    def test_timeAfterHandshake(self) -> None:
        """
        After the handshake the time is the protocol's own business.
        """
        self.serve("10.0.0.1")
        for version in VERSIONS:
            client = TLSClient(self.gates, version=version, peer=_PROXY)
            client.server.dataReceived(_HEADER)
            self.assertTrue(client.shakeHands())
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slowHandshake(self) -> None:
        """
        A client that doesn't get through with the handshake is disconnected, also where
        a protocol has greeted it, and has given it up by itself: that alone would leave
        the connection open for ever.
        """
        self.serve("10.0.0.1")
        for isBegun in (False, True):
            client = TLSClient(self.gates, peer=_PROXY)
            client.server.dataReceived(_HEADER + (client.hello() if isBegun else b""))
            self.clock.advance(HANDSHAKE_TIMEOUT - 1)
            listener = self.listeners.protocols[-1]
            listener.transport.write(b"welcome")
            listener.transport.loseConnection()
            self.assertFalse(client.transport.disconnecting)
            self.clock.advance(1)
            self.assertTrue(client.transport.disconnecting)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone(self) -> None:
        """
        A proxy that goes away without a header, as one that only checks the port, leaves
        nothing behind.
        """
        self.serve("10.0.0.1")
        transport = self.connect(_PROXY, _HEADER[:9])
        transport.gate.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.gates.protocols, {})

    def test_full(self) -> None:
        """
        A connection for which the factory builds no protocol ends.
        """
        self.listeners.isFull = True
        self.assertTrue(self.connect().disconnecting)

    def test_broken(self) -> None:
        """
        So does one for which the factory fails, and the log has the failure.
        """
        self.patch(self.listeners, "buildProtocol", lambda addr: 1 / 0)
        self.assertTrue(self.connect().disconnecting)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_files(self) -> None:
        """
        Nothing is read from a client until the files were looked at, once for all who
        come meanwhile.
        """
        self.serve(running=True)
        transports = [self.connect(), self.connect()]
        for transport in transports:
            self.assertEqual(transport.producerState, "paused")
        self.assertEqual(self.listeners.built, [])
        self.workers.step()
        self.assertEqual(self.workers.pool.jobs, [])
        for transport in transports:
            self.assertEqual(transport.producerState, "producing")
        self.assertEqual(self.listeners.built, [_OTHER, _OTHER])

    def test_goneMeanwhile(self) -> None:
        """
        For a client that goes away meanwhile nothing is built.
        """
        self.serve(running=True)
        transport = self.connect()
        transport.gate.connectionLost(Failure(ConnectionDone()))
        self.workers.step()
        self.assertEqual(self.listeners.built, [])
        self.assertEqual(self.gates.protocols, {})

    def test_diskHangs(self) -> None:
        """
        If the disk doesn't answer in time the connection ends: it isn't known what is
        revoked by now.
        """
        self.serve(running=True)
        transport = self.connect()
        self.workers.reactor.advance(self.workers.deadline)
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.listeners.built, [])

    def test_log(self) -> None:
        """
        The log calls the server what it calls Twisted's own with TLS.
        """
        self.assertEqual(self.gates.logPrefix(), "ListenerFactory (TLS)")
