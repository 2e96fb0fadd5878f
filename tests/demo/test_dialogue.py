"""
Tests for L{mycred.demo._dialogue} with the protocols that are made of it.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.mail import imap4, pop3
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo import _imap4, _pop3, _smtp
from mycred.demo._dialogue import Dialogue
from mycred.portal import Portal

from ..kit.sessions import Realm, localTransport, makeChecker


@implementer(imap4.IAccount)
class SlowAccount(imap4.MemoryAccount):
    """
    An account whose folders take their time.
    """

    def __init__(self) -> None:
        super().__init__("alice")
        self.waiting: Deferred[Any] = Deferred()

    def select(self, name: str, readwrite: bool = True) -> Deferred[Any]:
        """
        Begin to open a folder.
        """
        return self.waiting


@implementer(pop3.IMailbox)
class SlowMailDrop(pop3.Mailbox):
    """
    A mailbox whose messages take their time.
    """

    def __init__(self) -> None:
        self.waiting: Deferred[Any] = Deferred()

    def listMessages(self, index: int | None = None) -> Any:
        """
        List one message.
        """
        return [3] if index is None else 3

    def getMessage(self, index: int) -> Deferred[Any]:
        """
        Begin to load it.
        """
        return self.waiting


class SlowOutbox:
    """
    An outbox whose recipients take time to find.
    """

    def __init__(self) -> None:
        self.waiting: Deferred[Any] = Deferred()

    def recipient(self, *_: object) -> Deferred[Any]:
        """
        Begin to find one.
        """
        return self.waiting


class DialogueTests:
    """
    What is the same for all protocols.

    @cvar makeFactory: how the example server makes the factory.
    @cvar makeAvatar: make an avatar whose work takes time.
    @cvar lines: what a client sends to log in.
    @cvar slow: a command that takes time.
    @cvar quick: one that takes none.
    @cvar goodbye: what a client says before it leaves.
    @cvar idle: how long a client may be idle, in seconds.
    @cvar good: what is in the answer to the latter two, and not to the first.
    """

    good = b"OK"

    makeFactory: Any
    makeAvatar: Any
    lines: bytes
    slow: bytes
    quick: bytes
    goodbye: bytes
    idle: int

    def setUp(self: Any) -> None:
        self.clock = Clock()
        self.avatar = self.makeAvatar()
        portal = Portal(Realm(lambda: self.avatar), [makeChecker()])
        factory = self.makeFactory(portal, reactor=self.clock)
        self.protocol = factory.buildProtocol(None)
        self.transport = localTransport()
        self.protocol.makeConnection(self.transport)
        self.protocol.dataReceived(self.lines)
        self.transport.clear()

    def tearDown(self: Any) -> None:
        self.drop()

    def drop(self: Any) -> None:
        """
        Lose the connection.
        """
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionLost()))
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_pieces(self: Any) -> None:
        """
        Over TCP the pieces of an answer don't wait for acknowledgments; a socket that
        only looks like TCP's is served, too.
        """

        @implementer(ITCPTransport)
        class Transport(StringTransport):
            error: type[Exception] | None = None
            isNoDelay = False

            def setTcpNoDelay(self, enabled: bool) -> None:
                if self.error is not None:
                    raise self.error
                self.isNoDelay = enabled

        for error in (None, OSError):
            transport: Any = Transport()
            transport.error = error
            dialogue = Dialogue(None)
            dialogue.timeOut = self.idle
            dialogue.callLater = self.clock.callLater
            dialogue.makeConnection(transport)
            self.assertEqual(transport.isNoDelay, error is None)
            self.assertIs(transport.producer, dialogue)
            dialogue.connectionLost()

    def test_full(self: Any) -> None:
        """
        A client that doesn't read what is answered is not read from, until it does.
        """
        producer: Any = self.transport.producer
        producer.pauseProducing()
        self.assertEqual(self.transport.producerState, "paused")
        self.protocol.dataReceived(self.quick * 9)
        self.assertEqual(self.transport.value(), b"")
        producer.resumeProducing()
        self.assertEqual(self.transport.value().count(self.good), 9)
        self.assertEqual(self.transport.producerState, "producing")

    def test_idle(self: Any) -> None:
        """
        A client that doesn't read for as long as it may be idle is disconnected, and what
        it hasn't read is thrown away.
        """
        producer: Any = self.transport.producer
        producer.pauseProducing()
        self.clock.advance(self.idle - 1)
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)

    def test_reads(self: Any) -> None:
        """
        One that reads, if slowly, isn't idle.
        """
        producer: Any = self.transport.producer
        for _ in range(3):
            producer.pauseProducing()
            self.clock.advance(self.idle - 1)
            producer.resumeProducing()
        self.assertFalse(self.transport.disconnecting)

    def test_leaves(self: Any) -> None:
        """
        A client that leaves, and doesn't read the rest, isn't waited for without end.
        """
        self.protocol.dataReceived(self.goodbye + self.quick)
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.transport.value().count(self.good), 1)
        # TLS waits for producers.
        self.assertIsNone(self.transport.producer)
        self.clock.advance(self.idle)
        self.assertTrue(self.transport.disconnected)

    def test_busy(self: Any) -> None:
        """
        While a command is carried out the next one isn't read from the network; whether
        the client then stays or goes is no error.
        """
        self.protocol.dataReceived(self.slow + self.quick)
        self.assertEqual(self.transport.producerState, "paused")
        self.assertEqual(self.transport.value(), b"")
        self.avatar.waiting.callback(None)
        self.assertEqual(self.transport.value().count(self.good), 1)
        self.assertEqual(self.transport.producerState, "producing")

    def test_gone(self: Any) -> None:
        """
        What comes of a command when the client has gone is no error.
        """
        self.protocol.dataReceived(self.slow + self.quick)
        self.drop()
        self.avatar.waiting.callback(None)

    def test_failure(self: Any) -> None:
        """
        A command that fails is a defect that the log knows, and the client is told so.
        """
        self.protocol.dataReceived(self.slow + self.quick)
        self.avatar.waiting.errback(ZeroDivisionError("secret"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn(b" Server error\r\n", self.transport.value())
        self.assertNotIn(b"secret", self.transport.value())
        self.assertEqual(self.transport.value().count(self.good), 1)


class POP3Tests(DialogueTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    makeFactory = staticmethod(_pop3.makeFactory)
    makeAvatar = SlowMailDrop
    lines = b"USER alice\r\nPASS sesame\r\n"
    slow = b"RETR 1\r\n"
    quick = b"NOOP\r\n"
    goodbye = b"QUIT\r\n"
    idle = 10 * 60


class SMTPTests(DialogueTests, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    makeFactory = staticmethod(_smtp.makeFactory)
    makeAvatar = SlowOutbox
    lines = b"EHLO client\r\nAUTH PLAIN AGFsaWNlAHNlc2FtZQ==\r\nMAIL FROM:<>\r\n"
    slow = b"RCPT TO:<bob@localhost>\r\n"
    quick = b"NOOP\r\n"
    goodbye = b"QUIT\r\n"
    idle = 5 * 60
    good = b" 2.0.0 "


class IMAP4Tests(DialogueTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    makeFactory = staticmethod(_imap4.makeFactory)
    makeAvatar = SlowAccount
    lines = b"0 LOGIN alice sesame\r\n"
    slow = b"1 SELECT INBOX\r\n"
    quick = b"2 NOOP\r\n"
    goodbye = b"3 LOGOUT\r\n"
    idle = 30 * 60
