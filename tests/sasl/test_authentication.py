"""
Tests for what leads a client through a login, and leaves it at any point, and for what
it has to know, L{mycred.sasl._context}.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import IBearerToken, IScramCredentials, IUsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    SASLCancelled,
    SASLError,
    TemporaryFailure,
    UnauthorizedLogin,
)
from mycred.portal import SessionPortal
from mycred.sasl import MECHANISMS, Context, authenticate

from ..kit.sasl import KeysChecker, ScramClient, Server, keysOf, portalOf

SCRAM = "SCRAM-SHA-256"


class Waiting:
    """
    A checker that answers when a test says so.
    """

    credentialInterfaces = (IScramCredentials, IUsernamePassword)

    def __init__(self) -> None:
        self.isCancelled = False
        self.waiting: Deferred[Any] = Deferred(self._cancel)
        self.credentials: Any = None

    def _cancel(self, _: object) -> None:
        """
        Note it.
        """
        self.isCancelled = True

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Wait.
        """
        self.credentials = credentials
        return self.waiting


class Line:
    """
    A client that answers when a test says so.

    @ivar asked: the challenges that wait for an answer, and their Deferreds.
    @ivar cancelled: how many of them the server doesn't wait for any more.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Deferred[bytes]]] = []
        self.cancelled = 0

    def ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Wait for an answer.
        """
        answer: Deferred[bytes] = Deferred(self._cancel)
        self.asked.append((challenge, answer))
        return answer

    def _cancel(self, answer: Deferred[bytes]) -> None:
        """
        Count.
        """
        self.cancelled += 1

    def say(self, answer: Callable[[bytes], bytes]) -> None:
        """
        Answer the last challenge.
        """
        challenge, waiting = self.asked[-1]
        waiting.callback(answer(challenge))


class ProtocolTests(SynchronousTestCase):
    """
    Base of tests of a protocol whose client takes its time.
    """

    def setUp(self) -> None:
        self.line = Line()
        self.client = ScramClient()
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "10.1.2.3", 9))
        self.refused: list[Any] = []

    def begin(self, *checkers: Any, **options: Any) -> Any:
        """
        Begin a login over a connection.
        """
        self.server = Server(portalOf(*checkers))
        self.session = SessionPortal(self.server.portal, self, service="imap", **options)
        self.server.portal = self.session
        return self.server.login(SCRAM, self.line.ask, self.client.first)


class LeavingTests(ProtocolTests):
    """
    Tests for logins that are left.
    """

    def points(self) -> dict[str, Callable[[], Any]]:
        """
        Return what brings a login to each point at which it waits.
        """

        def first() -> Any:
            server = Server(portalOf(KeysChecker(alice=keysOf())))
            return server.login(SCRAM, self.line.ask)

        def lookUp() -> Any:
            self.checker = Waiting()
            return self.begin(self.checker)

        def proof() -> Any:
            return self.begin(KeysChecker(alice=keysOf()))

        def verifier() -> Any:
            login = proof()
            self.line.say(self.client.answer)
            return login

        def pretence() -> Any:
            return self.begin(KeysChecker())

        def avatar() -> Any:
            login = verifier()
            self.server.portal.realm.waiting = Deferred()
            self.line.say(self.client.answer)
            return login

        return {f.__name__: f for f in (first, lookUp, proof, verifier, pretence, avatar)}

    def test_cancelled(self) -> None:
        """
        A login can be cancelled at any point: what it waits for is cancelled, and nobody
        is asked anything more.
        """
        for name, reach in self.points().items():
            self.setUp()
            login = reach()
            self.assertNoResult(login)
            asked = len(self.line.asked)
            login.cancel()
            self.failureResultOf(login, CancelledError)
            self.assertEqual(len(self.line.asked), asked, name)
            waits = name in ("first", "proof", "verifier", "pretence")
            self.assertEqual(self.line.cancelled, int(waits), name)
            if name == "lookUp":
                self.assertTrue(self.checker.isCancelled)
            if name == "avatar":
                self.server.portal.realm.waiting.callback(
                    self.server.portal.realm.login()
                )
                self.assertEqual(self.server.portal.realm.logouts, 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_closed(self) -> None:
        """
        So can it when the connection ends.
        """
        for name, reach in self.points().items():
            if name == "first":
                continue
            self.setUp()
            login = reach()
            asked = len(self.line.asked)
            self.session.close()
            self.assertNoResult(login)
            self.assertEqual(len(self.line.asked), asked, name)
            waits = name in ("proof", "verifier", "pretence")
            self.assertEqual(self.line.cancelled, int(waits), name)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_late(self) -> None:
        """
        A checker that finds the keys when nobody waits any more can't have the client
        asked: that may be in the middle of something else.
        """
        for leave in (
            lambda login: self.session.close(),
            lambda login: login.addErrback(lambda _: None).cancel(),
        ):
            self.setUp()
            waiting = Waiting()
            leave(self.begin(waiting))
            proved = waiting.credentials.prove(keysOf())
            self.failureResultOf(proved, UnauthorizedLogin)
            self.assertEqual(self.line.asked, [])

    def test_oddCancellers(self) -> None:
        """
        Whatever a checker answers when it is cancelled, the client isn't asked anything
        more, and the login ends: with any portal, and by each mechanism that has
        something to say to a client that is refused.
        """

        class Odd:
            """
            A checker with a canceller of its own.
            """

            credentialInterfaces = (IScramCredentials, IBearerToken)

            def requestAvatarId(self, credentials: object) -> Deferred[Any]:
                """
                Wait.
                """
                return Deferred(lambda waiting: waiting.callback(answer))

        token = b"n,,\1auth=Bearer token\1\1"
        answers = (
            *(Failure(UnauthorizedLogin()), Failure(TemporaryFailure("down"))),
            *(Failure(AccountDenied(DenialReason.LOCKED)), Failure(ValueError())),
        )
        for answer, isClosed, name in product(answers, (False, True), (SCRAM, None)):
            self.setUp()
            login = self.begin(Odd())
            if name is None:
                login = self.server.login("OAUTHBEARER", self.line.ask, token)
            if isClosed:
                self.session.close()
            login.cancel()
            self.assertEqual(self.line.asked, [])
            self.failureResultOf(login, CancelledError, type(answer.value))
            self.server.portal = portalOf(Odd())
            login = self.server.login(SCRAM, self.line.ask, self.client.first)
            login.cancel()
            self.assertEqual(self.line.asked, [])
            self.failureResultOf(login, CancelledError, type(answer.value))

    def test_lateAvatar(self) -> None:
        """
        An avatar that arrives when nobody waits any more is logged out, in whatever a
        realm answers that protocols take.
        """

        class Deaf(Deferred[Any]):
            """
            A Deferred that can't be cancelled.
            """

            def cancel(self) -> None:
                """
                Do nothing.
                """

        for name, initial, kind in (
            ("PLAIN", b"\0alice\0sesame", tuple),
            ("PLAIN", b"\0alice\0sesame", list),
            (SCRAM, self.client.first, tuple),
        ):
            late, ask = Deaf(), self.line.ask
            context = Context(Server(portalOf()).context.facts)
            mechanism = MECHANISMS[name.encode()]
            login = authenticate(mechanism, context, initial, ask, lambda _, d=late: d)
            login.cancel()
            self.failureResultOf(login, CancelledError)
            loggedOut: list[str] = []
            logout = lambda name=name, told=loggedOut: told.append(name)  # noqa: E731
            late.callback(kind([object, object(), logout]))
            self.assertEqual(loggedOut, [name])

    def test_lost(self) -> None:
        """
        If the protocol fails because the client is gone, so does the login.
        """
        login = self.begin(KeysChecker())
        self.line.asked[-1][1].errback(ConnectionLost())
        self.failureResultOf(login, ConnectionLost)
        self.assertEqual(self.server.portal.realm.asked, [])

    def test_checkerLeaves(self) -> None:
        """
        A checker that refuses while it has the client asked ends the conversation.
        """

        class Impatient(KeysChecker):
            """
            A checker that doesn't wait.
            """

            def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
                """
                Ask, and refuse.
                """
                proved = super().requestAvatarId(credentials)
                if self.isCancelling:
                    proved.addErrback(lambda failure: failure.trap(CancelledError))
                    proved.cancel()
                return fail(TemporaryFailure("too slow"))

        for isCancelling in (True, False):
            self.setUp()
            checker = Impatient(alice=keysOf())
            checker.isCancelling = isCancelling
            login = self.begin(checker)
            self.failureResultOf(login, TemporaryFailure)
            self.assertEqual(self.line.cancelled, 1)
            self.assertEqual(len(self.line.asked), 1)
        self.assertEqual(self.flushLoggedErrors(), [])


class CarelessTests(ProtocolTests):
    """
    Tests for parts of programs that don't do what they have to.
    """

    def test_agreesTooSoon(self) -> None:
        """
        A checker that agrees before the client has proved its password lets nobody in.
        """

        class Careless(KeysChecker):
            """
            A checker that forgets to wait.
            """

            def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
                """
                Ask, and agree.
                """
                super().requestAvatarId(credentials).addErrback(lambda _: None)
                return succeed(credentials.username)

        class Agreeing(KeysChecker):
            """
            A checker that doesn't even ask.
            """

            def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
                """
                Agree.
                """
                return succeed(credentials.username)

        for checker, asked in ((Careless(alice=keysOf()), 1), (Agreeing(), 0)):
            self.setUp()
            login = self.begin(checker)
            self.failureResultOf(login, UnauthorizedLogin)
            realm = self.server.portal.realm
            self.assertEqual((len(realm.asked), realm.logouts), (1, 1))
            self.assertEqual(self.line.cancelled, asked)

    def test_raises(self) -> None:
        """
        What a protocol's own functions raise, the login fails with.
        """

        def ask(challenge: bytes) -> Any:
            raise ValueError("ask")

        def login(credentials: object) -> Any:
            raise ValueError("login")

        for name, initial in ((SCRAM, None), ("CRAM-MD5", None), ("PLAIN", b"\0a\0b")):
            mechanism = MECHANISMS[name.encode()]
            context = Context(Server(portalOf()).context.facts)
            result = authenticate(mechanism, context, initial, ask, login)
            self.failureResultOf(result, ValueError)

    def test_secrets(self) -> None:
        """
        A context doesn't show its secret.
        """
        context = Context(Server(portalOf()).context.facts, b"the secret")
        self.assertNotIn("the secret", repr(context))


class CountTests(ProtocolTests):
    """
    Tests for connections that end after some refused logins.
    """

    def setUp(self) -> None:
        super().setUp()
        lost = SimpleNamespace(loseConnection=lambda: self.refused.append("lost"))
        self.transport = lost
        lost.getPeer = lambda: None

    def test_alike(self) -> None:
        """
        For a name that nobody has the connection ends no sooner than for others.
        """
        for name in (b"alice", b"bob"):
            self.setUp()
            self.client = ScramClient(name=name, password=b"wrong")
            login = self.begin(KeysChecker(alice=keysOf()), mostRefused=1)
            self.assertNoResult(login)
            self.assertEqual(self.refused, [])
            self.line.say(self.client.answer)
            self.failureResultOf(login, UnauthorizedLogin)
            self.assertEqual(self.refused, ["lost"])

    def test_tooMany(self) -> None:
        """
        What comes after the last one is refused without a look-up, for all names, and the
        client isn't asked: salts would tell who is known.
        """
        for name in (b"alice", b"bob"):
            self.setUp()
            self.client = ScramClient(name=name, password=b"wrong")
            login = self.begin(KeysChecker(alice=keysOf()), mostRefused=1)
            self.line.say(self.client.answer)
            self.failureResultOf(login, UnauthorizedLogin)
            login = self.server.login(SCRAM, self.line.ask, self.client.first)
            self.failureResultOf(login, UnauthorizedLogin)
            self.assertEqual(len(self.line.asked), 1)

    def test_temporary(self) -> None:
        """
        A login that nobody can check now doesn't count, and is told so at its end.
        """
        waiting = Waiting()
        login = self.begin(waiting, mostRefused=1)
        waiting.waiting.errback(TemporaryFailure("down"))
        self.assertNoResult(login)
        self.line.say(self.client.answer)
        self.failureResultOf(login, TemporaryFailure)
        self.assertEqual(self.refused, [])

    def test_malformed(self) -> None:
        """
        A client that says what makes no sense, or ends the login, counts.
        """
        for error in (SASLError("malformed"), SASLCancelled("cancelled")):
            self.setUp()
            login = self.begin(KeysChecker(), mostRefused=1)
            self.line.asked[-1][1].errback(error)
            self.assertIs(self.failureResultOf(login, SASLError).value, error)
            self.assertEqual(self.refused, ["lost"])


class LogTests(ProtocolTests):
    """
    Tests for what the log says.
    """

    def setUp(self) -> None:
        super().setUp()
        self.told: list[Any] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: Any) -> None:
        """
        Remember the events of logins.
        """
        if event["log_namespace"] == "mycred.login":
            self.told.append(event)

    def assertTold(self, verdict: str, why: str | None) -> None:
        """
        Assert what the one line says.
        """
        (event,) = self.told
        told = event["verdict"], event.get("why"), event["user"], event["service"]
        self.assertEqual(told, (verdict, why, "alice", "imap"))
        self.assertEqual(event["peer"], "10.1.2.3")

    def test_verdicts(self) -> None:
        """
        A login is told of once, at its end, with the reason that the client doesn't get.
        """
        for password, verdict, why in (
            (b"sesame", "accepted", None),
            (b"wrong", "refused", "wrong password"),
        ):
            self.told.clear()
            self.client = ScramClient(password=password)
            self.line = Line()
            login = self.begin(KeysChecker(alice=keysOf()))
            while not login.called:
                self.assertEqual(self.told, [])
                self.line.say(self.client.answer)
            login.addErrback(lambda _: None)
            self.assertTold(verdict, why)

    def test_beforeCheckers(self) -> None:
        """
        So is a login that no checker gets to see.
        """
        session = SessionPortal(portalOf(), self, service="imap")
        server = Server(session, facts=session.facts)
        login = server.login(SCRAM, iter([]), ScramClient(header=b"n,a=bob,").first)
        self.failureResultOf(login, UnauthorizedLogin)
        self.assertTold("refused", "acting as another user is not allowed")

    def test_noSense(self) -> None:
        """
        What makes no sense is told as the reason.
        """
        login = self.begin(KeysChecker(alice=keysOf()))
        self.line.say(lambda _: b"nonsense")
        self.failureResultOf(login, SASLError)
        self.assertTold("refused", "malformed final message")


class AskTests(SynchronousTestCase):
    """
    Tests for what a protocol is asked to do.
    """

    def test_failures(self) -> None:
        """
        An answer that makes no sense ends each mechanism with that error, and so does the
        end of it by the client.
        """
        for name, mechanism in MECHANISMS.items():
            for error in (SASLError("no base64"), SASLCancelled("cancelled")):
                server = Server(portalOf())
                answers = iter([Failure(error)])
                login = server.login(mechanism.name.decode(), answers)
                self.assertIs(self.failureResultOf(login).value, error, name)
