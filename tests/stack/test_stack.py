"""
Tests for L{mycred._stack._stack} and L{mycred.stack}: checkers with what stands around
them, as one checker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import Interface
from zope.interface.verify import verifyObject

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import StringTransport
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._chain import checkersFor
from mycred._metrics._counts import LoginCounts
from mycred.checkers import (
    AllowAnonymousAccess,
    CheckerChain,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.credentials import (
    Anonymous,
    BearerToken,
    CertificateCredentials,
    CramMD5Credentials,
    DigestedCredentials,
    IAnonymous,
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
    SSHPrivateKey,
    UsernamePassword,
)
from mycred.error import TemporaryFailure, Throttled, UnauthorizedLogin
from mycred.portal import ConnectionFacts, Portal, SessionPortal
from mycred.sasl import mechanismsFor
from mycred.stack import AuditLog, CheckerStack, LoginCache, Throttle

from ..kit.portals import Checker, raising
from ..kit.sasl import KeysChecker, ScramClient, Server, keysOf, portalOf
from ..kit.sessions import Realm, localTransport, makeChecker
from ..kit.sharedstate import SharedState

ALICE = UsernamePassword(b"alice", b"sesame")
EVE = UsernamePassword(b"alice", b"guess")

KINDS = (
    IUsernamePassword,
    IUsernameHashedPassword,
    IUsernameDigestHash,
    IScramCredentials,
    ISSHPrivateKey,
    ICertificateCredentials,
    IBearerToken,
    IAnonymous,
)


class Around:
    """
    What stands around checkers, as a throttle and a cache do.

    @ivar state: where it counts.
    @ivar asked: the credentials that it was asked about.
    """

    state = object()

    def __init__(self, name: str = "", told: list[str] | None = None) -> None:
        self.name = name
        self.told = [] if told is None else told
        self.asked: list[Any] = []
        self.isClosed = False

    def around(self, *arguments: Any) -> Callable[[Any], Any]:
        """
        Return what asks.
        """
        ask = arguments[-1]

        def pass_(credentials: Any, asked: Any) -> Any:
            self.asked.append(credentials)
            self.told.append(self.name)
            return ask(credentials, asked)

        return pass_

    def close(self) -> None:
        """
        Remember that.
        """
        self.isClosed = True


class Shut(Around):
    """
    A throttle that lets nobody through.
    """

    def around(self, *arguments: Any) -> Callable[[Any], Any]:
        """
        Return what asks.
        """

        def refuse(credentials: Any, asked: Any) -> Any:
            self.asked.append(credentials)
            return fail(Throttled(7.5))

        return refuse


class Closing(Checker):
    """
    A checker of everything, with connections, and a file.
    """

    credentialInterfaces = KINDS
    opensLater = ("/etc/users",)

    def close(self) -> Any:
        """
        Close them.
        """
        return self.answer()


class Audit(list[Any]):
    """
    What is told how logins end.
    """

    writesLater = ("/var/log/logins",)

    def __call__(self, event: Any) -> None:
        self.append((event.verdict, getattr(event.checker, "name", None), event.avatarId))

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class Named(InMemoryUsernamePasswordDatabaseDontUse):
    """
    A checker that knows Alice, and has a name.
    """

    def __init__(self, name: str, password: bytes = b"sesame") -> None:
        super().__init__(alice=password)
        self.name = name


class StackTestCase(SynchronousTestCase):
    """
    Base of the tests below.
    """

    def setUp(self) -> None:
        self.audit = Audit()
        self.realm = Realm()
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.events = events

    def stack(self, *checkers: Any, **more: Any) -> CheckerStack:
        """
        Make a stack that tells C{self.audit}.
        """
        return CheckerStack(checkers, audit=self.audit, **more)

    def lines(self) -> list[str]:
        """
        Return how logins have ended, as the log has it.
        """
        return [
            str(formatEvent(event))
            for event in self.events
            if event.get("log_namespace") == "mycred.login"
        ]


class CheckerStackTests(StackTestCase):
    """
    Tests for L{CheckerStack} as a checker.
    """

    def test_interface(self) -> None:
        """
        It is a checker of all that its checkers check, in their order.
        """
        checkers = [makeChecker(), AllowAnonymousAccess()]
        stack = CheckerStack(checkers)
        verifyObject(ICredentialsChecker, stack)
        self.assertEqual(
            stack.credentialInterfaces, CheckerChain(checkers).credentialInterfaces
        )
        self.assertEqual(stack.checkers, tuple(checkers))
        self.assertEqual(self.successResultOf(stack.requestAvatarId(ALICE)), b"alice")
        self.failureResultOf(stack.requestAvatarId(EVE), UnauthorizedLogin)

    def test_order(self) -> None:
        """
        A login passes the throttle, then the cache, then the checkers.
        """
        told: list[str] = []
        stack = self.stack(
            Checker(lambda: told.append("checker") or succeed(b"alice")),
            throttle=Around("throttle", told),
            cache=Around("cache", told),
            metrics=lambda event: told.append(event.verdict),
        )
        self.successResultOf(stack.requestAvatarId(ALICE))
        self.assertEqual(told, ["throttle", "cache", "checker", "accepted"])

    def test_nested(self) -> None:
        """
        A stack in a stack is refused, also within a chain: a guess would cost twice.
        """
        stack = CheckerStack([makeChecker()])
        for within in (stack, CheckerChain([makeChecker(), stack])):
            self.assertRaises(ValueError, CheckerStack, [within])

    def test_state(self) -> None:
        """
        Programs find what their processes share where the throttle counts.
        """
        throttle = Around()
        self.assertIs(self.stack(throttle=throttle).state, throttle.state)
        self.assertIsNone(self.stack().state)

    def test_paths(self) -> None:
        """
        It says which files are read and written at logins, so that C{--uid} is told.
        """
        chain = CheckerChain([Closing(object), makeChecker()])
        stack = self.stack(chain, Closing(object))
        self.assertEqual(stack.opensLater, ("/etc/users", "/etc/users"))
        self.assertEqual(stack.writesLater, ("/var/log/logins",))
        self.assertEqual(CheckerStack([]).writesLater, ())

    def test_close(self) -> None:
        """
        Closing it closes the checkers, and what stands around them; one that can't be
        closed keeps none of the others open.
        """
        later: Deferred[None] = Deferred()
        throttle, cache = Around(), Around()
        stack = self.stack(
            CheckerChain([Closing(raising(ValueError("broken")))]),
            Closing(lambda: later),
            makeChecker(),
            throttle=throttle,
            cache=cache,
        )
        closing = stack.close()
        self.assertTrue(throttle.isClosed and cache.isClosed)
        self.assertNoResult(closing)
        later.callback(None)
        self.assertIsNone(self.successResultOf(closing))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class AskedTests(StackTestCase):
    """
    Tests for what asks checkers: it gets to all of a stack, and never past it.
    """

    def credentials(self) -> list[Any]:
        """
        Return credentials of each kind.
        """
        cram = CramMD5Credentials()
        cram.getChallenge()
        cram.setResponse(b"alice 0")
        return [
            ALICE,
            cram,
            DigestedCredentials(b"alice", b"GET", b"mycred", {}),
            SSHPrivateKey(b"alice", b"ssh-ed25519", b"", None, None),
            CertificateCredentials(None, (), b""),  # type: ignore[arg-type]
            BearerToken(b"token", b""),
            Anonymous(),
        ]

    def test_kinds(self) -> None:
        """
        Credentials of no kind get to a checker of a stack but by its throttle, whatever
        the portal: alone, beside other checkers, and within a chain.
        """
        for credentials in self.credentials():
            for make in (TwistedPortal, Portal, self.session):
                part, throttle = Closing(object), Shut()
                stack = self.stack(part, throttle=throttle)
                beside = Checker(raising(UnauthorizedLogin()))
                for checkers in ([stack], [beside, stack], [CheckerChain([stack])]):
                    login = make(self.realm, checkers).login(credentials, None, Interface)
                    self.failureResultOf(login, TemporaryFailure)
                self.assertEqual(throttle.asked, [credentials] * 3)
                self.assertEqual(part.asked, 0)
        self.assertEqual({verdict for verdict, *_ in self.audit}, {"throttled"})

    def session(self, realm: Any, checkers: Any) -> SessionPortal:
        """
        Make the portal of a connection.
        """
        return SessionPortal(Portal(realm, checkers))

    def test_mechanisms(self) -> None:
        """
        A stack is offered by the mechanisms that its checkers can serve, and each of them
        passes the throttle.
        """
        keys = KeysChecker(alice=keysOf())
        checkers = [makeChecker(), keys, Closing(object)]
        facts = ConnectionFacts(localTransport())
        throttle = Shut()
        stack = self.stack(*checkers, throttle=throttle)
        served = portalOf(stack)
        self.assertEqual(
            list(mechanismsFor(served, facts)),
            list(mechanismsFor(portalOf(*checkers), facts)),
        )
        for name, answer in (
            ("PLAIN", iter([b"\0alice\0sesame"])),
            ("CRAM-MD5", iter([b"alice " + b"0" * 32])),
            ("OAUTHBEARER", iter([b"n,,\1auth=Bearer token\1\1", b"\1"])),
            ("SCRAM-SHA-256", ScramClient().answer),
        ):
            self.assertIn(name.encode(), mechanismsFor(served, facts))
            login = Server(served, facts=facts).login(name, answer)
            self.failureResultOf(login, TemporaryFailure)
        self.assertEqual(len(throttle.asked), 4)
        self.assertEqual(checkers[2].asked, 0)

    def test_scram(self) -> None:
        """
        SCRAM finds the keys in a stack, alone and beside other checkers.
        """
        for checkers in (
            [self.stack(KeysChecker(alice=keysOf()))],
            [self.stack(KeysChecker(), KeysChecker(alice=keysOf()))],
            [KeysChecker(), self.stack(KeysChecker(), KeysChecker(alice=keysOf()))],
        ):
            client = ScramClient()
            login = Server(portalOf(*checkers)).login("SCRAM-SHA-256", client.answer)
            self.successResultOf(login)
            self.assertTrue(client.isTrusted)
        self.assertEqual([verdict for verdict, *_ in self.audit], ["accepted"] * 3)

    def test_scramLater(self) -> None:
        """
        So does one whose throttle waits for a state that others share; the salt is sent
        when that has answered, and not before.
        """
        for password, verdict in ((b"sesame", "accepted"), (b"x", "refused")):
            state: Any = SharedState()
            checkers = KeysChecker(), KeysChecker(alice=keysOf())
            stack = self.stack(*checkers, throttle=Throttle(state))
            client = ScramClient(password=password)
            login = Server(portalOf(stack)).login("SCRAM-SHA-256", client.answer)
            login.addErrback(lambda failure: None)
            self.assertNoResult(login)
            self.assertNotIn(b"s=", b"".join(client.heard))
            state.answer()
            self.successResultOf(login)
            self.assertEqual(client.isTrusted, verdict == "accepted")
            [(told, _, avatarId)] = self.audit
            self.assertEqual((told, avatarId is None), (verdict, verdict == "refused"))
            self.audit.clear()

    def test_parts(self) -> None:
        """
        Whoever looks at the checkers of a portal sees those in a stack.
        """
        first, second = makeChecker(), makeChecker()
        portal = Portal(self.realm, [self.stack(first, AllowAnonymousAccess()), second])
        self.assertEqual(checkersFor(IUsernamePassword, portal.checkers), [first, second])


class OutcomeTests(StackTestCase):
    """
    Tests for what is told of logins, by each kind of portal.
    """

    def portals(self, *checkers: Any) -> list[Any]:
        """
        Return portals of each kind.
        """
        connection = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 25))
        protocol: Any = type("Protocol", (), {"transport": connection})()
        bare = Portal(self.realm, checkers)
        return [
            TwistedPortal(self.realm, checkers),
            bare,
            SessionPortal(bare, protocol, service="test"),
        ]

    def told(self) -> list[Any]:
        """
        Return what the audit log was told since.
        """
        told = list(self.audit)
        self.audit.clear()
        return told

    def test_once(self) -> None:
        """
        It is told once how a login has ended, and by which checker: also where that
        checker couldn't tell at once, and where others were asked before.
        """
        later = Checker(lambda: self.waiting)
        stack = self.stack(Named("first", b"other"), Named("second"), later)
        for portal in self.portals(stack):
            self.successResultOf(portal.login(ALICE, None, Interface))
            self.assertEqual(self.told(), [("accepted", "second", b"alice")])
            self.waiting: Deferred[bytes] = Deferred()
            login = portal.login(EVE, None, Interface)
            self.assertEqual(self.told(), [])
            self.waiting.errback(UnauthorizedLogin())
            self.failureResultOf(login, UnauthorizedLogin)
            [(verdict, _, avatarId)] = self.told()
            self.assertEqual((verdict, avatarId), ("refused", None))
            self.waiting = Deferred()
            login = portal.login(EVE, None, Interface)
            self.waiting.callback(b"eve")
            self.successResultOf(login)
            self.assertEqual(self.told(), [("accepted", None, b"eve")])
            self.waiting = Deferred()
            login = portal.login(EVE, None, Interface)
            login.cancel()
            self.failureResultOf(login)
            self.assertEqual([verdict for verdict, *_ in self.told()], ["cancelled"])
            self.assertFalse(hasattr(EVE, "_mycredReporter"))

    def test_later(self) -> None:
        """
        It is known which checker has accepted, too, where none is asked at once, since
        the throttle waits for others.
        """
        state: Any = SharedState()
        stack = self.stack(
            Named("first", b"other"), Named("second"), throttle=Throttle(state)
        )
        for portal, lines in zip(self.portals(stack), (1, 0, 1)):
            self.events.clear()
            login = portal.login(ALICE, None, Interface)
            self.assertNoResult(login)
            state.answer()
            self.successResultOf(login)
            self.assertEqual(self.told(), [("accepted", "second", b"alice")])
            self.assertEqual(len(self.lines()), lines)
            self.assertFalse(hasattr(ALICE, "_mycredReporter"))

    def test_logged(self) -> None:
        """
        The log gets what it gets without a stack: one line of a login, and under mycred's
        own bare portal none of one that is accepted.
        """
        for checkers in ([makeChecker()], [self.stack(makeChecker())]):
            counts = []
            for portal in self.portals(*checkers):
                for credentials in (ALICE, EVE):
                    self.events.clear()
                    portal.login(credentials, None, Interface).addErrback(lambda _: None)
                    counts.append(len(self.lines()))
            self.assertEqual(counts, [1, 1, 0, 1, 1, 1])

    def test_silent(self) -> None:
        """
        Without an audit log the log gets the same.
        """
        for portal in self.portals(CheckerStack([makeChecker()])):
            self.events.clear()
            self.failureResultOf(portal.login(EVE, None, Interface))
            [line] = self.lines()
            self.assertIn('why="wrong password" by=memory', line)

    def test_realm(self) -> None:
        """
        A portal of a connection has it told of what the realm says, too.
        """
        stack = self.stack(makeChecker())
        portal = self.portals(stack)[-1]
        self.realm.waiting = fail(UnauthorizedLogin("no mailbox"))
        self.failureResultOf(portal.login(ALICE, None, Interface))
        self.assertEqual([verdict for verdict, *_ in self.told()], ["refused"])

    def test_two(self) -> None:
        """
        Two stacks that a login passes tell what they share once.
        """
        first, second = self.stack(Named("first", b"other")), self.stack(Named("second"))
        portal = self.portals(first, second)[-1]
        self.successResultOf(portal.login(ALICE, None, Interface))
        self.assertEqual(self.told(), [("accepted", "second", b"alice")])

    def test_throttled(self) -> None:
        """
        A login that has to wait is told so, with the time; a checker beside the stack may
        let the user in all the same.
        """
        shut = self.stack(makeChecker(), throttle=Shut())
        for portal in self.portals(shut):
            error = self.failureResultOf(portal.login(ALICE, None, Interface)).value
            self.assertEqual(error.retryAfter, 7.5)
            self.assertEqual([verdict for verdict, *_ in self.told()], ["throttled"])
        portal = Portal(self.realm, [shut, makeChecker()])
        self.successResultOf(portal.login(ALICE, None, Interface))
        self.failureResultOf(portal.login(EVE, None, Interface), TemporaryFailure)

    def test_throttledBy(self) -> None:
        """
        The log says that it is the stack which has a login wait: also by a portal of a
        connection around Twisted's own.
        """
        shut = self.stack(makeChecker(), throttle=Shut())
        session = SessionPortal(TwistedPortal(self.realm, [shut]))
        for portal in (*self.portals(shut), session):
            self.events.clear()
            self.failureResultOf(portal.login(ALICE, None, Interface), Throttled)
            [line] = self.lines()
            self.assertIn(" by=stack", line)

    def test_defect(self) -> None:
        """
        A checker that raises what is no refusal is a temporary failure, as in a chain.
        """
        for portal in self.portals(self.stack(Checker(raising(KeyError("alice"))))):
            self.failureResultOf(portal.login(ALICE, None, Interface), TemporaryFailure)
            self.assertEqual([verdict for verdict, *_ in self.told()], ["temporary"])
            self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)


class CountedTests(StackTestCase):
    """
    Tests for metrics that count logins through a stack.
    """

    def counted(self, metrics: Any, **more: Any) -> dict[Any, float]:
        """
        Log in, rightly and wrongly, and return how many logins were counted.
        """
        stack = CheckerStack([makeChecker()], metrics=metrics, **more)
        portal = Portal(self.realm, [stack])
        self.successResultOf(portal.login(ALICE, None, Interface))
        self.failureResultOf(portal.login(EVE, None, Interface), UnauthorizedLogin)
        self.successResultOf(portal.login(ALICE, None, Interface))
        return {
            (family, labels): value
            for family, suffix, labels, value in metrics.samples()
            if suffix in ("_total", "_count") and value
        }

    def test_same(self) -> None:
        """
        They count the same whether something else takes the events or not.
        """
        alone = self.counted(LoginCounts(), cache=LoginCache(60))
        self.assertEqual(sum(alone.values()), 9)
        self.assertIn(("mycred_login_cache_lookups", (("result", "hit"),)), alone)
        for audit in (AuditLog(), self.audit):
            found = self.counted(LoginCounts(), cache=LoginCache(60), audit=audit)
            self.assertEqual(found, alone)
        self.assertEqual(len(self.audit), 3)

    def test_events(self) -> None:
        """
        A subclass of a program's that wants the events gets them.
        """
        verdicts = []

        class Wanting(LoginCounts):
            def __call__(self, event: Any) -> None:
                verdicts.append(event.verdict)

        self.counted(Wanting())
        self.assertEqual(verdicts, ["accepted", "refused", "accepted"])

    def test_broken(self) -> None:
        """
        What fails to count costs no login, and is logged.
        """

        class Broken(LoginCounts):
            def countLogin(self, *args: Any) -> None:
                raise ZeroDivisionError

        self.assertEqual(self.counted(Broken()), {})
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    def test_unobserved(self) -> None:
        """
        An audit log without observers isn't told of logins.
        """
        self.assertEqual(CheckerStack([], audit=AuditLog()).watchers, ())
        audit = AuditLog(lambda event: None)
        self.assertEqual(CheckerStack([], audit=audit).watchers, (audit,))
