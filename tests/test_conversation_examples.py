"""
Tests for the examples of the page on conversations.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import ICertificateCredentials
from mycred.portal import Portal
from mycred.tls import TLSOptions

from .kit.examples import load
from .kit.sasl import KeysChecker, ScramClient, keysOf
from .kit.tlspeers import ClientAuthority, TLSClient

PLAIN = b64encode(b"\0alice\0sesame")


class HangingChecker(KeysChecker):
    """
    A checker that never answers.
    """

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Wait for ever.
        """
        self.waiting: Deferred[Any] = Deferred()
        return self.waiting


class AnyCertificateChecker:
    """
    A checker for which everyone with a certificate is one user.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Accept.
        """
        return succeed(b"alice")


class Connection:
    """
    A client's end of a connection to the server, which has been greeted.
    """

    def __init__(self, server: Any) -> None:
        self.server = server
        # Not on this machine: no password may be sent in clear text.
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 7))
        server.makeConnection(self.transport)
        self.greeting = self.heard() + self.say(b"MECHANISMS")

    def heard(self) -> list[bytes]:
        """
        Return the lines that have come since this was called last.
        """
        lines = self.transport.value().split(b"\r\n")
        self.transport.clear()
        return lines[:-1]

    def say(self, *lines: bytes) -> list[bytes]:
        """
        Send lines, and return those that come back.
        """
        for line in lines:
            self.server.dataReceived(line + b"\r\n")
        return self.heard()

    def logIn(self, client: ScramClient) -> bytes:
        """
        Log in by SCRAM, and return the last line that comes.
        """
        [line] = self.say(b"AUTH SCRAM-SHA-256 " + b64encode(client.first))
        while line.startswith(b"+ "):
            answer = client.answer(b64decode(line[2:]))
            [line] = self.say(b64encode(answer))
        return line


class NotesTests(SynchronousTestCase):
    """
    Tests for the server of notes.
    """

    example = load("notes_server")

    def connect(self, checker: Any = None) -> Connection:
        """
        Connect to a server.
        """
        portal = Portal(
            self.example.NotesRealm(), [checker or KeysChecker(alice=keysOf())]
        )
        factory = self.example.NotesFactory(portal, b"secret of the site")
        return Connection(factory.buildProtocol(None))

    def test_loggedIn(self) -> None:
        """
        A client is offered what the connection permits, logs in, and both know each
        other.
        """
        connection, client = self.connect(), ScramClient()
        self.assertEqual(connection.greeting, [b"HELLO", b"OK SCRAM-SHA-256"])
        self.assertEqual(connection.say(b"ADD x"), [b"NO log in first"])
        self.assertEqual(connection.logIn(client), b"OK")
        self.assertTrue(client.isTrusted)
        self.assertEqual(connection.say(b"ADD x", b"ADD y"), [b"OK 1", b"OK 2"])
        self.assertEqual(connection.say(b"AUTH SCRAM-SHA-256"), [b"BAD not offered"])

    def test_refused(self) -> None:
        """
        A wrong password and an unknown name are the same on the wire.
        """
        for name in (b"alice", b"eve"):
            connection, client = self.connect(), ScramClient(name=name, password=b"x")
            self.assertEqual(connection.logIn(client), b"NO")
            self.assertEqual((len(client.heard), client.isTrusted), (1, False))
            self.assertEqual(connection.say(b"ADD x"), [b"NO log in first"])

    def test_malformed(self) -> None:
        """
        What makes no sense is told so, and the client may try again.
        """
        connection = self.connect()
        for lines in (
            [b"AUTH"],
            [b"AUTH PLAIN " + PLAIN],
            [b"AUTH SCRAM-SHA-256 ="],
            [b"AUTH SCRAM-SHA-256 !"],
            [b"AUTH SCRAM-SHA-256", b"*"],
            [b"AUTH SCRAM-SHA-256 " + b64encode(ScramClient().first), b"ADD x"],
            [b"NOTHING"],
        ):
            self.assertTrue(connection.say(*lines)[-1].startswith(b"BAD "), lines)
        self.assertEqual(connection.logIn(ScramClient()), b"OK")

    def test_gone(self) -> None:
        """
        A client that goes leaves nothing behind, whatever was waited for.
        """
        first = b"AUTH SCRAM-SHA-256 " + b64encode(ScramClient().first)
        checker = HangingChecker(alice=keysOf())
        for connection in (self.connect(), self.connect(checker)):
            connection.say(first)
            connection.server.connectionLost()
            self.assertIsNone(connection.server._login)
            self.assertIsNone(connection.server._asked)
        self.assertTrue(checker.waiting.called)

    def test_unasked(self) -> None:
        """
        A client that doesn't wait for the end of a login is disconnected.
        """
        connection = self.connect(HangingChecker(alice=keysOf()))
        connection.say(b"AUTH SCRAM-SHA-256 " + b64encode(ScramClient().first))
        self.assertEqual(connection.say(b"ADD x"), [])
        self.assertTrue(connection.transport.disconnecting)

    def test_guessing(self) -> None:
        """
        After some wrong passwords the connection ends.
        """
        connection = self.connect()
        for _ in range(10):
            self.assertEqual(connection.logIn(ScramClient(password=b"x")), b"NO")
        self.assertTrue(connection.transport.disconnecting)

    def test_certificate(self) -> None:
        """
        With TLS from the beginning, in which the client's certificate is not known before
        the handshake is over, the client is offered a login by it, and what is bound to
        the connection.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        ca = ClientAuthority(folder)
        options = TLSOptions(
            ca.pair()[1], ca.file, clientCert="optional", clientCA=str(ca.file)
        )
        checkers = [AnyCertificateChecker(), KeysChecker(alice=keysOf())]
        portal = Portal(self.example.NotesRealm(), checkers)
        clock, notes = Clock(), self.example.NotesFactory(portal, b"secret")
        factory = TLSMemoryBIOFactory(options.contextFactory(), False, notes, clock)
        client = TLSClient(factory, ca.issue("alice"))
        client.shakeHands()
        said = b""
        for line in (b"MECHANISMS", b"AUTH EXTERNAL =", b"ADD x"):
            client.connection.send(line + b"\r\n")
            client.exchange()
            clock.advance(0)
            client.exchange()
            said += client.connection.recv(1000)
        offered, *others = said.split(b"\r\n")[1:-1]
        self.assertEqual(offered, b"OK SCRAM-SHA-256-PLUS SCRAM-SHA-256 EXTERNAL")
        self.assertEqual(others, [b"OK", b"OK 1"])

    @settings(deadline=None)
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=100),
                st.builds(
                    lambda data: b"AUTH SCRAM-SHA-256 " + b64encode(data),
                    st.binary(max_size=100),
                ),
                st.sampled_from(
                    [
                        b"AUTH SCRAM-SHA-256",
                        b"*",
                        b"ADD x",
                        b"AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWE=",
                    ]
                ),
            ),
            max_size=10,
        )
    )
    def test_anything(self, lines: list[bytes]) -> None:
        """
        Whatever a client sends, it isn't let in by that, and nothing is logged as a
        defect.
        """
        connection = self.connect()
        for line in lines:
            connection.say(line)
        self.assertIsNone(connection.server._avatar)
        connection.server.connectionLost()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_runs(self) -> None:
        """
        It listens on this machine, and takes a password in plain text there.
        """
        memory = MemoryReactorClock()
        self.example.main(memory)
        [(_, factory, _, interface)] = memory.tcpServers
        self.assertEqual(interface, "127.0.0.1")
        server = factory.buildProtocol(None)
        transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 7))
        server.makeConnection(transport)
        for line in (b"MECHANISMS", b"AUTH PLAIN " + PLAIN, b"ADD buy milk"):
            server.dataReceived(line + b"\r\n")
        self.assertEqual(transport.value().split(b"\r\n")[2:], [b"OK", b"OK 1", b""])
