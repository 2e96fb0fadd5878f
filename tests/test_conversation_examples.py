"""
Tests for the examples of the page on conversations.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mycred.portal import Portal

from .kit.examples import load
from .kit.sasl import KeysChecker, ScramClient, keysOf

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


class Connection:
    """
    A client's end of a connection to the server.
    """

    def __init__(self, server: Any) -> None:
        self.server = server
        # Not on this machine: no password may be sent in clear text.
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 7))
        server.makeConnection(self.transport)

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
        self.assertEqual(connection.heard(), [b"HELLO SCRAM-SHA-256"])
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
            connection.heard()
            self.assertEqual(connection.logIn(client), b"NO")
            self.assertEqual((len(client.heard), client.isTrusted), (1, False))
            self.assertEqual(connection.say(b"ADD x"), [b"NO log in first"])

    def test_malformed(self) -> None:
        """
        What makes no sense is told so, and the client may try again.
        """
        connection = self.connect()
        connection.heard()
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
        connection.heard()
        for _ in range(10):
            self.assertEqual(connection.logIn(ScramClient(password=b"x")), b"NO")
        self.assertTrue(connection.transport.disconnecting)

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
        server.dataReceived(b"AUTH PLAIN " + PLAIN + b"\r\nADD buy milk\r\n")
        self.assertEqual(transport.value().split(b"\r\n")[1:], [b"OK", b"OK 1", b""])
