"""
Tests for L{mycred.demo._limits}, and for how the protocols of the example server use
it: a client that hasn't logged in takes little memory, and goes soon.
"""

from __future__ import annotations

import gc
import re
import socket
import sys
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, strategies

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, globalLogPublisher
from twisted.mail import imap4, pop3
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.spread.banana import Banana, encode
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from mycred.checkers import ANONYMOUS, AllowAnonymousAccess
from mycred.credentials import IUsernameHashedPassword, IUsernamePassword
from mycred.demo import _http, _imap4, _pb, _pop3, _smtp
from mycred.demo._limits import LOGIN_TIMEOUT
from mycred.portal import Portal

from ..kit.certificates import Authority
from ..kit.server import LETTER, PATIENCE, ServerTests, hangUp
from ..kit.sessions import Realm, WaitingChecker, makeChecker

# What a connection may hold before a user is logged in, in bytes.
MOST = 256 * 1024


class PatientChecker:
    """
    A checker whose logins are under way for ever.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Keep the credentials, and don't answer.
        """
        return Deferred(lambda _, kept=credentials: None)


TOKENS = [
    b"\x80",
    b"\x01\x80",
    b"\x05\x80",
    b"\x07\x81",
    b"\x7f\x7f\x7f\x83",
    b"\x7f" * 64 + b"\x85",
    b"\x7f" * 64 + b"\x86",
    b"\x00\x82",
    b"\x01\x82x",
    b"\x64\x82" + b"x" * 100,
    b"\x01\x87",
    b"\x84" + b"\x00" * 8,
]


class LimitTests:
    """
    What is the same for every protocol of the example server.

    @cvar makeFactory: how the example server makes the factory.
    @cvar drip: what a client may go on with for ever, byte by byte.
    @cvar much: what a user may send who is logged in.
    @cvar idle: how long they may be idle, in seconds.
    @cvar isLimited: whether so many wrong guesses end a connection.
    """

    isLimited = True
    makeFactory: Any
    drip: bytes
    much: bytes
    idle: int

    def setUp(self: Any) -> None:
        self.clock = Clock()
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def makeAvatar(self) -> Any:
        """
        Make an avatar for the protocol.
        """
        raise NotImplementedError

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        raise NotImplementedError

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        raise NotImplementedError

    def connect(self: Any, checker: Any = None, **arguments: Any) -> None:
        """
        Connect a client that never reads what is written to it.

        @param arguments: what the factory is told.
        """
        self.realm = Realm(self.makeAvatar)
        portal = Portal(self.realm, [checker or makeChecker()])
        factory = self.makeFactory(portal, reactor=self.clock, **arguments)
        self.protocol: Any = factory.buildProtocol(None)
        peer = IPv4Address("TCP", "127.0.0.1", 1025)
        self.transport = StringTransport(peerAddress=peer)
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes, size: int = 1400) -> None:
        """
        Send something in pieces, until the connection is ended.
        """
        for start in range(0, len(data), size):
            if not self.transport.disconnected:
                self.protocol.dataReceived(data[start : start + size])

    def drop(self: Any) -> None:
        """
        Lose the connection.
        """
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self.flushLoggedErrors()

    def said(self) -> list[str]:
        """
        Return what is said of clients that are disconnected.
        """
        return [
            event["log_format"].format(**event)
            for event in self.events
            if event["log_level"] is LogLevel.info
            and event.get("log_namespace", "").startswith("mycred.demo")
        ]

    def assertHeldLittle(self: Any, flood: Callable[[], None], name: str) -> None:
        """
        Assert that little is held for a client when it is disconnected.

        @param flood: sends what the client sends.
        @param name: what that is called.
        """
        # Other threads may take memory of their own meanwhile: the least of several.
        held = self.held(flood)
        for _ in range(2):
            if held >= MOST:
                held = min(held, self.held(flood))
        self.assertTrue(self.transport.disconnected, name)
        self.assertLess(held, MOST, name)

    def held(self: Any, flood: Callable[[], None]) -> int:
        """
        Return how much is held for a client when it is disconnected, in bytes.
        """
        tracemalloc.start()
        try:
            self.connect(PatientChecker())
            flood()
            # What is logged is the test's affair.
            self.flushLoggedErrors()
            self.events.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            self.drop()

    def test_memory(self: Any) -> None:
        """
        Whatever a client sends that hasn't logged in, in large pieces or small ones,
        and though it doesn't read the answers: its connection ends before the server
        holds 256 KiB for it.
        """
        for name, flood in self.floods().items():
            # Nothing counts that is remembered once for all.
            self.connect(PatientChecker())
            self.send(flood[:2000], 40)
            self.drop()
            for size in (2, 40, 1400):
                self.assertHeldLittle(
                    lambda: self.send(flood, size), f"{name}, {size} bytes at a time"
                )

    def test_said(self: Any) -> None:
        """
        The log says once that a client has sent too much, and who; what the client
        sends later is neither said nor taken.
        """
        flood = next(iter(self.floods().values()))
        self.connect()
        for _ in range(3):
            self.protocol.dataReceived(flood)
        self.drop()
        said = "Disconnected: 127.0.0.1: too much was sent before a login"
        self.assertEqual(self.said(), [said])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slow(self: Any) -> None:
        """
        A client that goes on sending, byte by byte, and doesn't log in is disconnected
        after a minute, and the log says so.
        """
        self.connect()
        for _ in range(LOGIN_TIMEOUT - 1):
            self.send(self.drip[:1])
            self.drip = self.drip[1:] + self.drip[:1]
            self.clock.advance(1)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.drop()
        said = "Disconnected: 127.0.0.1: no login within 60 s"
        self.assertEqual(self.said(), [said])

    def test_timeout(self: Any) -> None:
        """
        How long a client may take is an argument.
        """
        self.connect(loginTimeout=5)
        self.send(self.drip)
        self.clock.advance(4)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.drop()

    def test_left(self: Any) -> None:
        """
        Of a client that has left nothing remains.
        """
        self.connect()
        self.send(self.drip)
        self.drop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.said(), [])

    def test_refused(self: Any) -> None:
        """
        A client that is refused has no more time than one that doesn't try.
        """
        self.connect()
        self.logIn(b"tulip")
        self.send(self.drip)
        self.clock.advance(LOGIN_TIMEOUT)
        self.assertTrue(self.transport.disconnected)
        self.drop()

    def test_manyGuesses(self: Any) -> None:
        """
        Nine wrong guesses don't use up what a client may send.  With the tenth the
        connection ends, where it is one for several logins, once that was answered.
        """
        for wrong in (9, 10):
            self.connect()
            for _ in range(wrong):
                self.assertFalse(self.transport.disconnecting)
                self.logIn(b"tulip")
            isOver = wrong == 10 and self.isLimited
            self.assertEqual(self.transport.disconnecting, isOver)
            self.logIn(b"sesame")
            self.assertEqual(self.realm.asked, [] if isOver else [b"alice"])
            self.drop()

    def test_mostRefused(self: Any) -> None:
        """
        How many guesses end a connection is an argument.
        """
        if not self.isLimited:
            return
        self.connect(mostRefused=2)
        self.logIn(b"tulip")
        self.assertFalse(self.transport.disconnecting)
        self.logIn(b"tulip")
        self.assertTrue(self.transport.disconnecting)
        self.drop()

    def test_loggedIn(self: Any) -> None:
        """
        A user who is logged in may be idle as long as the protocol has it, and send
        much.
        """
        self.connect()
        self.logIn(b"sesame")
        self.clock.advance(self.idle - 1)
        self.assertFalse(self.transport.disconnecting)
        self.send(self.much, 16384)
        self.assertFalse(self.transport.disconnecting)
        self.drop()


class POP3Tests(LimitTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    makeFactory = staticmethod(_pop3.makeFactory)
    makeAvatar = staticmethod(pop3.Mailbox)
    drip = b"x"
    much = b"NOOP\r\n" * 50000
    # RFC 1939, section 3, and RFC 3501, section 5.4.
    idle = 10 * 60

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        self.send(b"USER alice\r\nPASS %b\r\n" % password)

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        login = b"USER %b\r\nPASS %b\r\n" % (b"u" * 16000, b"p" * 16000)
        return {
            "long answers": b"CAPA\r\n" * 20000,
            "logins": login * 20,
            "challenges": b"AUTH CRAM-MD5\r\n\r\n" * 10000,
        }


class IMAP4Tests(LimitTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    makeFactory = staticmethod(_imap4.makeFactory)
    drip = b"x"
    much = b"2 NOOP\r\n" * 50000
    idle = 30 * 60

    def makeAvatar(self) -> imap4.MemoryAccount:
        """
        Make an account.
        """
        return imap4.MemoryAccount("alice")

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        self.send(b'1 LOGIN "alice" "%b"\r\n' % password)

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        literal = b"{4096}\r\n%b" % (b"x" * 4096)
        login = b"1 LOGIN %b %b\r\n" % (b"u" * 8000, b"p" * 8000)
        return {
            "long answers": b"1 CAPABILITY\r\n" * 20000,
            "logins": login * 40,
            "literals": b"1 LOGIN %b %b\r\n" % (literal, literal) * 80,
            "empty lines": b"\r\n" * 100000,
        }


class SMTPTests(LimitTests, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    makeFactory = staticmethod(_smtp.makeFactory)
    makeAvatar = staticmethod(object)
    drip = b"x"
    much = b"NOOP\r\n" * 50000
    # RFC 5321, section 4.5.3.2.7.
    idle = 5 * 60

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        self.send(b"AUTH PLAIN %b\r\n" % b64encode(b"\0alice\0" + password))

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        login = b"AUTH PLAIN %b\r\n" % b64encode(b"\0" + b"u" * 4000 + b"\0password")
        return {
            "long answers": b"EHLO x\r\n" * 20000,
            "names": b"EHLO %b\r\n" % (b"x" * 8000) * 80,
            "logins": login * 100,
            "senders": b"MAIL FROM:<a@b>\r\n" * 20000,
            "challenges": b"AUTH CRAM-MD5\r\n\r\n" * 10000,
        }


class HTTPTests(LimitTests, SynchronousTestCase):
    """
    Tests for HTTP, where a login is good for one request.
    """

    isLimited = False
    makeFactory = staticmethod(_http.makeFactory)
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    drip = head + b"X: " + b"x" * 100

    def makeAvatar(self) -> Data:
        """
        Make a page.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        return page

    def authorization(self, password: bytes) -> bytes:
        """
        Write the header with which Alice logs in.
        """
        return b"Authorization: Basic %b\r\n" % b64encode(b"alice:" + password)

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        self.send(self.head + self.authorization(password) + b"\r\n")

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        # As long as the login is under way, what comes next is kept as it comes.
        waiting = self.authorization(b"x") + b"\r\n" + b"x" * 2 * MOST
        form = b"Content-Type: application/x-www-form-urlencoded\r\n"
        sets = b"&".join(b"%x=" % number for number in range(2500))
        many = b"".join(b"%x:x\r\n" % number for number in range(490))
        chunked = b"Transfer-Encoding: chunked\r\n\r\n"
        post = b"POST / HTTP/1.1\r\n"
        return {
            "unread answers": (self.head + b"\r\n") * 10000,
            "other answers": b"OPTIONS * HTTP/1.1\r\n\r\n" * 10000,
            "next request": self.head + waiting,
            "arguments": b"GET /?%b HTTP/1.1\r\n" % sets + waiting,
            "path": b"GET %b HTTP/1.1\r\n" % (b"/ab" * 5000) + waiting,
            "cookies": self.head + b"Cookie: %b\r\n" % sets.replace(b"&", b";") + waiting,
            "headers": self.head + many + waiting,
            "form": post + form + b"Content-Length: 500000\r\n\r\n" + sets * 30,
            "body": post + b"Content-Length: 99999999\r\n\r\n" + b"x" * MOST,
            "chunks": post + chunked + b"1\r\nx\r\n" * 60000,
        }

    def test_loggedIn(self) -> None:
        """
        Over one connection any number of requests comes from a user who logs in with
        each.
        """
        self.connect()
        for number in range(1, 1000):
            self.logIn(b"sesame")
            self.assertEqual(len(self.realm.asked), number)
        self.assertFalse(self.transport.disconnected)
        self.drop()

    def test_digest(self) -> None:
        """
        The same holds for a client that answers a challenge of Digest, with fields that
        nobody knows.
        """

        def flood() -> None:
            self.send(self.head + b"\r\n")
            challenge = re.findall(rb"digest (.*)\r\n", self.transport.value())[0]
            answer = b'username=a,uri="/",response=x,nc=00000001,cnonce=x,' + challenge
            fields = b"".join(b",%x=" % number for number in range(2500))
            login = b"Authorization: Digest %b%b\r\n\r\n" % (answer, fields)
            self.send(self.head + login + b"x" * 2 * MOST)

        self.assertHeldLittle(flood, "fields")

    def test_told(self) -> None:
        """
        A client that sends request after request and never logs in is told to connect
        again, before it is cut off.
        """
        for _ in range(3):
            self.connect()
            while not self.transport.disconnecting:
                self.transport.clear()
                self.send(self.head + b"Accept: text/html,*/*;q=0.8\r\n\r\n")
                self.assertIn(b"401 Unauthorized", self.transport.value())
            self.assertIn(b"Connection: close", self.transport.value())
            self.assertFalse(self.transport.disconnected)
            self.drop()

    def test_lastAnswer(self) -> None:
        """
        A client that wants to end the connection, and doesn't read the last answer, is
        disconnected, unless that is for a user.
        """
        passwords = b"sesame", b"tulip"
        for first, last, isEnded in [(*passwords, True), (*passwords[::-1], False)]:
            self.connect()
            self.logIn(first)
            end = b"Connection: close\r\n\r\n"
            self.send(self.head + self.authorization(last) + end)
            self.assertTrue(self.transport.disconnecting)
            self.clock.advance(LOGIN_TIMEOUT)
            self.assertEqual(self.transport.disconnected, isEnded)
            self.drop()

    def test_idle(self) -> None:
        """
        Between requests a connection may be idle as long as HTTP allows, and the next
        request has its time.
        """
        self.connect()
        for _ in range(3):
            self.logIn(b"sesame")
            self.clock.advance(LOGIN_TIMEOUT - 1)
            self.send(self.head)
            self.clock.advance(LOGIN_TIMEOUT - 1)
            self.send(self.authorization(b"sesame") + b"\r\n")
        self.assertEqual(len(self.realm.asked), 6)
        self.assertFalse(self.transport.disconnected)
        self.drop()

    def test_slowNext(self) -> None:
        """
        A request that is sent too slowly ends the connection, though others have been
        answered, and a login was good.
        """
        self.connect()
        self.logIn(b"sesame")
        self.clock.advance(30)
        for byte in self.drip[:LOGIN_TIMEOUT]:
            self.send(bytes([byte]))
            self.assertFalse(self.transport.disconnected)
            self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.drop()

    def test_slowBody(self) -> None:
        """
        The same holds for what follows the headers.
        """
        self.connect()
        self.send(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(LOGIN_TIMEOUT):
            self.send(b"x")
            self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.drop()

    def test_served(self) -> None:
        """
        A request that is being answered has the time that it takes, while the next
        ones come in behind it.
        """
        checker = WaitingChecker()
        self.connect(checker)
        for _ in range(2):
            self.logIn(b"sesame")
        self.clock.advance(3600)
        self.assertFalse(self.transport.disconnected)
        checker.waiting.callback(b"alice")
        self.assertIn(b"200 OK", self.transport.value())
        self.assertEqual(len(self.realm.asked), 2)
        self.drop()


def call(target: bytes | int, method: bytes, *arguments: Any) -> bytes:
    """
    Write a call over Perspective Broker.
    """
    listed = [b"tuple", *arguments]
    return encode([b"message", 1, target, method, 1, listed, [b"dictionary"]])


# The beginning of a list of a great many items, and of a string of as many bytes.
MANY, LONG = b"\x7f\x7f\x1f\x80", b"\x7f\x7f\x1f\x82"


class PBTests(LimitTests, SynchronousTestCase):
    """
    Tests for Perspective Broker.
    """

    makeFactory = staticmethod(_pb.makeFactory)
    makeAvatar = staticmethod(pb.Avatar)
    drip = LONG + b"x" * 100
    much = call(2, b"send", b"\xff" * 600000)
    idle = 24 * 3600

    def connect(self, checker: Any = None, **arguments: Any) -> None:
        """
        Connect a client that knows how Perspective Broker begins.
        """
        super().connect(checker, **arguments)
        self.send(encode(b"pb"))

    def answer(self) -> Any:
        """
        Read what was written to the client last.
        """
        banana = Banana()
        banana.connectionMade()
        banana.currentDialect = b"pb"
        expressions: list[Any] = []
        banana.expressionReceived = expressions.append
        banana.dataReceived(self.transport.value())
        return expressions[-1][2]

    def logIn(self, password: bytes) -> None:
        """
        Log Alice in over the connection.
        """
        self.send(call(b"root", b"login", b"alice"))
        _, challenge, (_, challenger) = self.answer()
        response = pb.respond(challenge, password)
        self.send(call(challenger, b"respond", response, [b"None"]))

    def floods(self) -> dict[str, bytes]:
        """
        Write what a hostile client sends, far more than it may.
        """
        references = [b"list", *([b"remote", number] for number in range(30))]
        return {
            "empty lists": MANY + b"\x80" * 20000,
            "lists in lists": b"\x01\x80" * 20000,
            "lists of one": MANY + b"\x01\x80\x80" * 20000,
            "numbers": MANY + (b"\x7f" * 64 + b"\x85") * 8000,
            "floats": MANY + b"\x84\xff\xff\xff\xff\xff\xff\xff\x00" * 20000,
            "a string": LONG + b"x" * 2 * MOST,
            "strings": MANY + encode(b"x" * 60000) * 10,
            "challenges": call(b"root", b"login", b"a") * 2000,
            "challenges of long names": call(b"root", b"login", b"x" * 30000) * 20,
            "unread errors": call(b"root", b"x") * 2000,
            "references": call(b"root", b"login", b"a", references) * 500,
            "logins": call(b"root", b"login", b"a")
            + call(1, b"respond", b"x" * 16, references) * 500,
        }

    def test_visitor(self) -> None:
        """
        A visitor may stay, but send no more than others who are nobody.
        """
        self.connect(AllowAnonymousAccess())
        self.send(call(b"root", b"loginAnonymous", [b"None"]))
        self.assertEqual(self.realm.asked, [ANONYMOUS])
        self.clock.advance(3600)
        self.assertFalse(self.transport.disconnected)
        self.send(self.drip * 2000)
        self.assertTrue(self.transport.disconnected)
        self.drop()

    @given(strategies.lists(strategies.sampled_from(TOKENS)))
    def test_weigh(self, tokens: list[bytes]) -> None:
        """
        Whatever objects come, they count for more than they take.
        """
        data = MANY + b"".join(tokens)
        connection: Any = _pb.makeFactory(Portal(None)).buildProtocol(None)
        broker = connection.wrappedProtocol
        broker.makeConnection(StringTransport())
        broker.currentDialect = b"pb"
        broker.dataReceived(data)
        held = size(broker.listStack) + size(broker.buffer)
        self.assertLess(held, 256 + connection.weigh(data))
        broker.connectionLost(Failure(ConnectionLost()))


def size(value: Any) -> int:
    """
    Measure an object with all that it holds, in bytes.
    """
    parts = value if isinstance(value, (list, tuple)) else ()
    return sys.getsizeof(value) + sum(size(part) for part in parts)


class TCPTransport(StringTransport):
    """
    A transport as TLS has it below.
    """

    def setTcpNoDelay(self, enabled: bool) -> None:
        """
        It is all the same.
        """


class TLSTests(SynchronousTestCase):
    """
    Tests for connections by TLS.
    """

    def test_noHTTP2(self) -> None:
        """
        HTTP/2, in which a few bytes stand for many, isn't offered.
        """
        factory: Any = _http.makeFactory(Portal(None))
        self.assertTrue(IProtocolNegotiationFactory.providedBy(factory))
        self.assertEqual(factory.acceptableProtocols(), [b"http/1.1"])

    def test_halfOpen(self) -> None:
        """
        Over each protocol a client that begins to speak TLS, and never gets so far that
        it could log in, is disconnected as soon as any other.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate, key = Authority(folder).certify("server")
        context = DefaultOpenSSLContextFactory(str(key), str(certificate))
        for module in (_pop3, _imap4, _pb, _http):
            clock = Clock()
            factory = module.makeFactory(Portal(None), reactor=clock)
            tls = TLSMemoryBIOFactory(context, False, factory, clock)
            protocol = tls.buildProtocol(None)
            transport = TCPTransport()
            protocol.makeConnection(transport)
            # The beginning of a record of the handshake, whose content never ends.
            protocol.dataReceived(b"\x16\x03\x01\x3f\xff\x01")
            for _ in range(LOGIN_TIMEOUT):
                self.assertFalse(transport.disconnected)
                protocol.dataReceived(b"x")
                clock.advance(1)
            self.assertTrue(transport.disconnected)
            protocol.connectionLost(Failure(ConnectionLost()))


class ServerLimitTests(ServerTests, SynchronousTestCase):
    """
    Tests for the example server as it is run.
    """

    def test_flood(self) -> None:
        """
        Clients that flood it over any protocol are disconnected, with a line in the
        log for each; meanwhile others log in, and put in mail that is larger than what
        one could send before.
        """
        server = self.start(self.passwords(alice="sesame"))
        for name, flood in {
            "pop3": b"CAPA\r\n",
            "imap": b"1 CAPABILITY\r\n",
            "pb": b"\x02\x82pb" + MANY + b"\x80" * 1000,
            "http": b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        }.items():
            self.assertDisconnects(server.ports[name], flood)
        client = server.inbox()
        letter = LETTER + b"x" * 4 * MOST + b"\r\n"
        self.assertEqual(client.append("INBOX", r"(\Seen)", "", letter)[0], "OK")
        content: Any = client.fetch("2", "(BODY.PEEK[])")[1][0]
        self.assertEqual(len(content[1]), len(letter))
        hangUp(client)
        self.assertIn("Tea", server.http("alice", "sesame"))
        server.stop()
        said = "Disconnected: 127.0.0.1: too much was sent before a login"
        self.assertEqual(server.log.count(said), 4)
        self.assertNotIn("Traceback", server.log)

    def assertDisconnects(self, port: int, flood: bytes) -> None:
        """
        Assert that a client is disconnected that goes on sending.
        """
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        with client, self.assertRaises(ConnectionError):
            while True:
                client.sendall(flood)
