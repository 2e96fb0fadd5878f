"""
Tests for L{mycred.mail._imap4}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.mail.imap4 import IAccount
from twisted.trial.unittest import SynchronousTestCase

from mycred.error import UnauthorizedLogin
from mycred.mail import IMAP4Server
from tests.kit import mailservers
from tests.kit.mailservers import CertificateChecker, ScramChecker, TalkTests
from tests.kit.portals import Checker
from tests.kit.sessions import makeChecker

GOOD = b"a OK "
REFUSED = b"a NO [AUTHENTICATIONFAILED] "


class IMAP4ServerTests(TalkTests, SynchronousTestCase):
    """
    Tests for L{IMAP4Server}.
    """

    name = "imap"

    def capabilities(self, *given: Any, **more: Any) -> list[bytes]:
        """
        Return the capabilities of a new connection: those of the greeting, which are the
        same.
        """
        talk = self.talk(*given, **more)
        capability = talk.say(b"a CAPABILITY")[0].split()[2:]
        greeted = talk.greeting[0].partition(b"[CAPABILITY ")[2].partition(b"]")[0]
        self.assertEqual(greeted.split(), capability)
        return capability

    def test_capabilities(self) -> None:
        """
        The mechanisms that the checkers can serve are there, and initial responses; there
        is no STARTTLS without a context factory.
        """
        can = self.capabilities(ScramChecker())
        self.assertEqual(
            can[:6],
            b"IMAP4rev1 AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN "
            b"SASL-IR".split(),
        )
        self.assertNotIn(b"STARTTLS", can)
        self.assertNotIn(b"LOGINDISABLED", can)

    def test_notPrivate(self) -> None:
        """
        Where others can read passwords, LOGIN is disabled.
        """
        can = self.capabilities(ScramChecker(), host="192.0.2.1", context=object())
        self.assertNotIn(b"AUTH=PLAIN", can)
        self.assertIn(b"AUTH=SCRAM-SHA-256", can)
        self.assertIn(b"LOGINDISABLED", can)
        self.assertIn(b"STARTTLS", can)

    def test_noPasswords(self) -> None:
        """
        LOGIN is disabled where no checker has passwords, and unless there is a mechanism,
        too, nothing is said of initial responses.
        """
        can = self.capabilities(CertificateChecker())
        self.assertIn(b"LOGINDISABLED", can)
        self.assertNotIn(b"SASL-IR", can)

    def test_afterTLS(self) -> None:
        """
        STARTTLS adds no mechanism that no checker serves.
        """
        talk = self.talk(CertificateChecker(), context=object())
        self.assertAnswer(talk.say(b"a STARTTLS"), GOOD)
        self.assertNotIn(b"AUTH=", talk.say(b"a CAPABILITY")[0])

    def test_loggedIn(self) -> None:
        """
        After a login nothing of all that is there.
        """
        talk = self.talk(context=object())
        self.assertAnswer(talk.say(b"a LOGIN alice sesame"), GOOD)
        can = talk.say(b"a CAPABILITY")[0]
        for name in (b"AUTH=", b"STARTTLS", b"LOGINDISABLED", b"SASL-IR"):
            self.assertNotIn(name, can)
        for command in (b"STARTTLS", b"LOGIN alice sesame", b"AUTHENTICATE PLAIN"):
            self.assertAnswer(talk.say(b"a " + command), b"a BAD ")

    def test_login(self) -> None:
        """
        LOGIN takes atoms, quoted strings with what is escaped in them, and literals.
        """
        password = b'pa"ss\\w rd'
        for words in (
            [rb'alice "pa\"ss\\w rd"'],
            [rb'"alice" "pa\"ss\\w rd"'],
            [b"{5}", b"alice {10}", password],
            [b"alice {10}", password],
        ):
            talk = self.talk(Checker(lambda: None))
            asked: list[Any] = []
            talk.server.authenticateLogin = lambda *given, to=asked: to.append(given)
            talk.say(b"a LOGIN " + words[0])
            for word in words[1:]:
                talk.say(word)
            self.assertEqual(asked, [(b"alice", password)])
            self.flushLoggedErrors(TypeError)

    def test_malformedLogin(self) -> None:
        """
        What is neither is refused, and nobody is asked.
        """
        checker = Checker(Deferred)
        talk = self.talk(checker)
        for words in (
            b"",
            b" alice",
            b' "alice',
            b' "al\\ice" x',
            b' "alice""x"',
            b" alice x y",
            b" alice {x}",
            b" alice {-1}",
            b" alice {+5}",
            b" alice {99999}",
            b" alice {1_0}",
            b" {5} alice x",
        ):
            lines = talk.say(b"a LOGIN" + words)
            self.assertAnswer(lines, b"a BAD ")
        self.assertEqual(checker.asked, 0)

    def test_emptyLiteral(self) -> None:
        """
        An empty literal is waited for, as every other.
        """
        talk = self.talk()
        [said] = talk.say(b"a LOGIN alice {0}")
        self.assertTrue(said.startswith(b"+ "))
        self.assertAnswer(talk.say(b""), REFUSED)

    def test_refusedLogin(self) -> None:
        """
        LOGIN counts as a login by SASL does, and has its answers.
        """
        talk = self.talk(mostRefused=2)
        self.assertAnswer(talk.say(b"a LOGIN alice tulip"), REFUSED)
        refused, bye = talk.say(b"a LOGIN alice tulip", b"b NOOP")
        self.assertTrue(refused.startswith(REFUSED))
        self.assertTrue(bye.startswith(b"* BYE "))
        self.assertFalse(talk.transport.connected)
        talk = self.talk(host="192.0.2.1")
        self.assertAnswer(talk.say(b"a LOGIN alice sesame"), b"a NO [PRIVACYREQUIRED] ")
        talk = self.talk(CertificateChecker())
        self.assertAnswer(talk.say(b"a LOGIN alice sesame"), b"a NO ")

    def test_ownLogin(self) -> None:
        """
        A program's own way to check passwords is asked, whatever the portal can do.
        """

        class Own(IMAP4Server):
            """
            A program's server.
            """

            def authenticateLogin(self, user: bytes, passwd: bytes) -> Any:
                """
                Let everybody in.
                """
                return succeed((IAccount, object(), lambda: None))

        talk = self.talk(CertificateChecker(), authenticateLogin=None)
        own = Own()
        own.portal = talk.server.portal
        talk.server.__class__ = Own
        del talk.server.authenticateLogin
        self.assertAnswer(talk.say(b"a LOGIN alice x"), GOOD)

    def test_disabledLogin(self) -> None:
        """
        A program may say by the capabilities that nobody can log in by LOGIN.
        """

        class Disabled(IMAP4Server):
            """
            A server of such a program.
            """

            def capabilities(self) -> Any:
                """
                Return the capabilities.
                """
                return {**super().capabilities(), b"LOGINDISABLED": None}

        self.patch(mailservers, "PROTOCOLS", {"imap": Disabled})
        talk = self.talk()
        self.assertAnswer(talk.say(b"a LOGIN alice sesame"), b"a NO ")
        self.assertEqual(self.realm.names, [])

    def test_ownLoginOfInstance(self) -> None:
        """
        An instance may have its own way to log in, as a subclass may, whatever the
        checkers check.
        """
        talk = self.talk(
            CertificateChecker(),
            authenticateLogin=lambda *_: fail(UnauthorizedLogin()),
        )
        self.assertNotIn(b"LOGINDISABLED", talk.greeting[0])
        self.assertAnswer(talk.say(b"a LOGIN alice sesame"), REFUSED)

    def test_noArguments(self) -> None:
        """
        Commands of users without the arguments that they need are malformed, and no
        defects.
        """
        talk = self.talk()
        talk.say(b"a LOGIN alice sesame")
        for command in b"LIST LSUB CREATE DELETE RENAME SELECT STATUS APPEND".split():
            self.assertAnswer(talk.say(b"b " + command), b"b BAD Illegal syntax")

    def test_tags(self) -> None:
        """
        A tag that makes no sense isn't sent back.
        """
        talk = self.talk()
        for line in (b"\xff NOOP", b"+ NOOP", b"a" * 300 + b" NOOP", b"\0 NOOP", b"*"):
            self.assertAnswer(talk.say(line), b"* BAD ")

    def test_commands(self) -> None:
        """
        A command that there isn't is refused, whatever its bytes.
        """
        talk = self.talk()
        for command in (b"\xff", b"X", b"__class__", b"NOOP\0", b"\xc3\xbc"):
            self.assertAnswer(talk.say(b"a " + command), b"a BAD ")

    def test_defect(self) -> None:
        """
        A defect before a login is logged, and nothing of it is sent.
        """
        talk = self.talk()
        talk.server.mechanisms = lambda: {}["secret"]
        self.assertAnswer(talk.say(b"a CAPABILITY"), b"* BAD Server error")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_authenticateArguments(self) -> None:
        """
        AUTHENTICATE takes a mechanism, and perhaps an initial response.
        """
        talk = self.talk()
        for words in (b"", b" PLAIN x y"):
            self.assertAnswer(talk.say(b"a AUTHENTICATE" + words), b"a BAD ")

    def test_pipelined(self) -> None:
        """
        What follows a login in the same packet sees the account.
        """
        lines = self.talk().say(b"a LOGIN alice sesame", b'b LIST "" "*"', b"c LOGOUT")
        self.assertTrue(lines[0].startswith(b"a OK "))
        self.assertTrue(lines[1].startswith(b"b OK "), lines)
        self.assertTrue(lines[3].startswith(b"c OK "), lines)

    def test_timeOut(self) -> None:
        """
        An idle client is disconnected, and told so; one that has logged in later.
        """
        talk = self.talk()
        self.clock.advance(talk.server.timeOut + 1)
        self.assertTrue(talk.said()[0].startswith(b"* BYE "))
        self.assertFalse(talk.transport.connected)
        talk = self.talk(makeChecker())
        talk.say(b"a LOGIN alice sesame")
        self.clock.advance(IMAP4Server.timeOut + 1)
        self.assertTrue(talk.transport.connected)

    def test_literalBehindALogin(self) -> None:
        """
        A literal that has waited for a login is one, wherever it is cut.
        """
        lines = b"b LOGIN {3}\r\nfoo {4}\r\nb\r\nr\r\nc NOOP\r\n"
        for cut in range(len(lines)):
            waiting: Deferred[Any] = Deferred()
            answers = {b"alice": waiting, b"foo": fail(UnauthorizedLogin())}
            given: list[tuple[bytes, bytes]] = []

            def logIn(name: bytes, password: bytes, given: Any = given) -> Any:
                given.append((name, password))
                return answers[name]

            talk = self.talk(authenticateLogin=logIn)
            talk.say(b"a LOGIN alice tulip")
            talk.send(lines[:cut])
            waiting.errback(UnauthorizedLogin())
            talk.send(lines[cut:])
            self.assertEqual(given[1:], [(b"foo", b"b\r\nr")])
            self.assertTrue(talk.say(b"d NOOP")[0].startswith(b"d OK "))
