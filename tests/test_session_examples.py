"""
Tests for the examples of servers whose checkers know the connection.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import succeed
from twisted.internet.testing import StringTransport
from twisted.mail.imap4 import PLAINCredentials
from twisted.spread import pb
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from mycred.credentials import IUsernameHashedPassword, IUsernamePassword, peerOf
from mycred.error import UnauthorizedLogin
from mycred.portal import Portal

from .kit.examples import load
from .kit.portals import ALICE
from .kit.sessions import Realm


class Noting:
    """
    A checker that lets in by any password, and remembers where logins come from.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Let in.
        """
        self.seen.append((peerOf(credentials), credentials.service))
        return succeed(b"alice")


class ServerTests(SynchronousTestCase):
    """
    Tests for the servers.
    """

    def setUp(self) -> None:
        self.examples = load("session_servers")
        self.checker = Noting()
        checker = self.examples.PrivateOnly(self.checker)
        self.portal = Portal(Realm(self.makePage), [checker])

    def makePage(self) -> Any:
        """
        Return an avatar, which is a page.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        return page

    def talk(self, factory: Any, host: str, *lines: bytes) -> Any:
        """
        Say lines, of which the last are answered.

        @param host: the address of the client.
        """
        peer = IPv4Address("TCP", host, 1025)
        protocol = factory.buildProtocol(peer)
        transport = StringTransport(peerAddress=peer)
        protocol.makeConnection(transport)
        for line in lines:
            protocol.dataReceived(line + b"\r\n")
        protocol.connectionLost(None)
        return transport.value()

    def test_smtp(self) -> None:
        """
        The checker lets users of SMTP in from this machine, and nobody from another one
        in the clear.
        """
        factory = self.examples.smtpServer(self.portal, {b"PLAIN": PLAINCredentials})
        factory.wrappedFactory.timeout = None
        lines = [b"EHLO x", b"AUTH PLAIN " + b64encode(b"\0alice\0sesame")]
        self.talk(factory, "192.0.2.7", *lines)
        self.assertEqual(self.checker.seen, [])
        self.talk(factory, "127.0.0.1", *lines)
        self.assertEqual(self.checker.seen, [("127.0.0.1", "submission")])

    def test_web(self) -> None:
        """
        So it does over HTTP.
        """
        site = self.examples.webServer(self.portal)
        basic = b"Authorization: Basic " + b64encode(b"alice:sesame")
        lines = [b"GET / HTTP/1.0", basic, b""]
        self.assertIn(b" 401 ", self.talk(site, "192.0.2.7", *lines))
        self.assertIn(b"Hello", self.talk(site, "127.0.0.1", *lines))
        self.assertEqual(self.checker.seen, [("127.0.0.1", "http")])

    def test_ftp(self) -> None:
        """
        And over FTP.
        """
        factory = self.examples.ftpServer(self.portal)
        for host, isIn in (("192.0.2.7", False), ("127.0.0.1", True)):
            peer = IPv4Address("TCP", host, 1025)
            connection = factory.buildProtocol(peer)
            connection.makeConnection(StringTransport(peerAddress=peer))
            server = connection.wrappedProtocol.wrappedProtocol
            server.ftp_USER("alice")
            login = server.ftp_PASS("sesame")
            if isIn:
                self.successResultOf(login)
            else:
                self.failureResultOf(login)
            server.shell = None
            connection.connectionLost(None)
            server.setTimeout(None)
        self.assertEqual(self.checker.seen, [("127.0.0.1", "ftp")])

    def test_pb(self) -> None:
        """
        And over Perspective Broker.
        """
        self.portal.realm = Realm(pb.Avatar)
        for host in ("192.0.2.7", "127.0.0.1"):
            server = self.examples.pbServer(self.portal).buildProtocol(None)
            factory = pb.PBClientFactory()
            client = factory.buildProtocol(None)
            peer = IPv4Address("TCP", host, 1025)
            ends = FakeTransport(server, True, peerAddress=peer)
            pump = connect(server, ends, client, FakeTransport(client, False))
            factory.login(ALICE).addErrback(lambda _: None)
            pump.flush()
            self.flushLoggedErrors(UnauthorizedLogin)
        self.assertEqual(self.checker.seen, [("127.0.0.1", "pb")])
