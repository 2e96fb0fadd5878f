"""
Tests for L{mycred.sessions}.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from zope.interface import implementer

from twisted.conch.ssh.factory import SSHFactory
from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.mail import imap4, pop3, smtp
from twisted.protocols.ftp import FTPFactory
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory
from twisted.protocols.policies import WrappingFactory
from twisted.spread import pb
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.words.service import InMemoryWordsRealm, IRCFactory

from mycred.conch import SSHFactory as OurSSHFactory
from mycred.credentials import IUsernameHashedPassword, IUsernamePassword, peerOf
from mycred.error import UnauthorizedLogin
from mycred.mail import IMAP4Server
from mycred.portal import Portal, SessionPortal
from mycred.sessions import SessionFactory

from .kit.portals import ALICE
from .kit.sessions import Realm, WaitingChecker, makeChecker

PEER = IPv4Address("TCP", "192.0.2.7", 1025)
HOST = IPv4Address("TCP", "192.0.2.1", 143)
PLAIN = b64encode(b"\0alice\0guess") + b"\r\n"


class Seeing:
    """
    A checker that remembers what it sees of connections, and refuses all.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, str | None]] = []
        self.facts: list[Any] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Refuse.
        """
        self.seen.append((peerOf(credentials), credentials.service))
        self.facts.append(credentials.facts)
        raise UnauthorizedLogin()


class Own(Factory):
    """
    A program's own factory, which gives its protocols their portal.
    """

    noisy = False

    def __init__(self, make: Any, portal: Any) -> None:
        self.make = make
        self.givenPortal = portal

    def buildProtocol(self, addr: object) -> Any:
        """
        Build a protocol.
        """
        protocol = self.make()
        protocol.portal = self.givenPortal
        return protocol


def connected(factory: Any, peer: IPv4Address = PEER) -> tuple[Any, StringTransport]:
    """
    Return a connection of a factory, and its transport.
    """
    protocol = factory.buildProtocol(peer)
    transport = StringTransport(HOST, peer)
    protocol.makeConnection(transport)
    return protocol, transport


class ProtocolTests(SynchronousTestCase):
    """
    Tests for L{SessionFactory} around the factories of Twisted's protocols.
    """

    def setUp(self) -> None:
        self.checker: Any = Seeing()
        self.portal = TwistedPortal(InMemoryWordsRealm("x"), [self.checker])

    def assertKnown(
        self, factory: Any, service: str, *said: bytes, name: str | None = None
    ) -> None:
        """
        Assert that the checker gets to know where two logins, over two connections, come
        from.
        """
        self.checker.seen.clear()
        sessions = SessionFactory(factory, service=name)
        pair = [
            connected(sessions, IPv4Address("TCP", f"192.0.2.{n}", 1)) for n in (7, 8)
        ]
        for data in said:
            for protocol, _ in pair:
                protocol.dataReceived(data)
        hosts = [("192.0.2.7", service), ("192.0.2.8", service)]
        self.assertEqual(self.checker.seen, hosts)
        self.assertEqual(self.checker.facts[-1].host, HOST)
        for protocol, _ in pair:
            protocol.connectionLost()
            # A protocol that has set a time-out ends the connection then.
            getattr(protocol.wrappedProtocol, "setTimeout", lambda _: None)(None)
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_ftp(self) -> None:
        """
        FTP, which hands over text.
        """
        sessions = SessionFactory(FTPFactory(self.portal))
        protocol, _ = connected(sessions)
        server = protocol.wrappedProtocol.wrappedProtocol
        server.ftp_USER("alice")
        self.failureResultOf(server.ftp_PASS("guess"))
        self.assertEqual(self.checker.seen, [("192.0.2.7", "ftp")])
        server.setTimeout(None)
        protocol.connectionLost()

    def test_irc(self) -> None:
        """
        IRC, which finds its portal in its factory.
        """
        factory = IRCFactory(self.portal.realm, self.portal)
        self.assertKnown(factory, "irc", b"PASS guess\r\nNICK alice\r\n")

    def test_mail(self) -> None:
        """
        SMTP, and what programs make of POP3 and IMAP4.
        """
        sending = smtp.SMTPFactory(self.portal)
        sending.protocol = lambda: smtp.ESMTP({b"PLAIN": imap4.PLAINCredentials})
        sending.timeout = None
        lines = [b"EHLO x\r\n", b"AUTH PLAIN " + PLAIN]
        self.assertKnown(sending, "smtp", *lines)
        reading = Own(lambda: pop3.POP3(), self.portal)
        self.assertKnown(reading, "pop3", b"USER alice\r\nPASS guess\r\n")
        server = lambda: imap4.IMAP4Server()  # noqa: E731
        self.assertKnown(Own(server, self.portal), "imap", b"1 LOGIN alice guess\r\n")

    def test_service(self) -> None:
        """
        A program may say how its protocol is called.
        """
        factory = Own(pop3.POP3, self.portal)
        lines = [b"USER alice\r\nPASS guess\r\n"]
        self.assertKnown(factory, "drop", *lines, name="drop")

    def test_ours(self) -> None:
        """
        mycred's own servers of mail don't make another portal.
        """
        sessions = SessionFactory(Own(IMAP4Server, Portal(Realm(), [self.checker])))
        protocol, _ = connected(sessions)
        self.assertIs(protocol.wrappedProtocol.openSession(), protocol.session)
        protocol.connectionLost()

    def test_ssh(self) -> None:
        """
        Conch, Twisted's and ours, which find the portal in their factory, and all the
        rest of it.
        """
        for make in (SSHFactory, lambda: OurSSHFactory(self.portal, [])):
            factory: Any = make()
            factory.portal = self.portal
            factory.privateKeys = factory.publicKeys = factory.primes = {}
            built = SessionFactory(factory).buildProtocol(PEER)
            seen = built.wrappedProtocol.factory
            self.assertIs(seen.portal, built.session)
            self.assertIs(factory.portal, self.portal)
            self.assertEqual(built.session.facts.service, "ssh")
            self.assertEqual(seen.getPrimes(), factory.getPrimes())
            self.assertEqual(seen.services, factory.services)
            seen.moduliRoot = "known"
            self.assertEqual(factory.moduliRoot, "known")

    def test_pb(self) -> None:
        """
        Perspective Broker, whose portal is in a root object.
        """
        server = SessionFactory(pb.PBServerFactory(self.portal)).buildProtocol(PEER)
        factory = pb.PBClientFactory()
        client = factory.buildProtocol(None)
        ends = FakeTransport(server, True, peerAddress=PEER), FakeTransport(client, False)
        pump = connect(server, ends[0], client, ends[1])
        login = factory.login(ALICE)
        pump.flush()
        self.failureResultOf(login)
        self.assertEqual(self.checker.seen, [("192.0.2.7", "pb")])
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_proxy(self) -> None:
        """
        Inside of Twisted's wrapper for proxies the address is the client's, also if what
        comes with it is forged; outside of it there is no other.
        """
        inside = SessionFactory(IRCFactory(self.portal.realm, self.portal))
        header = b"PROXY TCP4 198.51.100.9 192.0.2.1 1 2\r\n"
        login = b"PASS guess\r\nNICK alice\r\n"
        protocol, _ = connected(HAProxyWrappingFactory(inside))
        protocol.dataReceived(header + login)
        protocol, transport = connected(HAProxyWrappingFactory(inside))
        protocol.dataReceived(b"PROXY TCP4 198.51.100 x\r\n" + login)
        self.assertTrue(transport.disconnecting)
        # A second header is what the client says.
        protocol, _ = connected(HAProxyWrappingFactory(inside))
        protocol.dataReceived(header + header.replace(b"198", b"203") + login)
        seen = [("198.51.100.9", "irc")]
        self.assertEqual(self.checker.seen, seen * 2)
        # Twisted's class takes it for a command that it doesn't know.
        self.flushLoggedErrors(NotImplementedError)


class SessionTests(SynchronousTestCase):
    """
    Tests for what else a connection of L{SessionFactory} does.
    """

    def test_leaves(self) -> None:
        """
        At the end of the connection the login that is under way is cancelled, and a user
        whom the protocol forgets is logged out.
        """
        waiting = WaitingChecker()
        cancelled: list[Any] = []
        waiting.waiting = Deferred(cancelled.append)
        realm = Realm()
        for checker in (waiting, makeChecker()):
            factory = SessionFactory(Own(Protocol, Portal(realm, [checker])))
            protocol, _ = connected(factory)
            login = protocol.session.login(ALICE, None, object)
            login.addErrback(lambda _: None)
            protocol.connectionLost()
        self.assertEqual(cancelled, [waiting.waiting])
        self.assertEqual(realm.logouts, 1)

    def test_mostRefused(self) -> None:
        """
        A connection ends after so many refused logins.
        """
        portal = Portal(Realm(), [makeChecker()])
        factory = SessionFactory(Own(pop3.POP3, portal), mostRefused=2)
        protocol, transport = connected(factory)
        protocol.dataReceived(b"USER alice\r\nPASS guess\r\n")
        self.assertFalse(transport.disconnecting)
        protocol.dataReceived(b"USER alice\r\nPASS guess\r\n")
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost()

    def test_ownSession(self) -> None:
        """
        A portal for a connection that the program has made itself stays.
        """
        own = SessionPortal(Portal(Realm(), [makeChecker()]))
        protocol, _ = connected(SessionFactory(Own(pop3.POP3, own)))
        self.assertIs(protocol.wrappedProtocol.portal, own)
        self.assertIsNone(protocol.session)
        protocol.connectionLost()

    def test_handshake(self) -> None:
        """
        The end of TLS's handshake is told to a protocol that listens, also within other
        wrappers, which claim to listen as their transport does.
        """

        @implementer(IHandshakeListener)
        class Listening(Protocol):
            handshakes = 0

            def handshakeCompleted(self) -> None:
                """
                Count.
                """
                self.handshakes += 1

        portal = Portal(Realm(), [makeChecker()])
        for make, handshakes in ((Listening, 1), (Protocol, None)):
            inner = WrappingFactory(Own(make, portal))
            protocol, _ = connected(SessionFactory(inner))
            protocol.handshakeCompleted()
            seen = protocol.wrappedProtocol.wrappedProtocol
            self.assertEqual(getattr(seen, "handshakes", None), handshakes)
            protocol.connectionLost()

    def test_noPortal(self) -> None:
        """
        Where there is no portal the log says so, once, and the protocol works.
        """
        events: list[Any] = []
        factory = SessionFactory(Site(Resource()))
        factory._log = _Log(events)
        for _ in range(2):
            protocol, transport = connected(factory)
            protocol.dataReceived(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"404", transport.value())
            protocol.connectionLost()
        self.assertEqual(events, ["Site"])

    def test_noProtocol(self) -> None:
        """
        A client that the factory doesn't want gets no protocol.
        """

        class Unwilling(Factory):
            def buildProtocol(self, addr: object) -> None:
                """
                Don't.
                """

        self.assertIsNone(SessionFactory(Unwilling()).buildProtocol(PEER))

    def test_negotiation(self) -> None:
        """
        A factory that has names in TLS keeps them, and one that has none gets none.
        """
        site = Site(Resource())
        sessions = SessionFactory(site)
        self.assertTrue(IProtocolNegotiationFactory.providedBy(sessions))
        self.assertEqual(sessions.acceptableProtocols(), site.acceptableProtocols())
        bare = SessionFactory(Own(Protocol, None))
        self.assertFalse(IProtocolNegotiationFactory.providedBy(bare))


class _Log:
    """
    A log that remembers of which factories it was warned.
    """

    def __init__(self, events: list[Any]) -> None:
        self._events = events

    def warn(self, message: str, factory: str) -> None:
        """
        Remember.
        """
        self._events.append(factory)
