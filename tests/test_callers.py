"""
Tests for L{mycred._callers}: where logins come from that Twisted's own portal gets.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from typing import Any

from hypothesis import example, given, strategies as st

from twisted.conch.ssh.service import SSHService as Service
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    connectProtocol,
    serverFromString,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.protocols.ftp import FTPFactory
from twisted.python.log import callWithContext, callWithLogger
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

PEER, HOST = IPv4Address("TCP", "192.0.2.7", 4321), IPv4Address("TCP", "192.0.2.1", 21)


class Transport:
    """
    A transport, as the log sees it.
    """

    def __init__(self, prefix: object, peer: Any) -> None:
        self.prefix, self.peer = prefix, peer

    def logPrefix(self) -> object:
        """
        Return the prefix for the log.
        """
        return self.prefix

    def getPeer(self) -> Any:
        """
        Return the address of the client.
        """
        return self.peer

    def getHost(self) -> Any:
        """
        Return the address of the server.
        """
        return HOST


def presented(prefix: object, credentials: Any = None, peer: Any = PEER) -> Any:
    """
    Return credentials that were presented while a transport with a prefix had data.
    """
    if credentials is None:
        credentials = UsernamePassword(b"alice", b"sesame")
    callWithLogger(Transport(prefix, peer), noteCaller, credentials)
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
            kind = IPv6Address if ":" in host else IPv4Address
            peer = kind("TCP", host, 4321)
            credentials = presented(prefix, peer=peer)
            self.assertEqual(credentials.peer, peer)
            self.assertEqual(credentials.service, service)
            self.assertEqual(credentials.facts.peer, peer)
            self.assertEqual(credentials.facts.host, HOST)
            self.assertFalse(credentials.facts.isSecure)
            self.assertIsNone(credentials.facts.certificate)

    def test_service(self) -> None:
        """
        Conch has its services called by the log, too: the address is the transport's.
        """
        ssh = "SSHServerTransport,3,192.0.2.7"
        credentials = UsernamePassword(b"alice", b"sesame")
        service: Any = Service()
        service.name, service.transport = b"ssh-userauth", Service()
        service.transport.transport = transport = Transport(ssh, PEER)
        callWithLogger(transport, callWithLogger, service, noteCaller, credentials)
        self.assertEqual(peerOf(credentials), PEER.host)

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
            "FTP,0,",
            "FTP,0,192.0.2.7\n",
            "x y,0,192.0.2.7",
            "MyProtocol,3,192.0.2.7",
            "HTTPChannel (ProtocolWrapper),3,192.0.2.7",
            "(buggy logPrefix method)",
            None,
            b"FTP,0,192.0.2.7",
        ):
            self.assertNothingKnown(presented(prefix))

    def assertNothingKnown(self, credentials: Any) -> None:
        """
        Assert that it isn't known where credentials come from.
        """
        self.assertIsNone(peerOf(credentials))
        self.assertFalse(hasattr(credentials, "facts"))

    def test_noAddress(self) -> None:
        """
        No address is taken of a transport without one, whatever its prefix says: the
        client of a UNIX socket may have chosen that.
        """
        for peer in (UNIXAddress("192.0.2.7"), None, "192.0.2.7"):
            self.assertNothingKnown(presented("FTP,0,192.0.2.7", peer=peer))

    def test_otherPrefix(self) -> None:
        """
        No address is taken where the log is told of another connection than the one that
        has data, or nobody knows of which.
        """
        credentials = UsernamePassword(b"alice", b"sesame")
        told = {"system": "FTP,1,192.0.2.8"}
        transport = Transport("FTP,0,192.0.2.7", PEER)
        callWithLogger(transport, callWithContext, told, noteCaller, credentials)
        callWithContext(told, noteCaller, credentials)
        self.assertNothingKnown(credentials)

    @given(st.text() | st.from_regex(r"\w+( \(\w+\))*,\d+,[^,]*", fullmatch=True))
    @example("FTP,0,1.2.3.4\x00")
    def test_anyPrefix(self, prefix: str) -> None:
        """
        Whatever a prefix is, the address of the client is taken, or none.
        """
        credentials = presented(prefix)
        self.assertIn(peerOf(credentials), (PEER.host, None))
        self.assertNotIn("HAProxy", prefix if hasattr(credentials, "facts") else "")

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
        other = IPv4Address("TCP", "192.0.2.8", 4321)
        presented("IRCUser,0,192.0.2.8", credentials, other)
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
    def test_path(self) -> Any:
        """
        Nor is one taken of a client of a UNIX socket, whose own path is the text of one.
        """
        folder = tempfile.mkdtemp(prefix="mycred-")
        self.addCleanup(shutil.rmtree, folder)
        where = os.path.join(folder, "socket")
        factory = IRCFactory(self.portal.realm, self.portal)
        port = yield serverFromString(reactor, f"unix:{where}").listen(factory)
        self.addCleanup(port.stopListening)

        def say() -> None:
            with socket.socket(socket.AF_UNIX) as wire:
                # Its path is what it has bound, so that it has to be there.
                wire.bind("192.0.2.7")
                self.addCleanup(os.remove, os.path.abspath("192.0.2.7"))
                wire.connect(where)
                wire.sendall(b"PASS b\r\nNICK a\r\n")
                wire.makefile("rb").read()

        yield deferToThread(say)
        self.assertEqual(self.checker.seen, [(None, None)])

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
