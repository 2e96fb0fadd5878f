"""
Tests for L{mycred._callers}: where logins come from that Twisted's own portal gets.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from hypothesis import example, given, strategies as st

from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    connectProtocol,
    serverFromString,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.protocols.ftp import FTPFactory
from twisted.python.log import callWithContext
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.words.service import InMemoryWordsRealm, IRCFactory

from mycred._callers import SERVICES, noteCaller
from mycred.credentials import IUsernamePassword, UsernamePassword, peerOf
from mycred.error import UnauthorizedLogin, UnhandledCredentials
from mycred.portal import SessionPortal

from .kit.sasl import portalOf


def presented(prefix: object, credentials: Any = None) -> Any:
    """
    Return credentials that were presented while the log had a prefix.
    """
    if credentials is None:
        credentials = UsernamePassword(b"alice", b"sesame")
    callWithContext({"system": prefix}, noteCaller, credentials)
    return credentials


FTP_LOGIN = [b"220>USER a\r\n", b"331>PASS b\r\n"]


class NoteCallerTests(SynchronousTestCase):
    """
    Tests for L{noteCaller}.
    """

    def test_known(self) -> None:
        """
        The address and the protocol of the connection whose data is handled are attached
        to credentials.
        """
        for prefix, host, service in (
            ("FTP (ProtocolWrapper),0,192.0.2.7", "192.0.2.7", "ftp"),
            ("IRCUser,12,::ffff:192.0.2.7", "192.0.2.7", "irc"),
            ("IRCUser (BufferingTLSTransport),3,2001:db8::7", "2001:db8::7", "irc"),
            ("SSHServerTransport,3,fe80::7%eth0", "fe80::7%eth0", "ssh"),
        ):
            credentials = presented(prefix)
            self.assertEqual(peerOf(credentials), host)
            self.assertEqual(credentials.service, service)
            self.assertEqual(credentials.facts.peer.host, host)
            self.assertIsNone(credentials.facts.host)
            self.assertFalse(credentials.facts.isSecure)
            self.assertIsNone(credentials.facts.certificate)

    def test_notTrusted(self) -> None:
        """
        No address is taken where a proxy may have told another one, of connections that
        this server has opened itself, or of protocols that may begin a login while
        another client's data is handled.
        """
        for prefix in (
            "-",
            "FTP (ProtocolWrapper) (HAProxyProtocolWrapper),0,192.0.2.7",
            "NoneType (Gate),0,192.0.2.7",
            "FTP (SomebodysWrapper),0,192.0.2.7",
            "FTP,client",
            "FTP,client,192.0.2.7",
            "FTP (TLSMemoryBIOProtocol),client",
            "twisted.internet.unix.Server,0,192.0.2.7 ",
            "FTP,0,a.example.org",
            "FTP,0,",
            "FTP,0,192.0.2.7\n",
            "x y,0,192.0.2.7",
            "MyProtocol,3,192.0.2.7",
            "HTTPChannel (ProtocolWrapper),3,192.0.2.7",
            "FTP,0,192.0.2.7,0,192.0.2.8",
            "(buggy logPrefix method)",
            None,
            b"FTP,0,192.0.2.7",
        ):
            self.assertIsNone(peerOf(presented(prefix)))
            self.assertFalse(hasattr(presented(prefix), "facts"))

    @given(st.text() | st.from_regex(r"\w+( \(\w+\))*,\d+,[^,]*", fullmatch=True))
    @example("FTP,0,1.2.3.4\x00")
    def test_anyPrefix(self, prefix: str) -> None:
        """
        Whatever a prefix is, it is an address that is found in its end, or nothing.
        """
        host = peerOf(presented(prefix))
        if host is not None:
            self.assertEqual(ip_address(host), ip_address(host))
            self.assertNotIn("HAProxy", prefix)

    def test_betterKnown(self) -> None:
        """
        What a portal for a connection, or a program, has attached is left alone.
        """
        credentials: Any = UsernamePassword(b"alice", b"sesame")
        credentials.peer = peer = object()
        presented("FTP,0,192.0.2.7", credentials)
        self.assertIs(credentials.peer, peer)
        self.assertFalse(hasattr(credentials, "facts"))

        other: Any = UsernamePassword(b"alice", b"sesame")
        session = SessionPortal(portalOf(), None)
        self.failureResultOf(session.login(other, None), UnhandledCredentials)
        presented("FTP,0,192.0.2.7", other)
        self.assertIsNone(other.peer)
        self.assertIs(other.session, session)

    def test_again(self) -> None:
        """
        Credentials that are presented again, elsewhere, come from there: nothing of the
        first time is left.
        """
        credentials = presented("FTP,0,192.0.2.7")
        presented("IRCUser,0,192.0.2.8", credentials)
        self.assertEqual(peerOf(credentials), "192.0.2.8")
        self.assertEqual(credentials.service, "irc")
        presented("-", credentials)
        self.assertIsNone(peerOf(credentials))
        self.assertIsNone(credentials.service)
        self.assertIsNone(credentials.facts)

    def test_noAttributes(self) -> None:
        """
        Credentials that take no attributes are checked without them.
        """

        class Bare:
            __slots__ = ()

        presented("FTP,0,192.0.2.7", Bare())


class Noting:
    """
    A checker that remembers where logins come from.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, str | None]] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Refuse.
        """
        noteCaller(credentials)
        service = getattr(credentials, "service", None)
        self.seen.append((peerOf(credentials), service))
        raise UnauthorizedLogin()


class ReactorTests(TestCase):
    """
    Tests with Twisted's own protocols and portal, over TCP.
    """

    def setUp(self) -> None:
        self.checker: Any = Noting()
        self.portal = Portal(InMemoryWordsRealm("x"), [self.checker])

    @inlineCallbacks
    def said(
        self, factory: Any, where: str, lines: list[bytes], bind: str = "127.0.0.1"
    ) -> Any:
        """
        Say lines to a server.

        @param lines: what to say, each after what the server must have said and C{>}.
        """
        port = yield serverFromString(reactor, where).listen(factory)
        self.addCleanup(port.stopListening)
        client = Client()
        place = "127.0.0.1", port.getHost().port
        end = TCP4ClientEndpoint(reactor, *place, bindAddress=(bind, 0))
        yield connectProtocol(end, client)
        for line in lines:
            # Each after the answer to the one before.
            expected, _, said = line.rpartition(b">")
            yield client.hear(expected)
            client.transport.write(said)
        while not self.checker.seen:
            yield deferLater(reactor, 0.01)
        client.transport.abortConnection()
        yield client.gone
        return self.checker.seen

    @inlineCallbacks
    def test_protocols(self) -> Any:
        """
        The address is the client's in FTP and IRC, as their own log prefixes have it in
        this version of Twisted.
        """
        for factory, lines, service in (
            (FTPFactory(self.portal), FTP_LOGIN, "ftp"),
            (
                IRCFactory(self.portal.realm, self.portal),
                [b"PASS b\r\nNICK a\r\n"],
                "irc",
            ),
        ):
            self.checker.seen.clear()
            where = "tcp:0:interface=127.0.0.1"
            seen = yield self.said(factory, where, lines, "127.0.0.3")
            self.assertEqual(seen[0], ("127.0.0.3", service))

    @inlineCallbacks
    def test_proxy(self) -> Any:
        """
        Behind Twisted's endpoint for proxies no address is taken for the client's.
        """
        header = b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n"
        factory = IRCFactory(self.portal.realm, self.portal)
        where = "haproxy:tcp:0:interface=127.0.0.1"
        seen = yield self.said(factory, where, [header + b"PASS b\r\nNICK a\r\n"])
        self.assertEqual(seen[0], (None, None))

    @inlineCallbacks
    def test_atOnce(self) -> Any:
        """
        Of commands of FTP that a client sends at once nothing is known, rather than
        something that may be wrong: Twisted's class carries them out later.
        """
        factory = FTPFactory(self.portal)
        where = "tcp:0:interface=127.0.0.1"
        seen = yield self.said(factory, where, [b"USER a\r\nPASS b\r\n"])
        self.assertEqual(seen[0], (None, None))

    @inlineCallbacks
    def test_anothersData(self) -> Any:
        """
        Of a login over HTTP nothing is known, rather than the address of another client:
        a request that was sent early begins when another one's has ended the one before.
        """
        pages = Waiting()
        ways = [BasicCredentialFactory(b"x")]
        pages.putChild(b"guarded", HTTPAuthSessionWrapper(self.portal, ways))
        early = (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /guarded HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n\r\n"
        )
        where = "tcp:0:interface=127.0.0.1"
        port = yield serverFromString(reactor, where).listen(Site(pages))
        self.addCleanup(port.stopListening)
        place = "127.0.0.1", port.getHost().port
        for host, said in (("127.0.0.2", early), ("127.0.0.3", early)):
            client = Client()
            end = TCP4ClientEndpoint(reactor, *place, bindAddress=(host, 0))
            yield connectProtocol(end, client)
            client.transport.write(said)
            self.addCleanup(lambda client=client: client.gone)
            self.addCleanup(client.transport.abortConnection)
            if host == "127.0.0.2":
                yield pages.waits
        yield client.hear(b" 200 ")
        self.assertEqual(set(self.checker.seen), {(None, None)})

    def test_services(self) -> None:
        """
        The names of services are those that mycred's own servers have.
        """
        names = {"ftp", "http", "imap", "irc", "pb", "pop3", "smtp", "ssh"}
        self.assertEqual(set(SERVICES.values()), names)


class Waiting(Resource):
    """
    A page for which a client waits until another one asks for it.

    @ivar waits: fires when the first one waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.putChild(b"", self)
        self.waits: Deferred[None] = Deferred()
        self._waiting: list[Any] = []

    def render_GET(self, request: Any) -> Any:
        """
        Answer both, or have the first one wait.
        """
        self._waiting.append(request)
        if len(self._waiting) == 1:
            self.waits.callback(None)
            return NOT_DONE_YET
        self._waiting[0].finish()
        return b""


class Client(Protocol):
    """
    A client.

    @ivar gone: fires at the end of the connection.
    """

    transport: Any

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self._heard = b""
        self._expected = b""
        self._answer: Deferred[None] = Deferred()

    def hear(self, expected: bytes) -> Deferred[None]:
        """
        Return a L{Deferred} that fires when the server has said something.
        """
        self._expected, self._answer = expected, Deferred()
        answer = self._answer
        self.dataReceived(b"")
        return answer

    def dataReceived(self, data: bytes) -> None:
        """
        Take what the server says.
        """
        self._heard += data
        if self._expected in self._heard and not self._answer.called:
            self._answer.callback(None)

    def connectionLost(self, reason: object = None) -> None:
        """
        Tell that it is over.
        """
        self.gone.callback(None)
