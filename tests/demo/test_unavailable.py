"""
Tests for what users are told while the store can't be used, by L{mycred.demo._pb},
L{mycred.demo._ssh}, L{mycred.demo._mailpage}, L{mycred.demo._commandlines} and
L{mycred.demo._imap4._connection}; in each protocol's words, and without a line in the log
for each user.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from mycred.demo._imap4 import Account
from mycred.demo._imap4._messages import IMAP4Connection
from mycred.demo._mailpage import MailboxPage
from mycred.demo._mailstore import Mailbox, Message, StoreService
from mycred.demo._pb import Correspondent, TryLater
from mycred.demo._pop3 import MailDrop
from mycred.demo._pop3dialogue import POP3Dialogue
from mycred.demo._smtp import Outbox
from mycred.demo._smtp._submission import Submission
from mycred.demo._ssh import MailUser
from mycred.testing import HandReactor


class UnavailableTests(SynchronousTestCase):
    """
    Tests with a user who had logged in before.
    """

    def setUp(self) -> None:
        path = Path(self.mktemp())
        path.write_text("This is no database. " * 100)
        self.store = StoreService(str(path), reactor=HandReactor(running=False))
        self.store.startService()
        self.addCleanup(self.store.stopService)
        with capturedLogs() as events:
            self.store.flags(b"alice").addErrback(lambda _: None)
        self.assertIn("The store failed", str(formatEvent(events[-1])))
        self.mailbox = Mailbox(b"alice", 1, 2, [Message(1, 3, 0.0)])
        # From now on the log has said it.
        catching = capturedLogs()
        self.events = catching.__enter__()
        self.addCleanup(catching.__exit__, None, None, None)
        self.addCleanup(lambda: self.assertEqual(self.events, []))

    def say(self, protocol: Any, *lines: bytes) -> list[bytes]:
        """
        Send commands to a dialogue, and return the answers.
        """
        transport = StringTransport()
        protocol.makeConnection(transport)
        for line in lines:
            protocol.dataReceived(line + b"\r\n")
        answers = transport.value().split(b"\r\n")[:-1]
        protocol.setTimeout(None)
        return answers

    def test_pb(self) -> None:
        """
        Over Perspective Broker it is an error of its own.
        """
        user = Correspondent(self.store, self.mailbox, None)
        for call in (
            user.perspective_list(),
            user.perspective_read(1),
            user.perspective_send(b"bob", b"Tea"),
        ):
            error: Any = self.failureResultOf(call, TryLater).value
            self.assertIsInstance(error, pb.Error)
            self.assertNotIn("database", str(error))

    def test_ssh(self) -> None:
        """
        Over SSH it is the status 75.
        """
        user = MailUser(self.store, self.mailbox, None)
        status, said = self.successResultOf(user.run(b"read 1"))
        self.assertEqual((status, said), (75, "Temporarily unavailable\n"))

    def test_http(self) -> None:
        """
        Over HTTP it is 503.
        """
        for uri in (b"/", b"/1"):
            request: Any = DummyRequest([b""])
            request.method, request.uri = b"GET", uri
            request.isSecure = lambda: False
            MailboxPage(self.store, self.mailbox, None).render(request)
            self.assertEqual(request.responseCode, 503)

    def test_pop3(self) -> None:
        """
        Over POP3 it is SYS/TEMP.
        """
        drop = MailDrop(self.store, self.mailbox, None)
        commands = (b"RETR 1", b"DELE 1", b"QUIT")
        failing, marked, leaving = self.say(POP3Dialogue(drop), *commands)
        self.assertEqual(failing, b"-ERR [SYS/TEMP] Try again later")
        self.assertEqual((marked[:3], leaving), (b"+OK", failing))

    def test_pop3Unchanged(self) -> None:
        """
        Over POP3, leaving without having removed anything takes no store.
        """
        drop = MailDrop(self.store, self.mailbox, None)
        [leaving] = self.say(POP3Dialogue(drop), b"QUIT")
        self.assertEqual(leaving[:3], b"+OK")

    def test_smtp(self) -> None:
        """
        Over SMTP it is 451.
        """
        outbox = Outbox(self.store, self.mailbox, None)
        protocol = Submission(outbox, b"localhost", b"client")
        commands = (b"MAIL FROM:<alice@localhost>", b"RCPT TO:<bob@localhost>")
        _, refused = self.say(protocol, *commands)
        self.assertEqual(refused[:4], b"451 ")

    def test_imap(self) -> None:
        """
        Over IMAP4 it is UNAVAILABLE.
        """
        account = Account(self.store, self.mailbox, None)
        [said] = self.say(IMAP4Connection(account), b"1 SELECT INBOX")
        self.assertEqual(said, b"1 NO [UNAVAILABLE] Try again later")
