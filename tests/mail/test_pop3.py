"""
Tests for L{mycred.mail._pop3}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.mail.pop3 import IMailbox
from twisted.trial.unittest import SynchronousTestCase

from mycred.mail import POP3
from tests.kit.mailservers import CertificateChecker, ScramChecker, TalkTests
from tests.kit.portals import Checker

REFUSED = b"-ERR [AUTH] "


class POP3Tests(TalkTests, SynchronousTestCase):
    """
    Tests for L{POP3}.
    """

    name = "pop3"

    def capabilities(self, *given: Any, **more: Any) -> list[bytes]:
        """
        Return the capabilities of a new connection.
        """
        first, *can, last = self.talk(*given, **more).say(b"CAPA")
        self.assertTrue(first.startswith(b"+OK"))
        self.assertEqual(last, b".")
        return can

    def test_capabilities(self) -> None:
        """
        The mechanisms that the checkers can serve are there, on one line, and what the
        codes in answers are by.
        """
        can = self.capabilities(ScramChecker())
        self.assertIn(b"SASL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", can)
        for name in (b"USER", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE", b"UIDL"):
            self.assertEqual(can.count(name), 1, name)
        self.assertNotIn(b"STLS", can)

    def test_notPrivate(self) -> None:
        """
        Where others can read passwords, there is no USER.
        """
        can = self.capabilities(ScramChecker(), host="192.0.2.1", context=object())
        self.assertIn(b"SASL SCRAM-SHA-256 SCRAM-SHA-1", can)
        self.assertNotIn(b"USER", can)
        self.assertIn(b"STLS", can)
        talk = self.talk(host="192.0.2.1")
        self.assertAnswer(talk.say(b"USER alice"), REFUSED)
        talk.server._userIs = b"alice"
        self.assertAnswer(talk.say(b"PASS sesame"), REFUSED)

    def test_nothing(self) -> None:
        """
        Where there is no mechanism, there is no line of them (RFC 2449 wants one with a
        name at least).
        """
        can = self.capabilities(CertificateChecker())
        self.assertFalse([one for one in can if one.startswith(b"SASL")])
        self.assertNotIn(b"USER", can)
        talk = self.talk(CertificateChecker())
        self.assertAnswer(talk.say(b"USER alice"), b"-ERR ")
        self.assertEqual(len(talk.say(b"AUTH")), 2)

    def test_listing(self) -> None:
        """
        AUTH alone lists the mechanisms.
        """
        lines = self.talk(ScramChecker()).say(b"AUTH")
        wanted = b"SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN .".split()
        self.assertEqual(lines[1:], wanted)

    def test_passwords(self) -> None:
        """
        USER and PASS log in, with names and passwords that have spaces in them.
        """
        asked: list[Any] = []
        talk = self.talk(authenticateUserPASS=lambda *given: asked.append(given))
        for line in (b"USER al ice", b"PASS  pa ss "):
            talk.say(line)
        self.assertEqual(asked, [(b"al ice", b" pa ss ")])
        self.flushLoggedErrors(TypeError)
        talk = self.talk()
        self.assertAnswer(talk.say(b"USER alice"), b"+OK")
        self.assertAnswer(talk.say(b"PASS tulip"), REFUSED)
        self.assertAnswer(talk.say(b"PASS sesame"), b"-ERR USER")
        talk.say(b"USER alice")
        self.assertAnswer(talk.say(b"PASS sesame"), b"+OK")
        for line in (b"USER alice", b"PASS sesame", b"AUTH PLAIN", b"STLS"):
            self.assertAnswer(talk.say(line), b"-ERR ")

    def test_mostRefused(self) -> None:
        """
        PASS and USER count as a login by SASL does.
        """
        talk = self.talk(mostRefused=2)
        talk.say(b"USER alice", b"PASS tulip")
        self.assertTrue(talk.transport.connected)
        talk.say(b"USER alice", b"PASS tulip")
        self.assertFalse(talk.transport.connected)

    def test_noApop(self) -> None:
        """
        There is no APOP, and no time stamp in the greeting.
        """
        talk = self.talk()
        self.assertNotIn(b"<", talk.greeting[0])
        said = talk.say(b"APOP alice " + b"0" * 32)
        self.assertAnswer(said, b"-ERR There is no such mechanism")

    def test_ownApop(self) -> None:
        """
        Unless the program has its own way to check it: then the time stamp can't be
        foreseen.
        """

        def authenticate(self: POP3, user: bytes, digest: bytes) -> Any:
            """
            Let everybody in.
            """
            return succeed((IMailbox, object(), lambda: None))

        self.patch(POP3, "authenticateUserAPOP", authenticate)
        talks = [self.talk(ScramChecker()) for _ in range(3)]
        self.assertEqual(len({talk.greeting[0] for talk in talks}), 3)
        self.assertIn(b" <", talks[0].greeting[0])
        self.assertAnswer(talks[0].say(b"APOP alice x"), b"+OK ")

    def test_malformed(self) -> None:
        """
        What makes no sense is answered, and doesn't end the connection.
        """
        checker = Checker(Deferred)
        talk = self.talk(checker)
        for line in (
            b"",
            b" ",
            b"\xff",
            b"STAT",
            b"__class__",
            b"CAPA x",
            b"APOP",
            b"APOP a",
            b"PASS x",
            b"AUTH PLAIN x y",
            b"\xc3\xbcSER x",
            b"TOP",
        ):
            self.assertAnswer(talk.say(line), b"-ERR ")
        self.assertEqual(checker.asked, 0)

    def test_malformedLater(self) -> None:
        """
        So is it after a login.
        """
        talk = self.talk()
        talk.say(b"USER alice", b"PASS sesame")
        for line in (b"DELE", b"DELE x", b"DELE 9", b"TOP 1", b"LIST 9", b"X", b"RETR x"):
            self.assertAnswer(talk.say(line), b"-ERR ")
        self.assertAnswer(talk.say(b"LIST 1"), b"+OK ")

    def test_defectLater(self) -> None:
        """
        A defect of the mailbox is logged, and nothing of it is sent.
        """
        talk = self.talk()
        talk.say(b"USER alice", b"PASS sesame")
        talk.server.mbox.deleteMessage = lambda _: {}["secret"]
        self.assertAnswer(talk.say(b"DELE 1"), b"-ERR [SYS/TEMP] ")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_forgets(self) -> None:
        """
        With TLS the name of the user is forgotten.
        """
        talk = self.talk(context=object())
        talk.say(b"USER alice", b"STLS")
        self.assertAnswer(talk.say(b"PASS sesame"), b"-ERR USER")

    def test_goneDuringACommand(self) -> None:
        """
        If the client leaves while a command takes time, no time-out is left of it.
        """
        talk = self.talk(schedule=lambda iterator: succeed(list(iterator)))
        talk.say(self.dialect.auth(b"PLAIN", b"\0alice\0sesame"))
        waiting: Deferred[list[int]] = Deferred()
        talk.server.mbox.listMessages = lambda: waiting
        talk.say(b"STAT")
        talk.hangUp()
        waiting.callback([5])
        self.assertEqual(self.clock.getDelayedCalls(), [])
