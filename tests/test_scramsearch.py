"""
Tests for L{mycred._scramsearch}, L{mycred._scramturn} and L{mycred._refusals}:
several checkers that serve SCRAM.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from itertools import product
from typing import Any

from zope.interface import Interface, implementer

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import ScramKeys
from mycred.checkers import CheckerChain, InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import IScramCredentials, UsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginFailed,
    SASLCancelled,
    TemporaryFailure,
    UnauthorizedLogin,
    UnhandledCredentials,
)
from mycred.portal import SessionPortal

from .kit.sasl import ScramClient, Server, keysOf, portalOf
from .kit.scram import Proving

SESAME, TULIP = keysOf(b"sesame"), keysOf(b"tulip")


class Looker:
    """
    A checker of one user, whose look-up ends when a test says so.

    @ivar got: the credentials that it was asked for, in turn.
    @ivar ended: how its logins have ended.
    @ivar looking: what fires when a look-up ends, if it is patient.
    """

    credentialInterfaces: Any = (IScramCredentials,)

    def __init__(
        self,
        keys: ScramKeys | None = None,
        name: bytes = b"alice",
        isPatient: bool = False,
        denied: bool = False,
    ) -> None:
        self.keys = keys
        self.name = name
        self.denied = denied
        self.got: list[Any] = []
        self.ended: list[Any] = []
        self.looking: Deferred[Any] = Deferred()
        if not isPatient:
            self.looking.callback(None)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Look the user up, and have the client prove its password.
        """
        self.got.append(credentials)
        looking: Deferred[Any] = Deferred(lambda _: None)
        self.looking.chainDeferred(looking)
        self.looking = looking
        answer = looking.addCallback(lambda _: self._found(credentials))
        answer.addBoth(self._end)
        return answer

    def _found(self, credentials: Any) -> Any:
        """
        Have the client asked, if the user is known.
        """
        if self.keys is None or credentials.username != self.name:
            credentials.expect(7, 8)
            return Failure(UnauthorizedLogin())
        return credentials.prove(self.keys).addCallback(self._proved)

    def _proved(self, _: object) -> Any:
        """
        Let the user in, or not.
        """
        if self.denied:
            return Failure(AccountDenied(DenialReason.LOCKED))
        return self.name

    def _end(self, result: Any) -> Any:
        """
        Remember the end.
        """
        self.ended.append(getattr(result, "value", result))
        return result


class Saying(Looker):
    """
    A checker that answers without any look-up.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        super().__init__()
        self.answer = answer

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Answer.
        """
        self.got.append(credentials)
        return self.answer(credentials)


def down(credentials: Any) -> Any:
    """
    Say that nothing can be told.
    """
    return fail(TemporaryFailure("down"))


class SearchTestCase(SynchronousTestCase):
    """
    Base of the tests for chains.
    """

    def begin(
        self, *checkers: Any, isPatient: bool = False, **more: Any
    ) -> tuple[Proving, Deferred[Any]]:
        """
        Begin a login.
        """
        credentials = Proving(isPatient=isPatient, **more)
        return credentials, CheckerChain(checkers).requestAvatarId(credentials)

    def outcome(self, *checkers: Any, **more: Any) -> Any:
        """
        Log in.

        @return: the avatar ID or the error.
        """
        ended: list[Any] = []
        self.begin(*checkers, **more)[1].addBoth(ended.append)
        (outcome,) = ended
        return getattr(outcome, "value", outcome)


class DecidingTests(SearchTestCase):
    """
    Tests for which checker decides.
    """

    def test_first(self) -> None:
        """
        The first checker that has keys decides, whichever others have some; the client is
        asked once.
        """
        for before, after in product(range(3), repeat=2):
            others = [Looker() for _ in range(before)]
            mine, theirs = Looker(SESAME), [Looker(TULIP) for _ in range(after)]
            checkers = [*others, mine, *theirs]
            credentials, login = self.begin(*checkers)
            self.assertEqual(self.successResultOf(login), b"alice")
            self.assertEqual(credentials.asked, [SESAME])
            self.assertEqual([len(one.got) for one in checkers], [1] * len(checkers))
            credentials, login = self.begin(*checkers, password=b"tulip")
            error = self.failureResultOf(login).value
            self.assertIs(type(error), UnauthorizedLogin)
            self.assertEqual(credentials.asked, [SESAME])

    def test_nobody(self) -> None:
        """
        If none has keys, the client isn't asked; the checkers say what is expected.
        """
        credentials, login = self.begin(Looker(), Looker())
        self.assertIs(type(self.failureResultOf(login).value), UnauthorizedLogin)
        self.assertEqual(credentials.asked, [])
        self.assertEqual(credentials.expected, [(7, 8), (7, 8)])

    def test_allLookBefore(self) -> None:
        """
        The client is asked when all checkers have looked, whoever has keys: the time
        until then is the same for all names.
        """
        for keys in ((None, None), (SESAME, None), (None, SESAME), (SESAME, SESAME)):
            checkers = [Looker(one, isPatient=True) for one in keys]
            credentials, login = self.begin(*checkers)
            self.assertEqual([len(one.got) for one in checkers], [1, 0])
            checkers[0].looking.callback(None)
            self.assertEqual([len(one.got) for one in checkers], [1, 1])
            self.assertEqual(credentials.asked, [])
            self.assertNoResult(login)
            checkers[1].looking.callback(None)
            self.assertEqual(credentials.asked, [SESAME] if any(keys) else [])
            login.addErrback(lambda _: None)
            self.assertTrue(login.called)

    def test_othersEnd(self) -> None:
        """
        The checkers that don't decide end as if the client had gone, before it answers.
        """
        first, second, third = Looker(SESAME), Looker(TULIP), Looker()
        credentials, login = self.begin(first, second, third, isPatient=True)
        self.assertEqual(first.ended, [])
        self.assertIsInstance(second.ended[0], CancelledError)
        self.assertIsInstance(third.ended[0], UnauthorizedLogin)
        self.assertNoResult(login)
        credentials.answer()
        self.assertEqual(self.successResultOf(login), b"alice")
        self.assertEqual(first.ended, [b"alice"])

    def test_denied(self) -> None:
        """
        A denial after the proof is handed on, and only then.
        """
        checkers = Looker(), Looker(SESAME, denied=True), Looker(SESAME)
        self.assertIs(type(self.outcome(*checkers)), AccountDenied)
        wrong = self.outcome(*checkers, password=b"x")
        self.assertIs(type(wrong), UnauthorizedLogin)

    def test_withoutAsking(self) -> None:
        """
        A checker that accepts or denies without asking the client decides in its turn:
        nobody is asked, and the others have looked.
        """
        denied = AccountDenied(DenialReason.LOCKED)
        for answer, expected in ((succeed(b"x"), b"x"), (fail(denied), denied)):
            saying = Saying(lambda _, answer=answer: answer)
            after = Looker(SESAME)
            credentials, login = self.begin(Looker(), saying, after)
            ended: list[Any] = []
            login.addBoth(ended.append)
            self.assertEqual([getattr(e, "value", e) for e in ended], [expected])
            self.assertEqual(credentials.asked, [])
            self.assertEqual(len(after.got), 1)
        saying = Saying(lambda _: succeed(b"x"))
        self.assertEqual(self.outcome(Looker(SESAME), saying), b"alice")
        wrong = self.outcome(Looker(SESAME), saying, password=b"x")
        self.assertIs(type(wrong), UnauthorizedLogin)

    def test_one(self) -> None:
        """
        A single checker, and one beside others that serve something else, gets the
        credentials themselves.
        """
        checker = Looker(SESAME)
        other = Looker(SESAME)
        other.credentialInterfaces = ()
        credentials, login = self.begin(other, checker)
        self.assertEqual(self.successResultOf(login), b"alice")
        self.assertIs(checker.got[0], credentials)
        self.assertEqual(other.got, [])

    def test_otherCredentials(self) -> None:
        """
        For passwords a chain is as it was: a checker that accepts ends the search.
        """
        first = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        chain = CheckerChain([first, Looker(SESAME)])
        asking = chain.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
        self.assertEqual(self.successResultOf(asking), b"alice")


class TroubleTests(SearchTestCase):
    """
    Tests for checkers that can't tell, and for those that do what they shouldn't.
    """

    def test_down(self) -> None:
        """
        While a checker is down others let their users in.  Whoever isn't let in is told
        that it is down, whether the name is known or not.
        """
        for checkers in (
            (Saying(down), Looker(SESAME)),
            (Looker(SESAME), Saying(down)),
            (Looker(), Saying(down), Looker(SESAME)),
        ):
            self.assertEqual(self.outcome(*checkers), b"alice")
            for unlucky in ({"password": b"x"}, {"username": b"eve"}):
                credentials, login = self.begin(*checkers, **unlucky)
                self.failureResultOf(login, TemporaryFailure)
                self.assertEqual(len(credentials.asked), int("password" in unlucky))

    def test_raises(self) -> None:
        """
        A checker that raises is one that can't tell, and is logged.
        """

        def broken(credentials: Any) -> Any:
            raise RuntimeError("a defect")

        self.assertEqual(self.outcome(Saying(broken), Looker(SESAME)), b"alice")
        outcome = self.outcome(Looker(), Saying(broken))
        self.assertIs(type(outcome), TemporaryFailure)
        # Each may be logged more than once.
        self.assertTrue(self.flushLoggedErrors(RuntimeError))

    def test_unhandled(self) -> None:
        """
        Checkers that aren't for such credentials after all are passed over.
        """
        saying = Saying(lambda _: fail(UnhandledCredentials()))
        self.assertEqual(self.outcome(saying, Looker(SESAME)), b"alice")
        outcome = self.outcome(saying, Saying(lambda _: fail(UnhandledCredentials())))
        self.assertIs(type(outcome), UnhandledCredentials)

    def test_conversationFails(self) -> None:
        """
        What the client says that makes no sense comes out as it is, and so does its end
        of the login, though a checker is down.
        """
        error = SASLCancelled()
        credentials, login = self.begin(Looker(SESAME), Saying(down), isPatient=True)
        assert credentials.waiting is not None
        credentials.waiting.errback(error)
        self.assertIs(self.failureResultOf(login).value, error)

    def test_proveRaises(self) -> None:
        """
        Credentials that can't ask the client let nobody in.
        """

        class Broken(Proving):
            def prove(self, keys: ScramKeys) -> Any:
                raise ValueError("keys for another hash")

        login = CheckerChain([Looker(SESAME), Looker()]).requestAvatarId(Broken())
        self.failureResultOf(login, TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_doesNotWait(self) -> None:
        """
        A checker that accepts without waiting for the proof that it has asked for is
        waited for, and accepts nothing without that.
        """

        def hasty(credentials: Any) -> Any:
            credentials.prove(SESAME).addErrback(lambda _: None)
            return succeed(b"alice")

        credentials, login = self.begin(Saying(hasty), Looker(), isPatient=True)
        self.assertNoResult(login)
        credentials.answer()
        self.assertEqual(self.successResultOf(login), b"alice")
        outcome = self.outcome(Saying(hasty), Looker(), password=b"x")
        self.assertIs(type(outcome), UnauthorizedLogin)

    def test_asksTwice(self) -> None:
        """
        A checker can have the client asked once, and not any more when it has refused.
        """
        refused: list[Failure] = []

        def twice(credentials: Any) -> Any:
            proof = credentials.prove(TULIP)
            credentials.prove(SESAME).addErrback(refused.append)
            return proof.addCallback(lambda _: b"alice")

        def late(credentials: Any) -> Any:
            return fail(UnauthorizedLogin())

        self.assertIs(type(self.outcome(Saying(twice), Looker())), UnauthorizedLogin)
        self.assertEqual(len(refused), 1)
        saying = Saying(late)
        credentials, login = self.begin(saying, Looker(SESAME), isPatient=True)
        saying.got[0].prove(TULIP).addErrback(refused.append)
        self.assertEqual(len(refused), 2)
        self.assertEqual(credentials.asked, [SESAME])
        credentials.answer()
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_everyOrder(self) -> None:
        """
        Whatever three checkers do, and whenever, nobody gets in with a wrong password,
        and each login ends.
        """

        def kinds() -> Iterator[Callable[[], Looker]]:
            yield lambda: Looker()
            yield lambda: Looker(SESAME)
            yield lambda: Looker(TULIP)
            yield lambda: Looker(SESAME, isPatient=True)
            yield lambda: Looker(isPatient=True)
            yield lambda: Saying(down)

        for makers in product(kinds(), repeat=3):
            for password in (b"sesame", b"x"):
                checkers = [make() for make in makers]
                credentials, login = self.begin(*checkers, password=password)
                ended: list[Any] = []
                login.addBoth(ended.append)
                for checker in checkers:
                    if not checker.looking.called:
                        self.assertEqual(credentials.asked, [])
                        checker.looking.callback(None)
                keys = [one.keys for one in checkers if one.keys is not None]
                isRight = keys[:1] == [SESAME] and password == b"sesame"
                self.assertEqual(ended == [b"alice"], isRight)
                self.assertEqual(credentials.asked, keys[:1])
                if not isRight:
                    self.assertTrue(ended[0].check(LoginFailed))


class CancelTests(SearchTestCase):
    """
    Tests for clients that go.
    """

    def test_lookingUp(self) -> None:
        """
        While a checker looks, it is told to stop, and so are those that have keys; no
        other is asked, and the client isn't either.
        """
        first, second, third = Looker(SESAME), Looker(isPatient=True), Looker(SESAME)
        credentials, login = self.begin(first, second, third)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertIsInstance(first.ended[0], CancelledError)
        self.assertIsInstance(second.ended[0], CancelledError)
        self.assertEqual(third.got, [])
        self.assertEqual(credentials.asked, [])

    def test_asking(self) -> None:
        """
        While the client is asked, that ends.
        """
        checkers = Looker(SESAME), Looker(SESAME)
        credentials, login = self.begin(*checkers, isPatient=True)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertEqual(credentials.cancelled, 1)
        self.assertIsInstance(checkers[0].ended[0], CancelledError)

    def test_never(self) -> None:
        """
        A checker that never answers, not even when it is told to stop, keeps nobody in
        memory once the client has gone.
        """
        saying = Saying(lambda credentials: Deferred(lambda d: None))
        first = Looker(SESAME)
        credentials, login = self.begin(first, saying)
        self.assertNoResult(login)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        kept = weakref.ref(credentials)
        del credentials, login, saying.got[:], first.got[:], first.ended[:]
        first.looking = saying.looking = Deferred()
        gc.collect()
        self.assertIsNone(kept())

    def test_session(self) -> None:
        """
        The end of the connection ends the login, in the middle of the conversation.
        """
        portal = SessionPortal(portalOf(Looker(SESAME), Looker(TULIP)))
        client, heard = ScramClient(), []

        def answer(challenge: bytes) -> Any:
            heard.append(challenge)
            return client.answer(challenge) if not challenge else Deferred(heard.append)

        ended: list[Any] = []
        Server(portal).login("SCRAM-SHA-256", answer).addBoth(ended.append)
        self.assertEqual(len(heard), 2)
        portal.close()
        # What was waited for was cancelled, and nobody is told.
        self.assertIsInstance(heard[-1], Deferred)
        self.assertEqual(ended, [])


class LentTests(SearchTestCase):
    """
    Tests for the credentials that each checker gets.
    """

    def test_subclass(self) -> None:
        """
        They are of a program's own class, provide what its do, and have what its have;
        what a checker sets there, the program finds.
        """

        class IOwn(Interface):
            pass

        @implementer(IOwn)
        class Own(Proving):
            seat = 3

            def greet(self) -> bytes:
                return b"hello " + self.username

        def look(credentials: Any) -> Any:
            self.assertIsInstance(credentials, Own)
            self.assertTrue(IOwn.providedBy(credentials))
            self.assertTrue(IScramCredentials.providedBy(credentials))
            self.assertEqual((credentials.seat, credentials.greet()), (3, b"hello alice"))
            self.assertFalse(hasattr(credentials, "nothing"))
            credentials.seat = 4
            credentials.note = "x"
            del credentials.note
            return fail(UnauthorizedLogin())

        own = Own()
        login = CheckerChain([Saying(look), Looker(SESAME)]).requestAvatarId(own)
        self.assertEqual(self.successResultOf(login), b"alice")
        self.assertEqual(own.seat, 4)
        self.assertFalse(hasattr(own, "note"))

    def test_copies(self) -> None:
        """
        A checker may make a copy of them, with another name, and ask the client by it.
        """
        for copied in (copy, deepcopy):

            def look(credentials: Any, copied: Any = copied) -> Any:
                other = copied(credentials)
                other.username = b"bob"
                self.assertIsInstance(other, Proving)
                self.assertEqual(credentials.username, b"alice")
                return other.prove(SESAME).addCallback(lambda _: other.username)

            for checkers in ([Saying(look), Looker()], [Looker(), Saying(look)]):
                login = CheckerChain(checkers).requestAvatarId(Proving())
                self.assertEqual(self.successResultOf(login), b"bob")

    def test_nested(self) -> None:
        """
        A chain in a chain waits for all checkers, its own and the others.
        """
        inner = CheckerChain([Looker(), Looker(SESAME)])
        last = Looker(TULIP, isPatient=True)
        credentials, login = self.begin(Looker(), inner, last)
        self.assertEqual(credentials.asked, [])
        last.looking.callback(None)
        self.assertEqual(credentials.asked, [SESAME])
        self.assertEqual(self.successResultOf(login), b"alice")
        nested = CheckerChain([inner, CheckerChain([last])])
        self.assertEqual(self.outcome(nested, Looker()), b"alice")
        wrong = self.outcome(nested, Looker(), password=b"x")
        self.assertIs(type(wrong), UnauthorizedLogin)

    def test_logged(self) -> None:
        """
        The log gets one line for a login, by the checker that has decided.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        memory = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        portal = SessionPortal(portalOf(Looker(), memory, Looker(TULIP)))
        for password in (b"sesame", b"x"):
            client = ScramClient(password=password)
            login = Server(portal).login("SCRAM-SHA-256", client.answer)
            login.addErrback(lambda failure: None)
        told = [formatEvent(e) or "" for e in events]
        lines = [one for one in told if one.startswith("Login ")]
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], 'Login accepted: user="alice".*by=memory')
        self.assertRegex(lines[1], 'Login refused: user="alice".*by=memory')

    def test_loggedAlike(self) -> None:
        """
        As much is logged for a name that a checker knows as for others, before the client
        has proved anything and after: what is logged takes time, which a client sees.
        """
        for checkers in (
            (Looker(SESAME), Looker(), Looker()),
            (Looker(), Looker(), Looker(SESAME)),
            (Looker(), Saying(down), Looker(SESAME)),
            (Looker(SESAME), Looker(TULIP)),
        ):
            known, unknown = (
                self._loggedFor(name, checkers) for name in (b"alice", b"eve")
            )
            self.assertEqual(known, unknown)
            self.assertEqual(known, (len(checkers), 1))

    def _loggedFor(self, name: bytes, checkers: tuple[Any, ...]) -> tuple[int, int]:
        """
        Return how many events are logged before the client's proof, which is wrong, and
        after it.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        client = ScramClient(name=name, password=b"x")
        said: Deferred[bytes] = Deferred()
        server = Server(SessionPortal(portalOf(*checkers)))
        login = server.login("SCRAM-SHA-256", iter([said]), client.first)
        before = len(events)
        said.callback(client.answer(server.sent[0]))
        self.failureResultOf(login, LoginFailed)
        globalLogPublisher.removeObserver(events.append)
        return before, len(events) - before
