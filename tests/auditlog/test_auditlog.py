"""
Tests for L{mycred._auditlog._auditlog}: there is one event for each login.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.protocols.ftp import FTP, FTPFactory, FTPRealm
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import CheckerChain
from mycred.credentials import Anonymous, UsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginDenied,
    StaleNonce,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
)
from mycred.portal import Portal, SessionPortal
from mycred.stack import AuditLog, CheckerStack

from ..kit.auditing import (
    Connection,
    Realm,
    Saying,
    logIn,
    memory,
    portalsWith,
    presentTo,
    session,
)


def timeless(line: str | None) -> str:
    """
    Return a line without the time that the login took: the log and the audit log may have
    measured it apart.
    """
    assert line is not None
    return re.sub(r"ms=\d+", "ms=", line)


class EventsCase(SynchronousTestCase):
    """
    Base of the tests of events.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        self.audit = AuditLog(self.events.append)

    def verdicts(self) -> list[str]:
        """
        Return the verdicts of the events, and begin again.
        """
        verdicts = [event["verdict"] for event in self.events]
        del self.events[:]
        return verdicts


class OneEventTests(EventsCase):
    """
    There is one event for a login, whichever portal it goes through.
    """

    def test_verdicts(self) -> None:
        """
        Each verdict is told.
        """
        for verdict, answer in {
            "accepted": lambda _: succeed(b"alice"),
            "refused": lambda _: fail(UnauthorizedLogin()),
            "denied": lambda _: fail(AccountDenied(DenialReason.LOCKED)),
            "throttled": lambda _: fail(Throttled(3)),
            "temporary": lambda _: fail(TemporaryFailure("down")),
        }.items():
            for portal in portalsWith(self.audit, Saying(answer)):
                logIn(portal)
                self.assertEqual(self.verdicts(), [verdict])

    def test_stale(self) -> None:
        """
        An answer of HTTP Digest that another process has taken is no login, as one that
        this process has taken isn't: browsers answer again by themselves.
        """
        for portal in portalsWith(self.audit, Saying(lambda _: fail(StaleNonce()))):
            logIn(portal)
            self.assertEqual(self.events, [])

    def test_later(self) -> None:
        """
        So is that of a checker that takes its time, and of one after which nobody waits
        any more.
        """
        answers: list[Deferred[bytes]] = []

        def wait(_: object) -> Deferred[bytes]:
            answers.append(Deferred())
            return answers[-1]

        for portal in portalsWith(self.audit, Saying(wait)):
            result = logIn(portal)
            self.assertEqual((self.events, result), ([], []))
            answers.pop().callback(b"alice")
            self.assertEqual(self.verdicts(), ["accepted"])
            login = portal.login(UsernamePassword(b"alice", b"x"), None, object)
            login.addErrback(lambda _: None)
            login.cancel()
            self.assertEqual(self.verdicts(), ["cancelled"])

    def test_secondAccepts(self) -> None:
        """
        A login that the second checker accepts isn't refused by the first.
        """
        for portal in portalsWith(self.audit, memory(bob=b"x"), memory()):
            logIn(portal)
            [event] = self.events
            self.assertEqual((event["verdict"], event["by"]), ("accepted", "memory"))
            del self.events[:]

    def test_outside(self) -> None:
        """
        Behind the portal of a connection a stack that refuses tells what another checker
        says after it, since that is how the login ends.
        """
        stack = CheckerStack([memory(bob=b"x")], audit=self.audit)
        portal = session(None)
        portal._portal = Portal(Realm(), [stack, Saying(lambda _: b"alice")])
        logIn(portal)
        [event] = self.events
        self.assertEqual((event["verdict"], event["by"]), ("accepted", "Saying"))

    def test_askedTwice(self) -> None:
        """
        A stack that is asked twice for one login tells it once.
        """
        stack = CheckerStack([memory()], audit=self.audit)

        def ask(credentials: Any) -> Any:
            changed = copy.copy(credentials)
            changed.username = b"bob"
            asked = stack.requestAvatarId(changed)
            return asked.addErrback(lambda _: stack.requestAvatarId(credentials))

        portal = session(None)
        portal._portal = Portal(Realm(), [Saying(ask)])
        logIn(portal)
        self.assertEqual(self.verdicts(), ["accepted"])

    def test_realm(self) -> None:
        """
        Behind the portal of a connection, what the realm says counts, too.
        """
        realm = Realm()
        realm.error = LoginDenied("not on Sundays")
        logIn(session(self.audit, realm=realm))
        [event] = self.events
        self.assertEqual(event["verdict"], "refused")
        self.assertEqual((event["avatar"], event["why"]), ("alice", "not on Sundays"))

    def test_notAsked(self) -> None:
        """
        So is a login that a connection may not try any more: no checker gets to see it.
        """
        portal = session(self.audit, Saying(lambda _: Deferred()))
        for _ in range(SessionPortal.MOST_AT_A_TIME + 1):
            logIn(portal)
        [event] = self.events
        self.assertEqual(event["why"], "Too many logins at a time")

    def test_behindAChain(self) -> None:
        """
        So it is if the stack is one of several checkers.
        """
        stack = CheckerStack([memory()], audit=self.audit)
        chain = CheckerChain([memory(bob=b"x"), CheckerChain([stack])])
        portal = SessionPortal(Portal(Realm(), [chain, chain]), Connection("192.0.2.1"))
        portal.noteRefused(UsernamePassword(b"eve", b"x"), Failure(UnauthorizedLogin()))
        [event] = self.events
        self.assertEqual((event["verdict"], event["user"]), ("refused", "eve"))
        self.assertEqual(event["peer"], "192.0.2.1")

    def test_theLog(self) -> None:
        """
        The log has its own line all the same, and only that.
        """
        logged: list[Any] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        for portal in portalsWith(self.audit):
            logIn(portal, password=b"wrong")
            [line] = [formatEvent(event) for event in logged if "verdict" in event]
            self.assertEqual(timeless(line), timeless(formatEvent(self.events[-1])))
            self.assertEqual(self.verdicts(), ["refused"])
            del logged[:]

    def test_ftp(self) -> None:
        """
        So it is in a program of Twisted's own, which knows nothing of mycred's portals.
        """
        portal = TwistedPortal(FTPRealm("."))
        portal.registerChecker(CheckerStack([memory()], audit=self.audit))
        for password, verdict in (("wrong", "refused"), ("sesame", "accepted")):
            protocol = FTP()
            protocol.portal, protocol.factory = portal, FTPFactory(portal)
            protocol.timeOut = None
            protocol.makeConnection(StringTransport())
            protocol.processCommand("USER", "alice")
            protocol.processCommand("PASS", password).addErrback(lambda _: None)
            protocol.connectionLost(connectionDone)
            [event] = self.events
            self.assertEqual((event["verdict"], event["user"]), (verdict, "alice"))
            self.assertEqual(event["fields"]["mycred.mechanism"], "password")
            del self.events[:]

    def test_visit(self) -> None:
        """
        Who presents nothing hasn't tried to log in.
        """
        for portal in portalsWith(self.audit):
            presentTo(portal, Anonymous())
            self.assertEqual(self.events, [])


class ObserverTests(EventsCase):
    """
    Events go where a program likes.
    """

    def test_event(self) -> None:
        """
        An event is one of the logging system: it has a namespace of its own, a level, a
        time, the fields of the line as text, and those of JSON.
        """
        logIn(session(self.audit), b"eve", b"hunter2")
        [event] = self.events
        self.assertEqual(event["log_namespace"], "mycred.audit")
        self.assertEqual(event["log_level"].name, "info")
        self.assertIsInstance(event["log_time"], float)
        self.assertEqual((event["user"], event["peer"]), ("eve", "192.0.2.1"))
        self.assertEqual(event["fields"]["user.name"], "eve")
        self.assertRegex(formatEvent(event), '^Login refused: user="eve" why="no such ')

    def test_faults(self) -> None:
        """
        A login that fails through no fault of the user's is a warning.
        """
        portal = session(self.audit, Saying(lambda _: fail(TemporaryFailure("down"))))
        logIn(portal)
        self.assertEqual(self.events[0]["log_level"].name, "warn")

    def test_noPassword(self) -> None:
        """
        No event has anything of a password, however it is turned over: nor objects that
        could have one.
        """
        for answer in (lambda _: succeed(b"x"), lambda _: fail(ZeroDivisionError("x"))):
            logIn(session(self.audit, Saying(answer)), b"alice", b"hunter2")
        self.flushLoggedErrors(ZeroDivisionError)
        plain = (str, int, float, bool, list, dict, type(None))
        for event in self.events:
            self.assertNotIn("hunter2", repr(event))
            values = {k: v for k, v in event.items() if not k.startswith("log_")}
            for value in (*values.values(), *event["fields"].values()):
                self.assertIsInstance(value, plain)

    def test_nobodyListens(self) -> None:
        """
        Without observers nothing is made: the login isn't looked at.
        """
        AuditLog()(None)  # type: ignore[arg-type]

    def test_failing(self) -> None:
        """
        An observer that fails costs no login, and the others nothing.  It is logged once,
        until it has worked again.
        """
        broken = [True]

        def observe(event: Any) -> None:
            if broken[0]:
                raise ZeroDivisionError

        portal = session(AuditLog(observe, self.events.append))
        for isBroken in (True, True, False, True):
            broken[0] = isBroken
            [login] = logIn(portal)
            self.assertEqual(login[1], b"alice")
        self.assertEqual(len(self.events), 4)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_noHash(self) -> None:
        """
        An observer needn't be one that can be in a set.
        """

        @dataclass
        class Keeping:
            last: Any = None

            def __call__(self, event: Any) -> None:
                self.last = event

        keeping = Keeping()
        self.assertRaises(TypeError, hash, keeping)
        [login] = logIn(session(AuditLog(keeping)))
        self.assertEqual(login[1], b"alice")
        self.assertEqual(keeping.last["verdict"], "accepted")

    def test_anyObserver(self) -> None:
        """
        Any observer of the logging system is called, and closed if it can be.
        """
        self.assertTrue(ILogObserver.providedBy(globalLogPublisher))
        logged: list[Any] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        audit = AuditLog(globalLogPublisher)
        logIn(session(audit))
        namespaces = [e["log_namespace"] for e in logged if "verdict" in e]
        self.assertEqual(sorted(namespaces), ["mycred.audit", "mycred.login"])
        audit.close()

    def test_connection(self) -> None:
        """
        Nothing that a transport does when it is asked costs a login.
        """
        connection: Any = Connection("192.0.2.1")
        portal = session(self.audit)
        portal.protocol = connection
        checker = Saying(lambda _: connection.__setattr__("transport", None) or b"alice")
        portal._portal = Portal(Realm(), [CheckerStack([checker], audit=self.audit)])
        logIn(portal)
        self.assertEqual(self.verdicts(), ["accepted"])
