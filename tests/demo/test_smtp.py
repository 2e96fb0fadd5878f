"""
Tests for the submission of mail: L{mycred.demo._smtp._submission},
L{mycred.demo._smtp._connection} and L{mycred.demo._smtp._outbox}, with
L{mycred.demo._mailstore._store} and L{mycred.demo._mailstore._mailbox}.
"""

from __future__ import annotations

import shutil
import smtplib
import sqlite3
from pathlib import Path
from typing import Any
from weakref import ref

from hypothesis import given, strategies as st

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from mycred.demo._mailstore import (
    MOST_OCTETS,
    MailboxFull,
    Message,
    NoSuchUser,
    StoreService,
)
from mycred.demo._smtp import Outbox
from mycred.demo._smtp._outbox import MOST_DATA, Elsewhere
from mycred.demo._smtp._paths import Address
from mycred.demo._smtp._submission import MOST_RECIPIENTS, Submission

from ..kit.server import PATIENCE, Server, ServerTests

LETTER = b"Subject: Tea\r\n\r\n.Hello\r\n"
WIRE = LETTER.replace(b"\r\n.", b"\r\n..") + b".\r\n"
ENVELOPE = b"MAIL FROM:<alice@localhost>\r\nRCPT TO:<bob@localhost>\r\n"


class SlowOutbox:
    """
    An avatar that delivers when the test says so.

    @ivar sent: the recipients and the message, of each.
    @ivar waiting: the Deferred of the last delivery.
    @ivar found: what is answered of a recipient; itself if L{None}.
    """

    user = b"alice"

    def __init__(self) -> None:
        self.sent: list[tuple[list[bytes], bytes]] = []
        self.found: Deferred[bytes] | None = None
        self.sizes: list[int] = []

    def recipient(self, address: Address, size: int) -> Deferred[bytes]:
        """
        Find a user.
        """
        self.sizes.append(size)
        return succeed(address.local) if self.found is None else self.found

    def send(self, users: list[bytes], content: bytes) -> Deferred[Any]:
        """
        Begin to deliver.
        """
        self.sent.append((users, content))
        self.waiting: Deferred[Any] = Deferred()
        return self.waiting


class SubmissionTests(SynchronousTestCase):
    """
    Tests for L{Submission}.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.avatar = SlowOutbox()
        self.protocol = Submission(self.avatar, b"here", b"unknown")
        self.protocol.callLater = self.clock.callLater  # type: ignore[method-assign]
        peer = IPv4Address("TCP", "127.0.0.1", 1025)
        self.transport = StringTransport(peerAddress=peer)
        self.protocol.makeConnection(self.transport)

    def tearDown(self) -> None:
        self.drop()

    def drop(self) -> None:
        """
        Lose the connection.
        """
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def say(self, data: bytes) -> list[bytes]:
        """
        Send something.

        @return: the lines of the answer.
        """
        self.transport.clear()
        self.protocol.dataReceived(data)
        return self.transport.value().split(b"\r\n")[:-1]

    def assertSaid(self, data: bytes, *codes: bytes) -> None:
        """
        Assert what answers come at once.
        """
        said = self.say(data)
        self.assertEqual(len(said), len(codes), said)
        for line, code in zip(said, codes):
            self.assertEqual(line[: len(code)], code)

    def test_delivered(self) -> None:
        """
        A message is answered when it is stored, with headers before it that say who has
        sent it.
        """
        self.assertSaid(b"EHLO client\r\n" + ENVELOPE, *[b"250"] * 7)
        self.assertSaid(b"DATA\r\n", b"354")
        self.assertSaid(WIRE)
        [(users, content)] = self.avatar.sent
        self.assertEqual(users, [b"bob"])
        self.assertTrue(content.startswith(b"Return-Path: <alice@localhost>\r\n"))
        self.assertIn(b"Received: from client ([127.0.0.1])", content)
        self.assertIn(b"(authenticated as alice)", content)
        self.assertTrue(content.endswith(b"\r\n" + LETTER))
        self.transport.clear()
        self.avatar.waiting.callback(None)
        self.assertEqual(self.transport.value()[:9], b"250 2.0.0")

    def test_pipelined(self) -> None:
        """
        What is sent behind a message waits until it is stored: a client that leaves at
        once knows what has become of it.
        """
        said = self.say(ENVELOPE + b"DATA\r\n" + WIRE + b"NOOP\r\nQUIT\r\n")
        self.assertEqual([line[:3] for line in said], [b"250", b"250", b"354"])
        self.assertEqual(self.transport.producerState, "paused")
        self.transport.clear()
        self.avatar.waiting.callback(None)
        said = self.transport.value().split(b"\r\n")
        self.assertEqual([line[:9] for line in said[:3]][:2], [b"250 2.0.0"] * 2)
        self.assertEqual(said[2][:9], b"221 2.0.0")
        self.assertTrue(self.transport.disconnecting)

    def test_bytewise(self) -> None:
        """
        It makes no difference in what pieces it comes.
        """
        data = ENVELOPE + b"DATA\r\n" + WIRE + b"NOOP\r\n"
        for start in range(len(data)):
            self.protocol.dataReceived(data[start : start + 1])
        [(_, content)] = self.avatar.sent
        self.assertTrue(content.endswith(LETTER))
        self.transport.clear()
        self.avatar.waiting.callback(None)
        self.assertEqual(self.transport.value().count(b"250 2.0.0"), 2)

    def test_lost(self) -> None:
        """
        Of a message whose client goes in the middle of it nothing is delivered, and
        nothing stays in memory.
        """
        self.say(ENVELOPE + b"DATA\r\n" + WIRE[:-1])
        reader = ref(self.protocol._reader)
        self.drop()
        self.assertEqual(self.avatar.sent, [])
        self.assertIsNone(reader())

    def test_slowStore(self) -> None:
        """
        A client that waits for the store isn't idle, however long it takes: it would send
        the message again.
        """
        self.say(ENVELOPE + b"DATA\r\n" + WIRE)
        self.clock.advance(Submission.timeOut)
        self.clock.advance(Submission.timeOut)
        self.assertFalse(self.transport.disconnecting)
        self.transport.clear()
        self.avatar.waiting.callback(None)
        self.assertEqual(self.transport.value()[:9], b"250 2.0.0")

    def test_idle(self) -> None:
        """
        One that sends nothing is told that it is disconnected, also in the middle of a
        message.
        """
        self.say(ENVELOPE + b"DATA\r\n" + WIRE[:-1])
        self.transport.clear()
        self.clock.advance(Submission.timeOut)
        self.assertEqual(self.transport.value()[:9], b"421 4.4.2")
        self.assertTrue(self.transport.disconnecting)
        self.protocol.dataReceived(WIRE[-1:])
        self.assertEqual(self.avatar.sent, [])

    def test_failures(self) -> None:
        """
        What keeps a message from being stored is told with a code that says whether to
        try again; of a failing store the log knows.
        """
        for error, code in (
            (MailboxFull("secret"), b"452 4.2.2"),
            (NoSuchUser("secret"), b"550 5.1.1"),
            (sqlite3.OperationalError("secret: disk is full"), b"451 4.3.0"),
            (ZeroDivisionError("secret"), b"451 4.3.0"),
        ):
            self.say(ENVELOPE + b"DATA\r\n" + WIRE)
            self.transport.clear()
            self.avatar.waiting.errback(error)
            said = self.transport.value()
            self.assertEqual(said[:9], code)
            self.assertNotIn(b"secret", said)
        logged = self.flushLoggedErrors(sqlite3.Error, ZeroDivisionError)
        self.assertEqual(len(logged), 2)

    def test_recipients(self) -> None:
        """
        A recipient who gets no mail is refused, and the others get the message.
        """
        self.say(b"MAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\n")
        for error, code in (
            (MailboxFull("x"), b"452 4.2.2"),
            (NoSuchUser("x"), b"550 5.1.1"),
            (Elsewhere("x"), b"550 5.7.1"),
        ):
            self.avatar.found = Deferred()
            self.avatar.found.errback(error)
            self.assertSaid(b"RCPT TO:<carol@localhost>\r\n", code)
        self.avatar.found = None
        self.say(b"DATA\r\n" + WIRE)
        self.assertEqual(self.avatar.sent[0][0], [b"bob"])
        self.avatar.waiting.callback(None)

    def test_manyRecipients(self) -> None:
        """
        A message has a hundred recipients at the most.
        """
        self.say(b"MAIL FROM:<>\r\n")
        for _ in range(MOST_RECIPIENTS):
            self.assertSaid(b"RCPT TO:<bob@localhost>\r\n", b"250 2.1.5")
        self.assertSaid(b"RCPT TO:<bob@localhost>\r\n", b"452 4.5.3")

    def test_nobody(self) -> None:
        """
        Without a sender and a recipient there is no message, and no answer that would
        have the client send one.
        """
        for before in (b"", b"MAIL FROM:<>\r\n", ENVELOPE + b"RSET\r\n"):
            self.say(before)
            self.assertSaid(b"DATA\r\n", b"503 5.5.1")
        self.assertSaid(b"RSET\r\nRCPT TO:<bob>\r\n", b"250", b"503 5.5.1")
        for again in (b"EHLO x\r\n", b"HELO x\r\n"):
            self.say(ENVELOPE + again)
            self.assertSaid(b"DATA\r\n", b"503 5.5.1")
        # What belongs to one message doesn't to the next.
        self.say(ENVELOPE + b"DATA\r\n" + WIRE)
        self.avatar.waiting.callback(None)
        self.assertSaid(b"DATA\r\n", b"503 5.5.1")
        self.assertSaid(ENVELOPE + b"MAIL FROM:<>\r\n", b"250", b"250", b"503 5.5.1")

    def test_parameters(self) -> None:
        """
        The parameters of the extensions are taken, others refused; a message that is
        announced to be too large is refused before it is sent.
        """
        mail = b"MAIL FROM:<a@b>"
        for parameters in (b" SIZE=1 BODY=8BITMIME AUTH=<>", b" body=7bit", b" SIZE=0"):
            self.assertSaid(mail + parameters + b"\r\nRSET\r\n", b"250 2.1.0", b"250")
        for parameters, code in (
            (b" SIZE=%d" % (MOST_DATA + 1), b"552 5.3.4"),
            (b" SIZE=x", b"501 5.5.4"),
            (b" SIZE", b"501 5.5.4"),
            (b" SIZE=" + b"9" * 21, b"501 5.5.4"),
            (b" SIZE=\xb2", b"501 5.5.4"),
            (b" BODY=BINARYMIME", b"555 5.5.4"),
            (b" SMTPUTF8", b"555 5.5.4"),
        ):
            self.assertSaid(mail + parameters + b"\r\n", code)
        self.say(mail + b" SIZE=500\r\n")
        self.assertSaid(b"RCPT TO:<bob> NOTIFY=NEVER\r\n", b"555 5.5.4")
        self.assertSaid(b"RCPT TO:<>\r\n", b"501 5.1.3")
        self.say(b"RCPT TO:<bob>\r\n")
        self.assertGreater(self.avatar.sizes[-1], 500)

    def test_refusedData(self) -> None:
        """
        A message that can't be taken is read to its end and thrown away, and the
        connection goes on.
        """
        large = b"x" * 998 + b"\r\n"
        large *= MOST_DATA // len(large) + 1
        for data, code in (
            (large, b"552 5.3.4"),
            (b"a\rb\r\n", b"554 5.6.0"),
            (b"x" * 5000 + b"\r\n", b"554 5.6.0"),
            (b"x" * 50000 + b"\r\n", b"554 5.6.0"),
        ):
            self.say(ENVELOPE + b"DATA\r\n")
            self.assertSaid(data + b".\r\nNOOP\r\n", code, b"250 2.0.0")
        self.assertEqual(self.avatar.sent, [])

    def test_noHeaders(self) -> None:
        """
        A text without headers is no header.
        """
        self.say(ENVELOPE + b"DATA\r\nHello\r\n.\r\n")
        self.assertIn(b"\r\n\r\nHello\r\n", self.avatar.sent[0][1])
        self.avatar.waiting.callback(None)

    def test_others(self) -> None:
        """
        Each other command has its answer, with arguments and without.
        """
        for line, code in (
            (b"NOOP", b"250 2.0.0"),
            (b"NOOP x", b"250 2.0.0"),
            (b"HELP", b"214 2.0.0"),
            (b"VRFY bob", b"252 2.1.5"),
            (b"AUTH PLAIN", b"503 5.5.1"),
            (b"STARTTLS", b"503 5.5.1"),
            (b"EXPN list", b"500 5.5.2"),
            (b"BDAT 1", b"500 5.5.2"),
            (b"__init__", b"500 5.5.2"),
            (b"", b"500 5.5.2"),
            (b"\xff\x00", b"500 5.5.2"),
            (b"MAIL", b"501 5.5.4"),
            (b"MAIL TO:<x>", b"501 5.5.4"),
            (b"MAIL FROM:x", b"501 5.5.4"),
            (b"EHLO", b"501 5.5.4"),
            (b"DATA x", b"501 5.5.4"),
            (b"RSET x", b"501 5.5.4"),
        ):
            with self.subTest(line=line):
                self.assertSaid(line + b"\r\n", code)

    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
                st.sampled_from([*ENVELOPE.split(b"\r\n"), b"DATA", b".", b"RSET"]),
            )
        )
    )
    def test_anything(self, lines: list[bytes]) -> None:
        """
        Whatever lines come, each answer has a code, and nothing is logged as a defect.
        """
        self.drop()
        self.setUp()
        data = b"".join(line + b"\r\n" for line in lines)
        for line in self.say(data + b"\r\n.\r\nNOOP\r\n"):
            self.assertRegex(line, rb"^[2-5][0-9][0-9][ -]")
        self.assertEqual(self.flushLoggedErrors(), [])


class StoreTests(TestCase):
    """
    Tests for L{Outbox} and the store.
    """

    @inlineCallbacks
    def setUp(self) -> Any:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.store = StoreService(str(folder / "mail.sqlite"))
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.told: list[tuple[bytes, Message]] = []
        for user in (b"alice", b"bob", b"carol@example.org"):
            mailbox = yield self.store.mailbox(user)
            self.store.watch(
                user, mailbox.uidNext, lambda m, user=user: self.told.append((user, m))
            )
        self.outbox = Outbox(self.store, mailbox, None)

    @inlineCallbacks
    def counts(self) -> Any:
        """
        Count the messages of each user.
        """
        counts = []
        for user in (b"alice", b"bob", b"carol@example.org"):
            mailbox = yield self.store.mailbox(user)
            counts.append(len(mailbox.messages))
        return counts

    @inlineCallbacks
    def test_addresses(self) -> Any:
        """
        An address is that of the user of its name, or of the name before C{@localhost}.
        """
        for local, domain, user in (
            (b"bob", b"", b"bob"),
            (b"bob", b"LocalHost", b"bob"),
            (b"carol", b"example.org", b"carol@example.org"),
            (b"carol", b"Example.ORG", b"carol@example.org"),
            (b"carol@example.org", b"localhost", b"carol@example.org"),
        ):
            found = yield self.outbox.recipient(Address(local, domain), 1)
            self.assertEqual(found, user)

    @inlineCallbacks
    def test_nobody(self) -> Any:
        """
        Nobody else's mail is taken: neither for other servers' users of the same name,
        nor for those who have never logged in; asking makes no mailbox.
        """
        for local, domain, error in (
            (b"bob", b"example.org", Elsewhere),
            (b"bob", b"[127.0.0.1]", Elsewhere),
            (b"dave", b"localhost", NoSuchUser),
            (b"Bob", b"localhost", NoSuchUser),
            (b"carol", b"localhost", NoSuchUser),
            (b"", b"localhost", NoSuchUser),
        ):
            for _ in range(2):
                finding = self.outbox.recipient(Address(local, domain), 1)
                yield self.assertFailure(finding, error)

    @inlineCallbacks
    def test_room(self) -> Any:
        """
        Who has no room for a message of its size isn't taken as a recipient.
        """
        finding = self.outbox.recipient(Address(b"bob", b""), MOST_OCTETS)
        yield self.assertFailure(finding, MailboxFull)

    @inlineCallbacks
    def test_all(self) -> Any:
        """
        All recipients get a message, each once, and are told.
        """
        yield self.outbox.send([b"alice", b"bob", b"alice"], LETTER)
        self.assertEqual((yield self.counts()), [2, 2, 1])
        self.assertEqual([user for user, _ in self.told], [b"alice", b"bob"])
        content = yield self.store.content(b"bob", self.told[1][1].uid)
        self.assertEqual(content, LETTER.replace(b"\r\n", b"\n"))

    @inlineCallbacks
    def test_none(self) -> Any:
        """
        If one of them can't get it, none does, and none is told: a client that sends it
        again doesn't send it twice.
        """
        large = b"x" * (MOST_OCTETS // 4 - 1000)
        for _ in range(4):
            yield self.outbox.send([b"bob"], large)
        before, self.told[:] = (yield self.counts()), []
        for users, error in (
            ([b"alice", b"bob"], MailboxFull),
            ([b"alice", b"nobody"], NoSuchUser),
        ):
            yield self.assertFailure(self.outbox.send(users, large), error)
        self.assertEqual((yield self.counts()), before)
        self.assertEqual(self.told, [])

    @inlineCallbacks
    def test_watcherFails(self) -> Any:
        """
        A message is delivered though telling one of them fails, and the others are told.
        """

        def fail(message: Message) -> None:
            raise ZeroDivisionError

        self.store.watch(b"alice", 2, fail)
        yield self.outbox.send([b"alice", b"bob"], LETTER)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual([user for user, _ in self.told], [b"alice", b"bob"])


class FullDiskTests(ServerTests, SynchronousTestCase):
    """
    Tests with a server whose store can't grow.
    """

    def test_full(self) -> None:
        """
        A letter for which there is no room on the disk is refused for now, and nobody has
        a part of it; a small one that fits in is delivered, and mail can be read.
        """
        prlimit = shutil.which("prlimit")
        if prlimit is None:
            raise SkipTest("install util-linux")
        names = ["pop3", "smtp"]
        server = Server(
            self.options([self.passwords(alice="sesame", bob="tulip")], names, ""),
            names,
            under=(prlimit, "--fsize=1000000"),
        )
        self.addCleanup(server.stop)
        server.pop3("bob", "tulip").quit()
        client = smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE)
        self.addCleanup(client.close)
        client.login("alice", "sesame")
        users = ["alice@localhost", "bob@localhost"]
        refused = self.assertRaises(
            smtplib.SMTPDataError,
            client.sendmail,
            users[0],
            users,
            LETTER + b"x\r\n" * 300000,
        )
        self.assertEqual(refused.smtp_code, 451)
        client.sendmail(users[0], users, LETTER)
        client.quit()
        for name, password in (("alice", "sesame"), ("bob", "tulip")):
            mailbox = server.pop3(name, password)
            self.assertEqual(mailbox.stat()[0], 2)
            mailbox.quit()
        server.stop()
        self.assertIn("The store failed", server.log)
