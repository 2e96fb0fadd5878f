"""
Tests for L{mycred.mail._esmtp}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.mail import smtp
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import AllowAnonymousAccess
from mycred.mail._logins import MOST_COMMANDS
from tests.kit.mailservers import (
    CertificateChecker,
    Delivery,
    Message,
    ScramChecker,
    TalkTests,
)
from tests.kit.sessions import makeChecker

MAIL = b"MAIL FROM:<alice@example.com>"


class ESMTPTests(TalkTests, SynchronousTestCase):
    """
    Tests for L{mycred.mail.ESMTP}.
    """

    name = "smtp"

    def extensions(self, *given: Any, **more: Any) -> list[bytes]:
        """
        Return the extensions of a new connection.
        """
        talk = self.talk(*given, **more)
        return [line[4:] for line in talk.say(b"EHLO localhost")[1:]]

    def test_extensions(self) -> None:
        """
        The mechanisms that the checkers can serve are there, on one line.
        """
        can = self.extensions(ScramChecker())
        self.assertEqual(can, [b"AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"])
        can = self.extensions(ScramChecker(), host="192.0.2.1", context=object())
        self.assertEqual(can, [b"AUTH SCRAM-SHA-256 SCRAM-SHA-1", b"STARTTLS"])
        self.assertEqual(self.extensions(CertificateChecker()), [])

    def test_mail(self) -> None:
        """
        Whoever has logged in sends mail; before that it isn't taken.
        """
        talk = self.talk()
        talk.say(b"EHLO localhost")
        self.assertAnswer(talk.say(MAIL), b"530 5.7.0 ")
        self.assertAnswer(talk.say(b"RCPT TO:<bob@example.com>"), b"503 ")
        talk.say(self.dialect.auth(b"PLAIN", b"\0alice\0sesame"))
        talk.say(MAIL, b"RCPT TO:<bob@example.com>", b"DATA", b"Subject: x", b"", b"y")
        self.assertAnswer(talk.say(b"."), b"250 ")
        [message] = self.realm.delivery.messages
        self.assertEqual(message[-1], b"y")

    def test_nothing(self) -> None:
        """
        A client may say that it is there, before the login and after.
        """
        talk = self.talk()
        talk.say(b"EHLO localhost")
        self.assertAnswer(talk.say(b"NOOP"), b"250 2.0.0 ")
        talk.say(self.dialect.auth(b"PLAIN", b"\0alice\0sesame"))
        self.assertAnswer(talk.say(b"NOOP again"), b"250 2.0.0 ")

    def test_anonymous(self) -> None:
        """
        Where anonymous users may send mail they needn't log in, as in Twisted.
        """
        talk = self.talk(AllowAnonymousAccess())
        talk.say(b"EHLO localhost")
        self.assertAnswer(talk.say(MAIL), b"250 ")

    def test_sequence(self) -> None:
        """
        After a login there is no other one, and no TLS.
        """
        talk = self.talk(context=object())
        talk.say(self.dialect.auth(b"PLAIN", b"\0alice\0sesame"))
        self.assertAnswer(talk.say(b"AUTH PLAIN"), b"503 5.5.1 ")
        self.assertAnswer(talk.say(b"STARTTLS"), b"503 5.5.1 ")
        self.assertNotIn(b"STARTTLS", talk.say(b"EHLO localhost")[-1])

    def test_inTransaction(self) -> None:
        """
        In the middle of a message nobody logs in (RFC 4954, section 4).
        """
        talk = self.talk(AllowAnonymousAccess(), makeChecker())
        talk.say(b"EHLO localhost", MAIL)
        login = self.dialect.auth(b"PLAIN", b"\0alice\0sesame")
        self.assertAnswer(talk.say(login), b"503 5.5.1 ")
        talk.say(b"RSET")
        self.assertAnswer(talk.say(login), self.dialect.good)

    def test_arguments(self) -> None:
        """
        AUTH takes a mechanism, and perhaps an initial response, and STARTTLS nothing.
        """
        talk = self.talk(context=object())
        for line in (b"AUTH", b"AUTH ", b"AUTH PLAIN x y", b"STARTTLS x"):
            self.assertAnswer(talk.say(line), b"501 5.5.4 ")

    def test_forgets(self) -> None:
        """
        With TLS all that the client has said before is forgotten.
        """
        talk = self.talk(AllowAnonymousAccess(), context=object())
        talk.say(b"EHLO evil", MAIL, b"STARTTLS")
        self.assertAnswer(talk.say(b"RCPT TO:<bob@example.com>"), b"503 ")
        self.assertIsNone(talk.server._helo[0])

    def test_8bit(self) -> None:
        """
        What isn't ASCII is refused, wherever it stands.
        """
        talk = self.talk(AllowAnonymousAccess(), mostRefused=100)
        talk.say(b"EHLO \xff")
        for line in (
            b"\xff",
            b"\xff\xfe x",
            b"AUTH \xff",
            b"AUTH PLAIN \xff",
            b"MAIL FROM:<\xff@x>",
            b"MAIL FROM:<x@\xc3\xbc>",
        ):
            said = talk.say(line)
            self.assertEqual(len(said), 1, line)
            self.assertIn(said[0][:1], b"5", said)

    def test_unix(self) -> None:
        """
        A client of a UNIX socket says hello, too, and may send passwords.
        """
        talk = self.talk()
        talk.transport.peerAddr = UNIXAddress("/run/smtp")
        lines = talk.say(b"EHLO localhost")
        self.assertIn(b"PLAIN", lines[-1])
        self.assertTrue(lines[-1].startswith(b"250 "))

    def test_noop(self) -> None:
        """
        Nothing is done when that is asked for, before the login and after it.
        """
        talk = self.talk()
        self.assertAnswer(talk.say(b"NOOP"), b"250 ")
        talk.say(b"EHLO localhost", self.dialect.auth(b"PLAIN", b"\0alice\0sesame"))
        self.assertTrue(talk.server.authenticated)
        self.assertAnswer(talk.say(b"noop ignored"), b"250 ")

    def test_defect(self) -> None:
        """
        A defect is logged, and answered.
        """
        talk = self.talk()
        talk.server.do_NOOP = lambda _: {}["secret"]
        self.assertAnswer(talk.say(b"NOOP"), b"451 ")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_dataDefect(self) -> None:
        """
        If a message can't be taken any more, the connection ends, for the same reason.
        """
        talk = self.talk(AllowAnonymousAccess())
        talk.say(b"EHLO localhost", MAIL, b"RCPT TO:<bob@example.com>", b"DATA")
        talk.server.state_DATA = lambda _: {}["secret"]
        self.assertAnswer(talk.say(b"x", b"RSET"), b"451 ")
        self.assertFalse(talk.transport.connected)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_dataTooLong(self) -> None:
        """
        A line of a message that is too long ends the connection: what follows it isn't
        taken for commands.
        """
        talk = self.talk(AllowAnonymousAccess())
        talk.say(b"EHLO localhost", MAIL, b"RCPT TO:<bob@example.com>", b"DATA")
        said = talk.send(b"x" * 20000 + b"\r\nRSET\r\n")
        self.assertAnswer(said, b"500 5.5.6 ")
        self.assertFalse(talk.transport.connected)
        self.assertEqual(self.realm.delivery.messages, [])

    def test_slowAnswers(self) -> None:
        """
        What is sent behind a command waits for its answer: a sender or a recipient that
        takes time to validate isn't added to what comes after STARTTLS or a login.
        """
        later = [b"STARTTLS", self.dialect.auth(b"PLAIN", b"\0alice\0sesame"), b"RSET"]
        for slow in ("validateFrom", "validateTo"):
            for line in later:
                waiting: Deferred[Any] = Deferred()
                talk = self.talk(context=object())
                delivery = talk.server.delivery = Delivery()
                setattr(delivery, slow, lambda *_, waiting=waiting: waiting)
                talk.say(b"EHLO localhost")
                talk.say(MAIL, b"RCPT TO:<mallory@example.com>", line)
                self.assertEqual(talk.transport.contexts, [])
                self.assertEqual(self.realm.names, [])
                waiting.callback(smtp.Address(b"alice@example.com"))
                said = talk.said()
                self.assertTrue(said[0].startswith(b"250 "), said)
                if line != later[1]:
                    self.assertEqual(talk.server._to, [])

    def test_slowRefusal(self) -> None:
        """
        What waits for an answer waits for all lines of it.
        """
        waiting: Deferred[Any] = Deferred()
        talk = self.talk()
        delivery = talk.server.delivery = Delivery()
        delivery.validateFrom = lambda *_: waiting  # type: ignore[method-assign]
        talk.say(MAIL, b"RSET")
        waiting.errback(smtp.SMTPServerError(550, "Not you\nGo away"))
        self.assertEqual([line[:4] for line in talk.said()], [b"550-", b"550 ", b"250 "])

    def test_slowMessage(self) -> None:
        """
        So does what is sent behind a message.
        """
        waiting: Deferred[None] = Deferred()
        talk = self.talk(AllowAnonymousAccess(), context=object())
        talk.say(b"EHLO localhost", MAIL, b"RCPT TO:<bob@example.com>", b"DATA")
        self.patch(Message, "eomReceived", lambda _: waiting)
        self.assertEqual(talk.say(b"Hi!", b".", b"STARTTLS", b"NOOP"), [])
        waiting.callback(None)
        done, begun = talk.said()
        self.assertTrue(done.startswith(b"250 "), done)
        self.assertTrue(begun.startswith(b"220 "), begun)

    def test_manyMessages(self) -> None:
        """
        A client that needn't log in may send as many messages as it likes.
        """
        talk = self.talk(AllowAnonymousAccess())
        message = [MAIL, b"RCPT TO:<bob@example.com>", b"DATA", b"Hi!", b"."]
        count = MOST_COMMANDS // 3
        talk.say(b"EHLO localhost", *message * count)
        self.assertEqual(len(self.realm.delivery.messages), count)
        self.assertTrue(talk.transport.connected)

    def test_ownCommand(self) -> None:
        """
        A command of a program's may answer in its own way: nothing waits for it.
        """
        talk = self.talk()
        talk.server.do_XOWN = lambda _: talk.transport.write(b"250 own\r\n")
        self.assertEqual(len(talk.say(b"XOWN", b"RSET", b"RSET")), 3)
