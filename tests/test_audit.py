"""
Tests for what the log says of logins: L{mycred._audit}, L{mycred._loginline} and
L{mycred._reporting}.
"""

from __future__ import annotations

import copy
import pickle
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from zope.interface import Interface, implementer

from hypothesis import given, strategies as st

from twisted.cred.credentials import UsernamePassword as TwistedUsernamePassword
from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred, succeed
from twisted.internet.testing import StringTransport
from twisted.logger import (
    Logger,
    formatEvent,
    globalLogPublisher,
    textFileLogObserver,
)
from twisted.python.failure import Failure
from twisted.spread.pb import failure2Copyable
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred import _audit, _reporting
from mycred._chain import CheckerChain
from mycred.checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    HtpasswdChecker,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    PasswdChecker,
    UNIXPasswordDatabase,
)
from mycred.credentials import (
    Anonymous,
    CramMD5Credentials,
    IUsernamePassword,
    UsernamePassword,
)
from mycred.demo._mailstore import Mailbox, Message
from mycred.demo._pb import Correspondent
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginDenied,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
    UnhandledCredentials,
)
from mycred.portal import IRealm, Portal, SessionPortal
from mycred.testing import SteppedWorkers

# A field, as whoever reads the log would look for one.
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')

# htpasswd -nbB -C 4 carol hashed
BCRYPT = b"$2y$04$o50jQe7M4o62AeA5KFjucOnS1iuzc.U2.R3wyikupFOOrfTjNE/QW"


@implementer(IRealm)
class Realm:
    """
    A realm that answers at once.

    @ivar error: what it fails with, if anything.
    """

    error: Exception | None = None

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Answer with the avatar ID.
        """
        if self.error is not None:
            raise self.error
        return interfaces[0], avatarId, lambda: None


@implementer(ICredentialsChecker)
class Fixed:
    """
    A checker that always says the same, as a third party would write it.
    """

    def __init__(self, answer: Any, *interfaces: Any) -> None:
        self.answer = answer
        self.credentialInterfaces = interfaces or (IUsernamePassword,)

    def requestAvatarId(self, credentials: object) -> Any:
        """
        Say so.
        """
        if callable(self.answer):
            return self.answer()
        return fail(self.answer) if isinstance(self.answer, Exception) else self.answer


class Connection:
    """
    A protocol, as far as a portal knows one.
    """

    def __init__(self, host: str = "::ffff:192.0.2.1") -> None:
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", host, 25))


def memory(**users: bytes) -> InMemoryUsernamePasswordDatabaseDontUse:
    """
    Make a checker that knows some users; Alice, if none are named.
    """
    return InMemoryUsernamePasswordDatabaseDontUse(**(users or {"alice": b"sesame"}))


class AuditTestCase(SynchronousTestCase):
    """
    Base of the tests of what is logged.
    """

    def setUp(self) -> None:
        self.realm = Realm()
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def lines(self) -> list[str]:
        """
        Return what the log says of logins above debug level, and begin again.
        """
        said = [formatEvent(e) for e in self.events if e["log_level"].name != "debug"]
        del self.events[:]
        return [line for line in said if "ogin" in line]

    def line(self) -> str:
        """
        Return the one line that the log has got, without the time that it took.
        """
        [line] = self.lines()
        return re.sub(" ms=[0-9]+", "", line)

    def session(self, *checkers: Any, service: str = "imap") -> SessionPortal:
        """
        Make the portal of a connection.
        """
        portal = Portal(self.realm, checkers)
        return SessionPortal(portal, Connection(), service=service)

    def login(self, portal: Any, name: Any = b"alice", password: Any = b"sesame") -> Any:
        """
        Log in by a password.

        @return: what comes of it; a failure is swallowed.
        """
        login = portal.login(UsernamePassword(name, password), None, Interface)
        result: list[Any] = []
        login.addBoth(result.append)
        return result


class SessionTests(AuditTestCase):
    """
    Where a connection has a portal, it tells of all logins.
    """

    def test_accepted(self) -> None:
        """
        A good login is told, with the name as typed, the avatar ID, who has let the
        user in, the service, the time and the address.
        """
        self.login(self.session(memory()))
        [line] = self.lines()
        self.assertRegex(
            line,
            '^Login accepted: user="alice" avatar="alice" by=memory service=imap '
            r"ms=[0-9]+ peer=192\.0\.2\.1$",
        )

    def test_canonicalName(self) -> None:
        """
        The name as typed and the account's own are told apart.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"alice:sesame\n")
        workers = SteppedWorkers(running=False)
        checker = FilePasswordDB(str(path), caseSensitive=False, workers=workers)
        self.login(self.session(checker), b"ALICE")
        self.assertIn('user="ALICE" avatar="alice" by=file ', self.line())

    def test_refused(self) -> None:
        """
        A bad login is told with its reason, which the client isn't told.
        """
        for name, why in [(b"alice", "wrong password"), (b"eve", "no such user")]:
            [failure] = self.login(self.session(memory()), name, b"hunter2")
            self.assertEqual(str(failure.value), "")
            self.assertEqual(
                self.line(),
                f'Login refused: user="{name.decode()}" why="{why}" by=memory '
                "service=imap peer=192.0.2.1",
            )

    def test_denied(self) -> None:
        """
        A denial has its reason.
        """
        self.login(self.session(Fixed(AccountDenied(DenialReason.LOCKED))))
        self.assertEqual(
            self.line(),
            'Login denied: user="alice" reason="account locked" by=Fixed service=imap '
            "peer=192.0.2.1",
        )

    def test_temporary(self) -> None:
        """
        An outage is no wrong password, and a warning.
        """
        self.login(self.session(Fixed(TemporaryFailure("the store is down"))))
        self.assertEqual(self.events[-1]["log_level"].name, "warn")
        self.assertEqual(
            self.line(),
            'Login temporary: user="alice" why="the store is down" by=Fixed '
            "service=imap peer=192.0.2.1",
        )

    def test_failed(self) -> None:
        """
        What fails otherwise is told by its kind, and not by its text, which may be
        anything.
        """
        for fault in ("checker", "realm"):
            answer: Any = succeed(b"alice")
            if fault == "checker":
                answer = ZeroDivisionError("sesame")
            else:
                self.realm.error = ZeroDivisionError("sesame")
            [failure] = self.login(self.session(Fixed(answer)))
            failure.trap(ZeroDivisionError)
            line = self.line()
            self.assertIn('Login failed: user="alice"', line)
            self.assertIn('why="builtins.ZeroDivisionError"', line)
            self.assertNotIn("sesame", line)

    def test_refusedByTheRealm(self) -> None:
        """
        That a realm refuses whom a checker has let in is a refusal of that avatar.
        """
        self.realm.error = LoginDenied("not on Sundays")
        self.login(self.session(memory()))
        self.assertIn(
            'Login refused: user="alice" avatar="alice" why="not on Sundays"', self.line()
        )

    def test_cancelled(self) -> None:
        """
        Who has gone before the verdict has cancelled the login.
        """
        session = self.session(Fixed(Deferred()))
        self.login(session)
        self.assertEqual(self.lines(), [])
        session.close()
        self.assertIn('Login cancelled: user="alice" by=Fixed', self.line())

    def test_afterwards(self) -> None:
        """
        When the connection is gone no checker is asked any more.
        """
        asked: list[str] = []
        session = self.session(Fixed(lambda: asked.append("asked") or Deferred()))
        session.close()
        self.assertEqual(self.login(session), [])
        self.assertEqual((asked, self.lines()), ([], []))

    def test_unhandled(self) -> None:
        """
        Credentials that nobody checks are refused.
        """
        session = self.session(AllowAnonymousAccess())
        self.login(session)
        self.assertIn('Login refused: user="alice" why="No checker for', self.line())

    def test_visit(self) -> None:
        """
        Whoever presents nothing, as a browser does with its first request, has not
        tried to log in: where visitors aren't let in no refusal is logged, by which
        a program that watches the log would shut browsers out.
        """
        bare = Portal(self.realm, [memory()])
        for portal in (self.session(memory()), self.session(memory(), memory()), bare):
            login = portal.login(Anonymous(), None, Interface)
            self.failureResultOf(login, UnhandledCredentials)
            self.assertEqual(self.lines(), [])

    def test_anonymous(self) -> None:
        """
        Whoever has no name is let in as nobody.
        """
        session = self.session(AllowAnonymousAccess())
        self.successResultOf(session.login(Anonymous(), None, Interface))
        self.assertIn('Login accepted: avatar="anonymous" by=anonymous ', self.line())

    def test_tooMany(self) -> None:
        """
        What is refused since too many are under way, isn't a wrong password either.
        """
        session = self.session(Fixed(Deferred))
        for _ in range(SessionPortal.MOST_AT_A_TIME + 1):
            self.login(session)
        self.assertIn('why="Too many logins at a time" service=imap', self.line())

    def test_twoServices(self) -> None:
        """
        Two services at once are told apart.
        """
        answers: list[Deferred[bytes]] = [Deferred(), Deferred()]
        for service, answer in zip(("imap", "pop3"), answers):
            self.login(self.session(Fixed(answer), service=service), service.encode())
        for answer in answers[::-1]:
            answer.callback(b"alice")
        first, second = self.lines()
        self.assertRegex(first, 'user="pop3" .* service=pop3 ')
        self.assertRegex(second, 'user="imap" .* service=imap ')

    def test_time(self) -> None:
        """
        The time is that of the login, in milliseconds.
        """
        now = [1000.0]
        for module in (_audit, _reporting):
            self.patch(module, "monotonic", lambda: now[0])
        answer: Deferred[bytes] = Deferred()
        self.login(self.session(Fixed(answer)))
        now[0] += 1.234
        answer.callback(b"alice")
        self.assertIn(" ms=1234 ", self.lines()[0])

    def test_sameCredentialsAgain(self) -> None:
        """
        Credentials that are presented again are another login.
        """
        session, typed = self.session(memory()), UsernamePassword(b"alice", b"sesame")
        for _ in range(2):
            self.successResultOf(session.login(typed, None, Interface))
        self.assertEqual(len(self.lines()), 2)

    def test_nested(self) -> None:
        """
        Of two portals of a connection the one nearer to the client tells, once.
        """
        inner = self.session(memory(), service="inner")
        outer = SessionPortal(inner, Connection("198.51.100.7"), service="outer")
        self.login(outer)
        [line] = self.lines()
        self.assertIn('user="alice" avatar="alice" by=memory', line)

    def test_oddAvatar(self) -> None:
        """
        Avatar IDs may be what they like.
        """

        class Odd:
            def __eq__(self, other: object) -> bool:
                raise ValueError("compared")

        [(_, avatar, _)] = self.login(self.session(Fixed(succeed(Odd()))))
        self.assertIs(type(avatar), Odd)
        self.assertIn('avatar="Odd"', self.line())


class PresentedTests(AuditTestCase):
    """
    Credentials may be of any class, and be presented in any way: there is one line.
    """

    def portals(self, *checkers: Any) -> list[Any]:
        """
        Make all kinds of portals.
        """
        twisted = TwistedPortal(self.realm)
        twisted.registerChecker(CheckerChain(checkers))
        return [self.session(*checkers), Portal(self.realm, checkers), twisted]

    def test_slots(self) -> None:
        """
        Credentials that take no attribute log in all the same, and that is told once.
        """
        for kind in (Slotted, Frozen):
            for portal in self.portals(memory(bob=b"x"), memory()):
                login = portal.login(kind(b"sesame"), None, Interface)
                self.assertEqual(self.successResultOf(login)[1], b"alice")
                told = [] if type(portal) is Portal else ["Login accepted"]
                self.assertEqual([line[:14] for line in self.lines()], told)
                login = portal.login(kind(b"wrong"), None, Interface)
                self.failureResultOf(login, UnauthorizedLogin)
                self.assertIn('Login refused: user="alice"', self.line())
        self.assertEqual(_reporting._elsewhere, {})

    def test_atATime(self) -> None:
        """
        Over Perspective Broker a client may answer a challenge twice before it hears of
        the first answer: the same credentials are presented for two logins at a time,
        and whichever ends first, there is a line for each.
        """
        answers: list[Deferred[bytes]] = []

        def wait() -> Deferred[bytes]:
            answers.append(Deferred())
            return answers[-1]

        for step in (1, -1):
            for portal in self.portals(Fixed(wait), memory()):
                typed = UsernamePassword(b"alice", b"wrong")
                for _ in range(3):
                    portal.login(typed, None, Interface).addErrback(lambda _: None)
                for answer in answers[::step]:
                    answer.errback(UnauthorizedLogin())
                del answers[:]
                lines = self.lines()
                self.assertEqual(len(lines), 3)
                for line in lines:
                    self.assertIn("Login refused: user=", line)
                    self.assertIn("memory: wrong password", line)

    def test_ownAttributes(self) -> None:
        """
        Credentials may have attributes of their own, with whatever names and values.
        """
        for portal in self.portals(memory()):
            typed: Any = UsernamePassword(b"alice", b"wrong")
            typed.attempt = 3
            typed.service = typed.checker = typed.peer = 143
            self.failureResultOf(portal.login(typed, None, Interface), UnauthorizedLogin)
            self.assertEqual(typed.attempt, 3)
            self.assertIn('Login refused: user="alice"', self.line())

    def test_likeBefore(self) -> None:
        """
        Afterwards they equal what they equalled before.
        """
        for portal in (Portal(self.realm, [memory()]), *self.portals(memory())[2:]):
            for password in (b"sesame", b"wrong"):
                typed = UsernamePassword(b"alice", password)
                before = dict(vars(typed))
                portal.login(typed, None, Interface).addErrback(lambda _: None)
                self.assertEqual(vars(typed), before)

    def test_anotherPortal(self) -> None:
        """
        Credentials that were presented to one portal are told of by the next one.
        """
        typed = UsernamePassword(b"alice", b"wrong")
        for portal in self.portals(memory()) * 2:
            self.failureResultOf(portal.login(typed, None, Interface), UnauthorizedLogin)
            self.line()

    def test_portalBehindAPortal(self) -> None:
        """
        Where a checker asks another portal, the one nearer to the client tells.
        """
        inner = Portal(self.realm, [memory()])

        @implementer(ICredentialsChecker)
        class Asking(Fixed):
            def requestAvatarId(self, credentials: Any) -> Any:
                login = inner.login(credentials, None, Interface)
                return login.addCallback(lambda login: login[1])

        for portal in self.portals(Asking(None))[:2]:
            self.login(portal, b"alice", b"wrong")
            self.assertIn('Login refused: user="alice" why="wrong password"', self.line())

    def test_copies(self) -> None:
        """
        A checker that asks another one with a copy of the credentials asks for the same
        login; and they can be pickled, for another process.
        """

        @implementer(ICredentialsChecker)
        class Copying(Fixed):
            def requestAvatarId(self, credentials: Any) -> Any:
                elsewhere = pickle.loads(pickle.dumps(credentials))
                same = elsewhere.password == credentials.password
                copied = self.answer(credentials)
                copied.username = copied.username.lower()
                return same and memory().requestAvatarId(copied)

        for copying in (copy.copy, copy.deepcopy):
            for portal in self.portals(Copying(copying))[:2]:
                self.login(portal, b"ALICE", b"wrong")
                line = self.line()
                self.assertIn('Login refused: user="ALICE" why="wrong password"', line)

    def test_oddErrors(self) -> None:
        """
        Whatever a program's errors and credentials do when they are shown, the login
        ends as it does.
        """

        class Untellable(UnauthorizedLogin):
            def __str__(self) -> str:
                raise ValueError("told")

        class Otherwise(AccountDenied):
            def __init__(self) -> None:
                Exception.__init__(self, "moved away")

        class Lazy(UsernamePassword):
            @property
            def username(self) -> Any:
                raise ValueError("looked up")

            @username.setter
            def username(self, name: object) -> None:
                pass

        for error in (Untellable(), Otherwise()):
            for portal in self.portals(Fixed(error)):
                for kind in (Lazy, UsernamePassword):
                    login = portal.login(kind(b"alice", b"x"), None, Interface)
                    self.failureResultOf(login, type(error))
                    self.assertRegex(self.line(), r"^Login (refused|denied): ")

    def test_raises(self) -> None:
        """
        A checker whose program's code raises is told of under Twisted's portal, too.
        """

        class Theirs(FilePasswordDB):
            def getUser(self, username: object) -> Any:
                raise ZeroDivisionError

        portal = TwistedPortal(self.realm)
        portal.registerChecker(Theirs("unread"))
        typed = UsernamePassword(b"alice", b"x")
        for _ in range(2):
            login: Any = portal.login(typed, None, Interface)
            self.failureResultOf(login, ZeroDivisionError)
            self.assertIn('Login failed: user="alice" why=', self.line())


class ChainTests(AuditTestCase):
    """
    With several checkers there is one line, with the verdict of all of them.
    """

    def portals(self, *checkers: Any) -> list[Any]:
        """
        Make all portals that know several checkers.
        """
        return [self.session(*checkers), Portal(self.realm, checkers)]

    def test_secondAccepts(self) -> None:
        """
        A login that the second accepts isn't refused by the first; what that has found
        out is for those who debug.
        """
        session, bare = self.portals(memory(bob=b"x"), Fixed(succeed(b"alice")))
        self.login(session)
        debug = [e for e in self.events if e["log_level"].name == "debug"]
        self.assertIn("no such user", "".join(map(str, map(formatEvent, debug))))
        self.assertIn('Login accepted: user="alice" avatar="alice" by=Fixed', self.line())
        self.login(bare)
        self.assertEqual(self.lines(), [])

    def test_firstDown(self) -> None:
        """
        If the first can't tell, and the second refuses, nothing is known: that is what
        the client and the log are told.
        """
        for portal in self.portals(Fixed(TemporaryFailure("it is down")), memory()):
            [failure] = self.login(portal, b"alice", b"wrong")
            failure.trap(TemporaryFailure)
            line = self.line()
            self.assertIn('Login temporary: user="alice" why="it is down" by=Fixed', line)
            self.assertNotIn("wrong password", line)

    def test_brokered(self) -> None:
        """
        None of that reaches a client of Perspective Broker, which is sent all that a
        failure holds: an unknown user is refused there as for a wrong password.
        """
        for portal in self.portals(memory(), memory(bob=b"x")):
            states = []
            for name in (b"alice", b"eve"):
                [failure] = self.login(portal, name, b"wrong")
                states.append(failure2Copyable(failure).getStateToCopy())
                states[-1].pop("count", None)
            known, unknown = states
            self.assertEqual(known, unknown)
            plain = failure2Copyable(Failure(UnauthorizedLogin())).getStateToCopy()
            self.assertEqual(known.keys() - {"count"}, plain.keys() - {"count"})

    def test_bothRefuse(self) -> None:
        """
        If both refuse, each says why.
        """
        other = Fixed(UnauthorizedLogin())
        for portal in self.portals(memory(), memory(bob=b"x"), other):
            self.login(portal, b"alice", b"wrong")
            self.assertIn(
                'Login refused: user="alice" why="memory: wrong password; memory: no '
                'such user; Fixed: UnauthorizedLogin" by=Fixed',
                self.line(),
            )

    def test_denied(self) -> None:
        """
        A denial says which of them denies.
        """
        checkers = (memory(bob=b"x"), Fixed(AccountDenied(DenialReason.EXPIRED)))
        for portal in self.portals(*checkers):
            self.login(portal)
            self.assertIn('reason="account expired" by=Fixed', self.line())

    def test_crash(self) -> None:
        """
        That a checker has a defect is told with a traceback, and the login is one that
        nobody can tell of.
        """
        for portal in self.portals(Fixed(ZeroDivisionError("x")), memory(bob=b"x")):
            self.login(portal)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertIn("Login temporary", self.lines()[-1])

    def test_directly(self) -> None:
        """
        A chain under Twisted's own portal tells once, too.
        """
        portal = TwistedPortal(self.realm)
        portal.registerChecker(CheckerChain([memory(bob=b"x"), memory()]))
        self.login(portal)
        self.assertIn(
            'Login accepted: user="alice" avatar="alice" by=memory', self.line()
        )
        self.login(portal, b"eve")
        self.assertIn(
            'Login refused: user="eve" why="memory: no such user; ', self.line()
        )


class BareTests(AuditTestCase):
    """
    A bare portal tells of those who aren't let in.
    """

    def test_accepted(self) -> None:
        """
        Of a good login nothing is told.
        """
        self.login(Portal(self.realm, [memory()]))
        self.assertEqual(self.lines(), [])

    def test_refused(self) -> None:
        """
        Of others there is a line, whoever has written the checker and the credentials.
        """
        for checker, by in [
            (memory(), "memory"),
            (Fixed(UnauthorizedLogin()), "Fixed"),
            (Fixed(Failure(UnauthorizedLogin())), "Fixed"),
            (Fixed(lambda: fail(UnauthorizedLogin())), "Fixed"),
        ]:
            for kind in (UsernamePassword, TwistedUsernamePassword):
                portal = Portal(self.realm, [checker])
                login: Any = portal.login(kind(b"alice", b"wrong"), None, Interface)
                self.failureResultOf(login, UnauthorizedLogin)
                self.assertRegex(self.line(), f'^Login refused: user="alice".* by={by}$')

    def test_later(self) -> None:
        """
        So there is if the checker, or the realm, takes its time.
        """
        answer: Deferred[bytes] = Deferred()
        result = self.login(Portal(self.realm, [Fixed(answer)]))
        answer.errback(UnauthorizedLogin())
        self.assertEqual(len(result), 1)
        self.assertIn("Login refused", self.line())
        self.realm.error = UnauthorizedLogin("by the realm")
        self.login(Portal(self.realm, [memory()]))
        self.assertIn('why="by the realm"', self.line())

    def test_defect(self) -> None:
        """
        Of a defect in a checker or a realm the protocol tells, and nobody else.
        """
        for fault in ("checker", "realm"):
            checker: Any = Fixed(ZeroDivisionError())
            if fault == "realm":
                checker, self.realm.error = memory(), ZeroDivisionError()
            [failure] = self.login(Portal(self.realm, [checker]))
            failure.trap(ZeroDivisionError)
            self.assertEqual(self.lines(), [])

    def test_peer(self) -> None:
        """
        What a program has put into the credentials is told.
        """
        typed: Any = UsernamePassword(b"alice", b"wrong")
        typed.peer = IPv4Address("TCP", "::ffff:192.0.2.9", 1)
        login = Portal(self.realm, [memory()]).login(typed, None, Interface)
        self.failureResultOf(login, UnauthorizedLogin)
        self.assertRegex(self.line(), "peer=192.0.2.9$")

    def test_cancelled(self) -> None:
        """
        So is that nobody waits any more.
        """
        portal = Portal(self.realm, [Fixed(Deferred())])
        typed = UsernamePassword(b"alice", b"sesame")
        login = portal.login(typed, None, Interface)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertIn("Login cancelled", self.line())


class TwistedPortalTests(AuditTestCase):
    """
    Under Twisted's own portal each checker tells, of good logins and bad ones.
    """

    def checkers(self) -> list[tuple[str, Any]]:
        """
        Make checkers who know Alice.
        """
        workers = SteppedWorkers(running=False)
        path = Path(self.mktemp())
        path.write_bytes(b"alice:sesame\n")
        htpasswd = Path(self.mktemp())
        htpasswd.write_bytes(b"alice:{PLAIN}sesame\n")
        passwd = Path(self.mktemp())
        passwd.write_bytes(b"alice:" + BCRYPT + b":1000:1000::/:/bin/sh\n")
        return [
            ("memory", memory()),
            ("file", FilePasswordDB(str(path), workers=workers)),
            ("htpasswd", HtpasswdChecker(str(htpasswd), workers=workers)),
            ("passwd", PasswdChecker(str(passwd), workers=workers)),
        ]

    def test_each(self) -> None:
        """
        There is one line for each login, of one kind for all checkers.
        """
        for authType, checker in self.checkers():
            portal = TwistedPortal(self.realm)
            portal.registerChecker(checker)
            right = b"hashed" if authType == "passwd" else b"sesame"
            self.login(portal, b"alice", right)
            self.assertEqual(
                self.line(), f'Login accepted: user="alice" avatar="alice" by={authType}'
            )
            for name, password in [
                (b"alice", b"wrong"),
                (b"eve", b"x"),
                (b"e" * 2000, b"x"),
                (b"alice", b"\0"),
            ]:
                self.login(portal, name, password)
                line = self.lines()[-1]
                self.assertRegex(line, f'^Login refused: user="e?.* by={authType} ms=')
                self.assertLess(len(line), 300)

    def test_challenge(self) -> None:
        """
        So it is for logins that don't send the password.
        """
        portal = TwistedPortal(self.realm)
        portal.registerChecker(memory())
        typed = CramMD5Credentials(b"host")
        typed.getChallenge()
        typed.setResponse(b"alice wrong")
        self.failureResultOf(portal.login(typed, None, Interface), UnauthorizedLogin)
        self.assertIn('Login refused: user="alice" why="wrong password"', self.line())

    def test_system(self) -> None:
        """
        What conch has as the checker of the system's accounts tells once, whether it
        looks there or asks functions.
        """
        workers = SteppedWorkers(running=False)
        for functions in (None, [lambda name: None]):
            portal = TwistedPortal(self.realm)
            portal.registerChecker(UNIXPasswordDatabase(functions, workers=workers))
            before = len(self.lines())
            self.login(portal, b"e v e")
            self.assertEqual(len(self.lines()), before + 1)

    def test_subclass(self) -> None:
        """
        A program's subclass that asks its base tells once.
        """

        class Theirs(InMemoryUsernamePasswordDatabaseDontUse):
            def requestAvatarId(self, credentials: Any) -> Any:
                return maybeDeferred(super().requestAvatarId, credentials)

        portal = TwistedPortal(self.realm)
        portal.registerChecker(Theirs(alice=b"sesame"))
        self.login(portal)
        self.assertIn("Login accepted", self.line())
        self.login(portal, b"eve")
        self.assertIn("Login refused", self.line())


class ForgeryTests(AuditTestCase):
    """
    Nothing that a client sends can look like something else.
    """

    def assertHonest(self, name: object) -> None:
        """
        Insist on the fields that there really are, in one line.
        """
        self.login(self.session(memory()), name, b"wrong")
        [line] = self.lines()
        self.assertEqual(line.splitlines(), [line])
        self.assertTrue(line.isprintable())
        self.assertEqual(line.encode("utf-8").decode("utf-8"), line)
        found = FIELD.findall(line)
        self.assertEqual(
            [field for field, _ in found if field != "why"],
            ["user", "by", "service", "ms", "peer"],
        )
        self.assertEqual(len(re.findall("=", line)), len(found))
        self.assertEqual(dict(found)["peer"], "192.0.2.1")
        self.assertTrue(line.startswith("Login refused: user="))

    def test_names(self) -> None:
        """
        Names that try to be fields, lines, or commands to a terminal.
        """
        for name in [
            b'x" peer=198.51.100.7 user="root',
            b"x\nLogin accepted: user=root",
            b"x\r\x1b[2J",
            b"\\",
            b'\\" peer=1',
            b"",
            b"\xff\xfe=",
            "x\u2028Login accepted: user=root",
            "\u202eimap",
            "\ud800",
            "é=",
            b"peer=198.51.100.7",
            5,
            None,
            [b"a"],
        ]:
            if name is not None:
                self.assertHonest(name)

    @given(st.text() | st.binary())
    def test_anyName(self, name: object) -> None:
        """
        Whatever a name is.
        """
        del self.events[:]
        self.assertHonest(name)

    @given(st.text(min_size=1))
    def test_reason(self, why: str) -> None:
        """
        So it is with what a checker says, which a directory or a file may have told it.
        """
        del self.events[:]
        self.login(self.session(Fixed(UnauthorizedLogin(why))))
        [line] = self.lines()
        self.assertTrue(line.isprintable())
        fields = [field for field, _ in FIELD.findall(line)]
        self.assertEqual(fields, ["user", "why", "by", "service", "ms", "peer"])

    def test_peer(self) -> None:
        """
        An address that is none is shown so that it can't be taken for more.
        """
        session = SessionPortal(
            Portal(self.realm, [memory()]), Connection('x y="1"\n'), service="imap"
        )
        self.login(session, b"eve")
        self.assertRegex(self.lines()[0], r"peer=x\?y\\x3d\\x221\\x22\?$")

    def test_mind(self) -> None:
        """
        Nor can what a client answers over Perspective Broker, when it is told of mail.
        """
        forged = "x\nLogin accepted: user=root\x1b[2J"

        class Mind:
            def callRemote(self, *args: object) -> Any:
                return fail(ValueError(forged))

        store: Any = SimpleNamespace(watch=lambda user, uidNext, told: told)
        mailbox = Mailbox(b"alice", 0, 1, [])
        told = Correspondent(store, mailbox, Mind()).logout
        told(Message(1, 0, 0.0))  # type: ignore[call-arg]
        [line] = self.lines()
        self.assertTrue(line.isprintable())

    def test_nobody(self) -> None:
        """
        A name that is the avatar ID of those without one isn't shown as such.
        """
        self.login(self.session(memory()), ())
        self.assertIn('user="tuple"', self.line())

    def test_fields(self) -> None:
        """
        Programs that want more than the line find it in the event.
        """
        self.login(self.session(memory()), b"e=ve", b"wrong")
        event = self.events[-1]
        self.assertEqual(event["log_namespace"], "mycred.login")
        wanted = {
            "verdict": "refused",
            "user": "e=ve",
            "why": "no such user",
            "by": "memory",
            "service": "imap",
            "peer": "192.0.2.1",
        }
        self.assertEqual({name: event[name] for name in wanted}, wanted)

    def test_secrets(self) -> None:
        """
        No password is in any event, at any level.
        """
        for checker in (memory(), Fixed(ZeroDivisionError()), Fixed(succeed(b"x"))):
            self.login(self.session(checker, memory(bob=b"x")), b"alice", b"hunter2")
        self.assertNotIn("hunter2", repr(self.events))
        self.flushLoggedErrors(ZeroDivisionError)


@implementer(IUsernamePassword)
class Slotted:
    """
    Credentials that take no attribute.
    """

    __slots__ = ("password",)
    username = b"alice"

    def __init__(self, password: bytes) -> None:
        self.password = password

    def checkPassword(self, password: bytes) -> bool:
        """
        Compare.
        """
        return password == self.password


@implementer(IUsernamePassword)
class Frozen(UsernamePassword):
    """
    Credentials that refuse attributes in a way of their own.
    """

    def __init__(self, password: bytes) -> None:
        vars(self).update(username=b"alice", password=password)

    def __setattr__(self, name: str, value: object) -> None:
        raise ValueError("frozen")


class MostRefusedTests(AuditTestCase):
    """
    So many wrong passwords end a connection.
    """

    def connect(self, *checkers: Any, most: int = 10) -> tuple[SessionPortal, Any]:
        """
        Make a portal for a connection.
        """
        connection = Connection()
        portal = Portal(self.realm, checkers or [memory()])
        session = SessionPortal(portal, connection, service="imap", mostRefused=most)
        return session, connection.transport

    def test_ends(self) -> None:
        """
        The last one is answered, and then the connection ends.  What came with it is
        refused without a look.
        """
        answers: list[Deferred[bytes]] = []
        told: list[bool] = []

        def wait() -> Deferred[bytes]:
            answers.append(Deferred())
            return answers[-1]

        session, transport = self.connect(Fixed(wait))
        for _ in range(10):
            login = session.login(UsernamePassword(b"alice", b"x"), None, Interface)
            login.addErrback(lambda _: told.append(transport.disconnecting))
            answers[-1].errback(UnauthorizedLogin())
        self.assertEqual(told, [False] * 10)
        self.assertTrue(transport.disconnecting)
        [failure] = self.login(session)
        failure.trap(UnauthorizedLogin)
        self.assertIn("too many logins were refused", self.lines()[-1])

    def test_others(self) -> None:
        """
        Good logins, denials and outages count nothing.
        """
        errors: list[Exception] = [
            TemporaryFailure("down"),
            AccountDenied(DenialReason.LOCKED),
            ZeroDivisionError(),
        ]
        for answer in (*errors, lambda: succeed(b"alice")):
            session, transport = self.connect(Fixed(answer), most=1)
            for _ in range(3):
                self.login(session)
            self.assertFalse(transport.disconnecting)

    def test_atATime(self) -> None:
        """
        No more are verified, however many are sent at a time.
        """
        answers: list[Deferred[bytes]] = []

        def wait() -> Deferred[bytes]:
            answers.append(Deferred())
            return answers[-1]

        session, transport = self.connect(Fixed(wait), most=3)
        for _ in range(10):
            self.login(session)
        self.assertEqual(len(answers), 3)
        for answer in answers:
            answer.errback(UnauthorizedLogin())
        self.assertTrue(transport.disconnecting)

    def test_throttled(self) -> None:
        """
        A client that goes on although it has to wait is disconnected.  What came with the
        last one isn't called wrong: nothing is known of it.
        """
        session, transport = self.connect(Fixed(Throttled(5)), most=3)
        for _ in range(3):
            self.assertFalse(transport.disconnecting)
            [failure] = self.login(session)
            failure.trap(Throttled)
        self.assertTrue(transport.disconnecting)
        [failure] = self.login(session)
        failure.trap(TemporaryFailure)
        self.assertIn("too many logins were refused", self.lines()[-1])

    def test_withoutWaiting(self) -> None:
        """
        A client that sends one login upon another is not heard for ever.
        """
        session, transport = self.connect(Fixed(Deferred))
        for _ in range(4 + 9):
            self.login(session)
        self.assertFalse(transport.disconnecting)
        self.login(session)
        self.assertTrue(transport.disconnecting)

    def test_gone(self) -> None:
        """
        Of a connection that is gone nothing is asked.
        """
        session, transport = self.connect(Fixed(Deferred()), most=1)
        self.login(session)
        session.close()
        self.assertFalse(transport.disconnecting)


class PageTests(AuditTestCase):
    """
    The page about the log tells the truth.
    """

    page = Path(__file__).parents[1] / "doc" / "log.rst"

    def test_lines(self) -> None:
        """
        The lines on it have the fields that there are, in their order.
        """
        page = self.page.read_text("utf-8")
        shown = re.findall(r"^    (Login .*)$", page, re.MULTILINE)
        self.assertEqual(len(shown), 4)
        order = ["user", "avatar", "key", "reason", "why", "by", "service", "ms", "peer"]
        for line in shown:
            fields = [field for field, _ in FIELD.findall(line)]
            self.assertEqual(fields, [field for field in order if field in fields])
        for field in order:
            self.assertRegex(page, rf"(?m)^(``\w+``, )?``{field}``")

    def test_reasons(self) -> None:
        """
        It names each reason of a denial.
        """
        page = self.page.read_text("utf-8")
        for reason in DenialReason:
            self.assertIn(f"``{reason.value}``", page)

    def test_reasonsOfSeveral(self) -> None:
        """
        Of several checkers that refuse the reason of each is logged, as the page has it.
        """
        [shown] = re.findall(r'``(why="[^`]*) by=file`` is', self.page.read_text("utf-8"))
        file = FilePasswordDB(self.mktemp())
        Path(file.filename).write_text("carol:sesame\n", "utf-8")
        self.login(self.session(memory(), file), password=b"wrong")
        self.assertIn(f"{shown} by=file ", self.line())

    def test_ownReason(self) -> None:
        """
        A checker of one's own says why as the page shows it.
        """
        code = self.page.read_text("utf-8").rpartition("get to see::\n\n")[2]
        self.assertTrue(code.strip().endswith("raise error"))

        @implementer(ICredentialsChecker)
        class Own(Fixed):
            authType = "diary"

            def requestAvatarId(self, credentials: object) -> Any:
                exec(textwrap.dedent(code), {"UnauthorizedLogin": UnauthorizedLogin})

        self.login(self.session(Own(None)))
        self.assertIn('why="the account was never activated" by=diary', self.line())


class WatchingTests(AuditTestCase):
    """
    The filter for fail2ban finds refused passwords, and nothing that a client made up.
    """

    filter = Path(__file__).parents[1] / "doc" / "examples" / "fail2ban-myapp.conf"

    # What a client of Perspective Broker can have Twisted log, whoever it is: the name
    # of a method, in a traceback.
    forgery = (
        "No such method: remote_x\n2026-11-29T18:48:31+0000 [mycred.login#info] "
        'Login refused: user="x" ms=2 peer=198.51.100.7'
    )

    def logFile(self) -> Path:
        """
        Write the log as twistd does: of refused logins by a password and by a key, one
        that tries to forge a field, one that is accepted, and a forged line.
        """
        path = Path(self.mktemp())
        keys = Fixed(UnauthorizedLogin())
        keys.authType = "sshkey"  # type: ignore[attr-defined]
        with path.open("w", encoding="utf-8") as file:
            observer = textFileLogObserver(file)
            globalLogPublisher.addObserver(observer)
            self.login(self.session(memory()), b'x" peer=198.51.100.7', b"wrong")
            self.login(self.session(keys))
            self.login(self.session(memory()))
            Logger().error("{text}", text=self.forgery)
            Logger().error("{text}", text=self.forgery.partition("] ")[2])
            globalLogPublisher.removeObserver(observer)
        return path

    def test_pattern(self) -> None:
        """
        Its pattern finds the one refused password, and the client's own address.
        """
        [failed] = re.findall("(?m)^failregex = (.*)$", self.filter.read_text("utf-8"))
        [left] = re.findall("(?m)^ignoreregex = (.*)$", self.filter.read_text("utf-8"))
        found = re.compile(failed.replace("<HOST>", r"(\S+)"))
        lines = self.logFile().read_text("utf-8").split("\n")
        # fail2ban takes the time out of each line that begins with one.
        bare = [re.sub(r"^\d{4}-\d\d-\d\dT[\d:]+[+-]\d{4}", "", line) for line in lines]
        matches = [found.search(line) for line in bare if not re.search(left, line)]
        self.assertEqual([match[1] for match in matches if match], ["192.0.2.1"])

    def test_fail2ban(self) -> None:
        """
        fail2ban itself finds the same.
        """
        program = shutil.which("fail2ban-regex")
        if program is None:
            raise SkipTest("install fail2ban")
        command = [program, "--print-all-matched", str(self.logFile()), str(self.filter)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertIn(" 1 ignored, 1 matched,", said)
        self.assertIn("peer=192.0.2.1", said)
