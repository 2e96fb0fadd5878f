"""
Tests for L{mycred.mail._logins}, L{mycred.mail._offers}, L{mycred.mail._reasons} and
L{mycred.mail._challengers}:
logging in by SASL, the same over each protocol.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from zope.interface import implementer

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import globalLogPublisher
from twisted.mail.imap4 import PLAINCredentials
from twisted.mail.interfaces import IChallengeResponse
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import AllowAnonymousAccess
from mycred.credentials import (
    CramMD5Credentials,
    IBearerToken,
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
    UsernamePassword,
)
from mycred.error import (
    AccountDenied,
    DenialReason,
    SASLError,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
)
from mycred.mail._logins import MOST_COMMANDS, _warnOnce
from mycred.mail._reasons import Reason
from mycred.portal import SessionPortal
from tests.kit.mailservers import (
    CertificateChecker,
    ScramChecker,
    Talk,
    TalkTests,
    TokenChecker,
    scramLogIn,
)
from tests.kit.portals import Checker, raising

GOOD = b"\0alice\0sesame"
WRONG = b"\0alice\0tulip"


@implementer(IChallengeResponse, IUsernamePassword)
class Odd(UsernamePassword):
    """
    Credentials of a program's own mechanism: a name, and then a password.

    @ivar challenges: the challenges that are still to be sent.
    """

    def __init__(self) -> None:
        super().__init__(b"", b"")
        self.challenges = [b"p" * 100, b"n"]
        self.answers: list[bytes] = []

    def getChallenge(self) -> bytes:
        """
        Return the next challenge.
        """
        return self.challenges.pop()

    def setResponse(self, response: bytes) -> None:
        """
        Take an answer.
        """
        if response == b"nonsense":
            raise ValueError("a secret")
        if response == b"bug":
            raise RuntimeError("a secret")
        self.answers.append(response)
        self.username, self.password = [*self.answers, b""][:2]

    def moreChallenges(self) -> bool:
        """
        Return whether there are more.
        """
        return bool(self.challenges)


class Strange(Throttled):
    """
    A program's own error, whose text is more than one line.
    """

    def __str__(self) -> str:
        return "Later\r\na OK"


class Own:
    """
    A portal whose logins can't be cancelled.

    @ivar waiting: its login.
    @ivar interfaces: what was asked for.
    """

    def __init__(self) -> None:
        self.waiting: Deferred[Any] = Deferred()
        self.interfaces: tuple[Any, ...] = ()

    def login(self, credentials: Any, mind: object, *interfaces: Any) -> Any:
        """
        Log in.
        """
        self.interfaces = interfaces
        return self.waiting


class LoginTests(TalkTests):
    """
    What is the same over each protocol.
    """

    def test_plain(self: Any) -> None:
        """
        PLAIN logs in, with an initial response and without; the empty challenge has its
        space.
        """
        talk = self.talk()
        self.assertAnswer(talk.say(self.dialect.auth(b"PLAIN", GOOD)), self.dialect.good)
        talk = self.talk()
        lines = talk.say(self.dialect.auth(b"plain"))
        self.assertEqual(lines, [self.dialect.begin])
        self.assertAnswer(talk.say(b64encode(GOOD)), self.dialect.good)
        self.assertEqual(self.realm.names, [b"alice", b"alice"])

    def test_login(self: Any) -> None:
        """
        LOGIN logs in, in two steps.
        """
        talk = self.talk()
        for line in (self.dialect.auth(b"LOGIN"), b64encode(b"alice")):
            [challenge] = talk.say(line)
            self.assertTrue(self.dialect.challenge(challenge))
        self.assertAnswer(talk.say(b64encode(b"sesame")), self.dialect.good)

    def test_loginEarly(self: Any) -> None:
        """
        Some clients send the name together with the command.
        """
        talk = self.talk()
        [challenge] = talk.say(self.dialect.auth(b"LOGIN", b"alice"))
        self.assertTrue(self.dialect.challenge(challenge))
        self.assertAnswer(talk.say(b64encode(b"sesame")), self.dialect.good)

    def test_sentAhead(self: Any) -> None:
        """
        Answers that a client sends without waiting for the challenges are answers, and
        what follows them is a command.
        """
        command, answer = self.dialect.idle
        lines = self.talk().say(
            self.dialect.auth(b"LOGIN"),
            b64encode(b"alice"),
            b64encode(b"sesame"),
            command,
        )
        self.assertTrue(lines[2].startswith(self.dialect.good), lines)
        self.assertTrue(lines[3].startswith(answer), lines)

    def test_scram(self: Any) -> None:
        """
        SCRAM logs in where checkers have keys for it, with an initial response and
        without, and the server's proof is right.
        """
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
            for isEarly in (True, False):
                talk = self.talk(ScramChecker())
                lines, count = scramLogIn(
                    talk, self.dialect, mechanism=mechanism, isEarly=isEarly
                )
                self.assertEqual(count, 2)
                self.assertAnswer(lines, self.dialect.good)

    def test_scramRefused(self: Any) -> None:
        """
        A wrong password and an unknown name get the same answers, as many.
        """
        known = scramLogIn(self.talk(ScramChecker()), self.dialect, "alice", "tulip")
        unknown = scramLogIn(self.talk(ScramChecker()), self.dialect, "nobody", "tulip")
        self.assertEqual(known, unknown)
        self.assertAnswer(known[0], self.dialect.refused)
        self.assertEqual(self.realm.names, [])

    def test_lastAttempt(self: Any) -> None:
        """
        A wrong password and an unknown name get the same answers at the last attempt,
        too.
        """
        answers = []
        for name in ("alice", "nobody"):
            talk = self.talk(ScramChecker(), mostRefused=1)
            answers.append(scramLogIn(talk, self.dialect, name, "tulip"))
            self.assertFalse(talk.transport.connected)
        self.assertEqual(answers[0], answers[1])

    def test_refused(self: Any) -> None:
        """
        A wrong password and an unknown name are refused by the same line.
        """
        talk = self.talk()
        wrong = talk.say(self.dialect.auth(b"PLAIN", WRONG))
        self.assertAnswer(wrong, self.dialect.refused)
        unknown = talk.say(self.dialect.auth(b"PLAIN", b"\0nobody\0sesame"))
        self.assertEqual(wrong, unknown)

    def test_actingAsAnother(self: Any) -> None:
        """
        A client that wants to act as another user is refused; as the one who logs in it
        may act.
        """
        talk = self.talk()
        lines = talk.say(self.dialect.auth(b"PLAIN", b"bob\0alice\0sesame"))
        self.assertAnswer(lines, self.dialect.refused)
        lines = talk.say(self.dialect.auth(b"PLAIN", b"alice\0alice\0sesame"))
        self.assertAnswer(lines, self.dialect.good)

    def test_cancelled(self: Any) -> None:
        """
        C{*} ends an exchange, and is no attempt to log in.
        """
        checker = Checker(Deferred)
        talk = self.talk(checker)
        talk.say(self.dialect.auth(b"PLAIN"))
        self.assertAnswer(talk.say(b"*"), self.dialect.cancelled)
        self.assertEqual(checker.asked, 0)
        command, answer = self.dialect.idle
        self.assertTrue(talk.say(command)[0].startswith(answer))

    def test_malformed(self: Any) -> None:
        """
        What is no answer ends an exchange, and is no attempt to log in: no base64, base64
        with something else in it, 8-bit characters, a command, no name.
        """
        checker = Checker(Deferred)
        talk = self.talk(checker, mostRefused=100)
        for answer in (
            b"!!!!",
            b"AGFsaWNl\0AHNlc2FtZQ==",
            b" " + b64encode(GOOD),
            b64encode(GOOD) + b" ",
            b64encode(GOOD)[:-1],
            b"\xff\xfe",
            b"=",
            b"",
            b"MAIL FROM:<alice@example.com>",
            b64encode(b"alice"),
            b64encode(b"\0\0\0\0"),
            b64encode(b"\0" + b"a" * 5000 + b"\0sesame"),
        ):
            talk.say(self.dialect.auth(b"PLAIN"))
            lines = talk.say(answer)
            self.assertEqual(len(lines), 1, answer)
            beginnings = self.dialect.malformed, self.dialect.refused
            self.assertTrue(lines[0].startswith(beginnings), (answer, lines))
        self.assertEqual(checker.asked, 0)

    def test_malformedInitial(self: Any) -> None:
        """
        So does an initial response that is none; C{*} is none.
        """
        talk = self.talk(mostRefused=100)
        for word in (b"!!!!", b"*", b"==", b"\xff", b"YQ"):
            lines = talk.say(self.dialect.auth(b"PLAIN") + b" " + word)
            self.assertEqual(len(lines), 1)
            beginnings = self.dialect.malformed, self.dialect.cancelled
            self.assertTrue(lines[0].startswith(beginnings), lines)

    def test_emptyInitial(self: Any) -> None:
        """
        C{=} is an empty initial response: the challenge isn't sent.
        """
        talk = self.talk(AllowAnonymousAccess())
        lines = talk.say(self.dialect.command + b"ANONYMOUS =")
        self.assertAnswer(lines, self.dialect.good)

    def test_unsupported(self: Any) -> None:
        """
        A mechanism that no checker serves isn't there, nor one that there isn't.
        """
        talk = self.talk(ScramChecker())
        for name in (b"CRAM-MD5", b"XYZ", b"EXTERNAL", b"SCRAM-SHA-256-PLUS", b"\xff"):
            lines = talk.say(self.dialect.auth(name))
            self.assertAnswer(lines, self.dialect.unsupported)

    def test_notPrivate(self: Any) -> None:
        """
        Passwords and tokens aren't taken where others may read them, unless the program
        says so: for the protocol, or in its factory.  Proofs are.
        """
        checkers = ScramChecker(), TokenChecker()
        clear = (b"PLAIN", b"LOGIN", b"OAUTHBEARER", b"XOAUTH2")
        talk = self.talk(*checkers, host="192.0.2.1")
        for name in clear:
            lines = talk.say(self.dialect.auth(name))
            self.assertAnswer(lines, self.dialect.unprivate)
        lines, _ = scramLogIn(talk, self.dialect)
        self.assertAnswer(lines, self.dialect.good)
        talk = self.talk(*checkers, host="192.0.2.1", allowClearText=True)
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.good)
        talk = self.talk(*checkers, host="192.0.2.1")
        talk.server.factory.allowClearText = True
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.good)

    def test_token(self: Any) -> None:
        """
        A token logs in; with a wrong one the client gets to know why, and then that it is
        refused.
        """
        talk = self.talk(TokenChecker())
        message = b"n,a=alice,\1auth=Bearer %b\1\1"
        lines = talk.say(self.dialect.auth(b"OAUTHBEARER", message % b"wrong"))
        self.assertIn(b"invalid_token", self.dialect.challenge(lines[0]))
        self.assertAnswer(talk.say(b64encode(b"\1")), self.dialect.refused)
        lines = talk.say(self.dialect.auth(b"OAUTHBEARER", message % b"token"))
        self.assertAnswer(lines, self.dialect.good)

    def test_noCertificate(self: Any) -> None:
        """
        EXTERNAL isn't there without a certificate.
        """
        talk = self.talk(CertificateChecker())
        lines = talk.say(self.dialect.auth(b"EXTERNAL", b""))
        self.assertAnswer(lines, self.dialect.unsupported)

    def test_unavailable(self: Any) -> None:
        """
        A store that can't tell now refuses nobody for ever.
        """
        talk = self.talk(Checker(lambda: fail(TemporaryFailure("the disk is full"))))
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.unavailable)
        self.assertNotIn(b"disk", lines[0])

    def test_throttled(self: Any) -> None:
        """
        Who has to wait is told for how long, by whatever mechanism: a token isn't called
        wrong, and SCRAM ends as it would otherwise.  A text that would break a line isn't
        sent.
        """
        checker = Checker(lambda: fail(Throttled(4.2)))
        checker.credentialInterfaces = IUsernamePassword, IBearerToken, IScramCredentials
        text = b"Too many failed logins; try again in 5 s"
        answer = [self.dialect.unavailable + text]
        talk = self.talk(checker)
        bearer = b"n,,\1auth=Bearer token\1\1"
        for name, message in ((b"PLAIN", GOOD), (b"OAUTHBEARER", bearer)):
            self.assertEqual(talk.say(self.dialect.auth(name, message)), answer)
        for line in (self.dialect.auth(b"LOGIN"), b64encode(b"alice")):
            talk.say(line)
        self.assertEqual(talk.say(b64encode(b"sesame")), answer)
        self.assertEqual(scramLogIn(talk, self.dialect)[0], answer)
        checker.answer = lambda: fail(Strange(5))
        [line] = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertEqual(line, self.dialect.unavailable + Reason.THROTTLED.value.encode())

    def test_throttledOften(self: Any) -> None:
        """
        A client that goes on all the same is disconnected.
        """
        talk = self.talk(Checker(lambda: fail(Throttled(5))), mostRefused=3)
        for isLast in (False, False, True):
            lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
            self.assertAnswer(lines[:1], self.dialect.unavailable)
            self.assertEqual(talk.transport.connected, not isLast)

    def test_denied(self: Any) -> None:
        """
        Whoever has the right password gets to know why it isn't enough: by the codes of
        the protocol, and in words.
        """
        dialect = self.dialect
        codes = {
            DenialReason.DISABLED: dialect.disabled,
            DenialReason.LOCKED: dialect.disabled,
            DenialReason.EXPIRED: dialect.expired,
            DenialReason.PASSWORD_EXPIRED: dialect.expired,
            DenialReason.POLICY: dialect.forbidden,
        }
        answers = set()
        for reason in DenialReason:
            talk = self.talk(Checker(lambda why=reason: fail(AccountDenied(why))))
            lines = talk.say(dialect.auth(b"PLAIN", GOOD))
            self.assertAnswer(lines, codes[reason])
            answers.update(lines)
        self.assertEqual(len(answers), 3)
        self.assertFalse([one for one in answers if b"Authentication failed" in one])

    def test_defect(self: Any) -> None:
        """
        A defect is logged, and the client isn't told of what kind it is.
        """
        talk = self.talk(Checker(raising(RuntimeError("a secret"))))
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.defect)
        self.assertNotIn(b"secret", lines[0])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_unhandled(self: Any) -> None:
        """
        A mechanism that the program offers, and that no checker serves, isn't the
        client's fault.
        """
        talk = self.talk(ScramChecker())
        self.register(talk, {b"CRAM-MD5": CramMD5Credentials})
        talk.say(self.dialect.auth(b"CRAM-MD5"))
        [said] = talk.say(b64encode(b"alice " + b"0" * 32))
        self.assertIn(b"The server can't check this", said)

    def test_otherAvatar(self: Any) -> None:
        """
        An avatar that isn't of this protocol is logged out, and the login fails.
        """
        talk = self.talk()
        left: list[object] = []
        self.realm.requestAvatar = lambda *_: ("other", object(), lambda: left.append(1))
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.defect)
        self.assertEqual(left, [1])

    def test_mostRefused(self: Any) -> None:
        """
        The connection ends after the answer to the last of so many logins without
        success, whether they were refused, malformed, cancelled or of no mechanism.
        """
        talk = self.talk(mostRefused=4)
        for initial in (WRONG, b"", None):
            self.assertAnswer(talk.say(self.dialect.auth(b"X", initial)), b"")
        self.assertTrue(talk.transport.connected)
        lines = talk.say(self.dialect.auth(b"PLAIN", WRONG), self.dialect.idle[0])
        self.assertTrue(lines[0].startswith(self.dialect.refused))
        self.assertFalse([one for one in lines if one.startswith(self.dialect.idle[1])])
        self.assertFalse(talk.transport.connected)

    def test_endlessCommands(self: Any) -> None:
        """
        A client that sends commands without end and doesn't log in is disconnected: what
        it doesn't read stays in memory.  Users go on.
        """
        idle = self.dialect.idle[0]
        talk = self.talk()
        said = talk.say(*[idle] * MOST_COMMANDS)
        self.assertTrue(talk.transport.connected)
        self.assertEqual(talk.say(idle), [])
        self.assertFalse(talk.transport.connected)
        self.assertLess(len(said), MOST_COMMANDS * 20)
        talk = self.talk()
        talk.say(self.dialect.auth(b"PLAIN", GOOD), *[idle] * (MOST_COMMANDS + 1))
        self.assertTrue(talk.transport.connected)

    def test_endlessCancels(self: Any) -> None:
        """
        A client can't begin an exchange and end it for ever.
        """
        talk = self.talk()
        for _ in range(10):
            self.assertTrue(talk.transport.connected)
            talk.say(self.dialect.auth(b"PLAIN"), b"*")
        self.assertFalse(talk.transport.connected)

    def test_waiting(self: Any) -> None:
        """
        Commands that come while a login is under way are carried out after it, in their
        order.
        """
        waiting: Deferred[bytes] = Deferred()
        talk = self.talk(Checker(lambda: waiting))
        command, answer = self.dialect.idle
        again = self.dialect.auth(b"PLAIN", GOOD)
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD), command, again)
        self.assertEqual(lines, [])
        self.assertEqual(talk.send(b"x"), [])
        waiting.callback(b"alice")
        lines = talk.said()
        self.assertTrue(lines[0].startswith(self.dialect.good))
        self.assertTrue(lines[1].startswith(answer))
        self.assertFalse(lines[-1].startswith(self.dialect.good))
        self.assertEqual(self.realm.names, [b"alice"])

    def test_tooMuchWaiting(self: Any) -> None:
        """
        A client that sends too much meanwhile is disconnected, and its login ended.
        """
        gone: list[object] = []
        talk = self.talk(Checker(lambda: Deferred(gone.append)))
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        for _ in range(2000):
            talk.say(*[self.dialect.idle[0]] * 10)
            if not talk.transport.connected:
                break
        self.assertFalse(talk.transport.connected)
        self.assertEqual(len(gone), 1)

    def test_leavingMeanwhile(self: Any) -> None:
        """
        What follows the end that the client has asked for isn't carried out.
        """
        waiting: Deferred[bytes] = Deferred()
        talk = self.talk(Checker(lambda: waiting))
        idle, _ = self.dialect.idle
        leave = b"z LOGOUT" if self.name == "imap" else b"QUIT"
        talk.say(self.dialect.auth(b"PLAIN", GOOD), leave, idle)
        talk.transport.loseConnection = talk.transport.abortConnection = lambda: setattr(
            talk.transport, "disconnecting", True
        )
        waiting.callback(b"alice")
        lines = talk.said()
        self.assertTrue(lines[0].startswith(self.dialect.good))
        self.assertIn(len(lines), (2, 3))
        del talk.transport.loseConnection

    def test_strangeText(self: Any) -> None:
        """
        A text of a checker that isn't fit for a line isn't sent.
        """
        for text in ("a\r\nb OK", "\xfc", ""):
            talk = self.talk(Checker(lambda text=text: fail(SASLError(text))))
            lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
            self.assertAnswer(lines, self.dialect.malformed + b"That makes no sense")

    def test_goneMeanwhile(self: Any) -> None:
        """
        A client that leaves during a login ends it: what the checker says later means
        nothing, and nothing is written.
        """
        gone: list[object] = []
        talk = self.talk(Checker(lambda: Deferred(gone.append)))
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        talk.hangUp()
        self.assertEqual(len(gone), 1)
        self.assertEqual(talk.said(), [])
        self.assertEqual(self.realm.names, [])

    def test_goneBeforeAvatar(self: Any) -> None:
        """
        An avatar that comes when the client has left is logged out.
        """
        talk = self.talk()
        later: Deferred[Any] = Deferred()
        request = self.realm.requestAvatar
        self.realm.requestAvatar = lambda *given: later.addCallback(
            lambda _: request(*given)
        )
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        talk.hangUp()
        later.callback(None)
        self.assertEqual(self.realm.logouts, [b"alice"])

    def test_goneBeforeAvatarOfAnother(self: Any) -> None:
        """
        So is one that comes from a portal of another class, whose logins can't be
        cancelled.
        """
        later: Deferred[Any] = Deferred()
        request = self.realm.requestAvatar
        self.realm.requestAvatar = lambda *given: later.addCallback(
            lambda _: request(*given)
        )
        portal = TwistedPortal(self.realm, [Checker(lambda: succeed(b"alice"))])
        talk = self.talk(portal=portal)
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        talk.hangUp()
        later.callback(None)
        self.assertEqual(self.realm.logouts, [b"alice"])

    def test_ended(self: Any) -> None:
        """
        The end of a connection ends the login, also if the client doesn't read what it
        was sent.
        """
        for portal in (None, Own()):
            gone: list[object] = []
            talk = self.talk(Checker(lambda gone=gone: Deferred(gone.append)))
            if portal is not None:
                talk.server.portal = portal
            talk.transport.loseConnection = lambda: None
            talk.say(self.dialect.auth(b"PLAIN", GOOD))
            self.clock.advance(3600)
            said = talk.said()
            if portal is None:
                self.assertEqual(len(gone), 1)
                self.assertTrue(said[0].startswith(self.dialect.unavailable), said)
            else:
                login = self.realm.requestAvatar(b"alice", None, *portal.interfaces)
                portal.waiting.callback(login)
                self.assertEqual(self.realm.logouts, [b"alice"])
                self.assertFalse(any(s.startswith(self.dialect.good) for s in said))
            del talk.transport.loseConnection
            talk.hangUp()

    def test_timeOut(self: Any) -> None:
        """
        A client that doesn't answer is told the same whether or not the name is known.
        """
        said = set()
        for name in (b"alice", b"nobody"):
            talk = self.talk(ScramChecker())
            talk.say(
                self.dialect.auth(b"SCRAM-SHA-256", b"n,,n=" + name + b",r=abcdefgh")
            )
            self.clock.advance(3600)
            said.add(tuple(talk.said()))
            self.assertFalse(talk.transport.connected)
        [lines] = said
        self.assertTrue(lines[0].startswith(self.dialect.unavailable), lines)

    def test_goneInTheMiddle(self: Any) -> None:
        """
        A client that leaves where it was asked something ends the login, too.
        """
        checker = ScramChecker()
        talk = self.talk(checker)
        first = b"n,,n=alice,r=abcdefgh"
        lines = talk.say(self.dialect.auth(b"SCRAM-SHA-256", first))
        self.assertTrue(self.dialect.isChallenge(lines[0]))
        talk.hangUp()
        self.assertEqual(self.realm.names, [])

    def test_loggedOut(self: Any) -> None:
        """
        The avatar is logged out once at the end of the connection.
        """
        talk = self.talk()
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertEqual(self.realm.logouts, [])
        talk.hangUp()
        self.assertEqual(self.realm.logouts, [b"alice"])

    def test_facts(self: Any) -> None:
        """
        Checkers get to know of the connection, with a portal of Twisted's, too.
        """
        checker = ScramChecker()
        talk = self.talk(checker)
        talk.server.portal = TwistedPortal(self.realm, [checker])
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        [asked] = checker.asked
        self.assertEqual(asked.service, self.name)
        self.assertEqual(asked.peer.host, "127.0.0.1")
        self.assertFalse(asked.facts.isSecure)

    def test_sessionPortal(self: Any) -> None:
        """
        A session that the program has made is the one that is used.
        """
        talk = self.talk()
        session = SessionPortal(talk.server.portal, talk.server, service="mine")
        talk.server.portal = session
        self.assertIs(talk.server.openSession(), session)

    def test_ownMechanism(self: Any) -> None:
        """
        A program's own mechanism goes on working: a long challenge is one line, there may
        be several, and what its credentials say of nonsense isn't sent.
        """
        talk = self.talk()
        self.register(talk, {b"ODD": Odd})
        [line] = talk.say(self.dialect.auth(b"odd"))
        self.assertEqual(self.dialect.challenge(line), b"n")
        [line] = talk.say(b64encode(b"alice"))
        self.assertEqual(self.dialect.challenge(line), b"p" * 100)
        self.assertAnswer(talk.say(b64encode(b"sesame")), self.dialect.good)
        talk = self.talk()
        self.register(talk, {b"ODD": Odd})
        lines = talk.say(self.dialect.auth(b"ODD", b"nonsense"))
        self.assertAnswer(lines, self.dialect.malformed)
        self.assertNotIn(b"secret", lines[0])
        lines = talk.say(self.dialect.auth(b"ODD", b"bug"))
        self.assertAnswer(lines, self.dialect.defect)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_laterChallenge(self: Any) -> None:
        """
        A challenge of theirs may come later; a client that leaves meanwhile ends it.
        """
        waiting: Deferred[bytes] = Deferred()
        gone: list[object] = []

        class Later(Odd):
            """
            Credentials whose first challenge comes later.
            """

            def getChallenge(self) -> Any:
                """
                Return the next challenge.
                """
                return waiting

        talk = self.talk()
        self.register(talk, {b"LATER": Later})
        self.assertEqual(talk.say(self.dialect.auth(b"LATER")), [])
        waiting.callback(b"now")
        [line] = talk.said()
        self.assertEqual(self.dialect.challenge(line), b"now")
        waiting = Deferred(gone.append)
        talk = self.talk()
        self.register(talk, {b"LATER": Later})
        talk.say(self.dialect.auth(b"LATER"))
        talk.hangUp()
        self.assertEqual(gone, [waiting])

    def test_secret(self: Any) -> None:
        """
        What unknown users get is made up from the secret that is set for the protocol or
        in its factory: it is the same in every process.  Without one that is
        logged, once, and only where it matters.
        """

        def salt(name: bytes, **settings: Any) -> bytes:
            talk = self.talk(ScramChecker(), **settings)
            talk.server.factory.siteSecret = b"f" * 32
            first = b"n,,n=%b,r=abcdefgh" % name
            [line] = talk.say(self.dialect.auth(b"SCRAM-SHA-256", first))
            said: bytes = self.dialect.challenge(line)
            return said.split(b",s=")[1]

        self.assertEqual(salt(b"nobody"), salt(b"nobody"))
        self.assertNotEqual(salt(b"nobody"), salt(b"nobody2"))
        self.assertNotEqual(salt(b"nobody"), salt(b"nobody", siteSecret=b"p" * 32))
        _warnOnce.cache_clear()
        logged: list[Any] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.talk().say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertFalse([one for one in logged if "siteSecret" in str(one)])
        for _ in range(2):
            scramLogIn(self.talk(ScramChecker()), self.dialect)
        told = [one for one in logged if "siteSecret" in (one.get("log_format") or "")]
        self.assertEqual(len(told), 1)

    def test_failingLogout(self: Any) -> None:
        """
        A logout that fails leaves nothing behind.
        """
        talk = self.talk()
        self.realm.requestAvatar = lambda a, m, *i: (
            talk.server.avatarInterfaces[-1],
            object(),
            raising(RuntimeError()),
        )
        talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertRaises(RuntimeError, talk.hangUp)
        self.assertTrue(talk.server.portal._isClosed)

    def register(self: Any, talk: Talk, challengers: Any) -> None:
        """
        Bring mechanisms along.
        """
        if self.name == "pop3":
            talk.server.factory.challengers = challengers
        else:
            talk.server.challengers = challengers

    def test_twistedsMechanism(self: Any) -> None:
        """
        Where a program names Twisted's classes, mycred's mechanisms take their place: the
        name to act as isn't ignored.  They are as private as others.
        """
        talk = self.talk(Checker(lambda: b"alice"))
        self.register(talk, {b"PLAIN": PLAINCredentials, b"CRAM-MD5": CramMD5Credentials})
        lines = talk.say(self.dialect.auth(b"PLAIN", b"bob\0alice\0x"))
        self.assertAnswer(lines, self.dialect.refused)
        [line] = talk.say(self.dialect.auth(b"CRAM-MD5"))
        self.assertIn(b"@", self.dialect.challenge(line))
        talk = self.talk(Checker(lambda: b"alice"), host="192.0.2.1")
        self.register(talk, {b"PLAIN": PLAINCredentials})
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.unprivate)

    def test_noPortal(self: Any) -> None:
        """
        Without a portal nobody logs in.
        """
        talk = self.talk(portal=None)
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.unavailable)

    def test_onlyLogin(self: Any) -> None:
        """
        A portal may be any object that logs in.
        """

        portal = Own()
        portal.waiting.errback(TemporaryFailure())
        talk = self.talk(portal=portal)
        lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
        self.assertAnswer(lines, self.dialect.unavailable)

    def test_strangeAvatars(self: Any) -> None:
        """
        A realm that answers with something else is a defect, and the client is told.
        """
        for answer in (None, (), succeed("x")):
            talk = self.talk(Checker(lambda: b"alice"))
            self.realm.requestAvatar = lambda *_, answer=answer: answer
            lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
            self.assertAnswer(lines, self.dialect.defect)
            self.assertEqual(len(self.flushLoggedErrors(TypeError, ValueError)), 1)

    def test_strangePortal(self: Any) -> None:
        """
        So is a portal that answers in another way.  One may raise what others fail with.
        """
        portal = Own()
        for answer, expected in (
            (lambda *_: None, self.dialect.defect),
            (lambda *_: raising(UnauthorizedLogin())(), self.dialect.refused),
        ):
            portal.login = answer  # type: ignore[method-assign]
            talk = self.talk(portal=portal)
            lines = talk.say(self.dialect.auth(b"PLAIN", GOOD))
            self.assertAnswer(lines, expected)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_proofsWhereTheyServe(self: Any) -> None:
        """
        CRAM-MD5 is there where a checker serves it, and challenges can't be foreseen.
        """
        hashed = Checker(Deferred)
        hashed.credentialInterfaces = (IUsernameHashedPassword,)
        talk = self.talk(hashed)
        challenges = set()
        for _ in range(3):
            [line] = talk.say(self.dialect.auth(b"CRAM-MD5"))
            challenges.add(self.dialect.challenge(line))
            talk.say(b"*")
        self.assertEqual(len(challenges), 3)


class IMAP4LoginTests(LoginTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    name = "imap"


class POP3LoginTests(LoginTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    name = "pop3"


class ESMTPLoginTests(LoginTests, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    name = "smtp"
