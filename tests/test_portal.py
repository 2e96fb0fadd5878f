"""
Tests for L{mycred.portal} and L{mycred._cancelling}.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

from zope.interface import Interface, implementer

from twisted.cred.checkers import (
    InMemoryUsernamePasswordDatabaseDontUse as TwistedInMemory,
)
from twisted.cred.credentials import UsernamePassword as TwistedUsernamePassword
from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail, succeed
from twisted.python.failure import Failure
from twisted.spread.pb import IPBRoot
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import (
    AllowAnonymousAccess,
    CheckerChain,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.credentials import (
    Anonymous,
    CramMD5Credentials,
    IAnonymous,
    ICredentials,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
    UsernamePassword,
)
from mycred.error import TemporaryFailure, UnauthorizedLogin, UnhandledCredentials
from mycred.portal import IRealm, Portal

from .kit.portals import ALICE, Checker, raising


class IMailbox(Interface):
    """
    What a protocol asks for.
    """


class INewsgroup(Interface):
    """
    What another protocol asks for.
    """


@implementer(IRealm)
class Realm:
    """
    A realm that answers what it is told to, and remembers what it was asked.
    """

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.logouts = 0
        self.answer = answer or (lambda: (IMailbox, "avatar", self.logout))

    def logout(self) -> None:
        """
        Count.
        """
        self.logouts += 1

    def requestAvatar(self, *args: Any) -> Any:
        """
        Answer.
        """
        self.asked.append(args)
        return self.answer()


class IDerived(IUsernamePassword):
    """
    Credentials of a program's own kind.
    """


@implementer(IDerived)
class DerivedCredentials(UsernamePassword):
    """
    Credentials of a program's own kind.
    """


@implementer(IUsernameHashedPassword, IUsernameDigestHash)
class BothCredentials(UsernamePassword):
    """
    Credentials that can be checked in two ways, as those of HTTP Digest.
    """


class LoginTests(SynchronousTestCase):
    """
    Tests for L{Portal.login}.
    """

    def login(self, checker: Any, realm: Any = None) -> Deferred[Any]:
        """
        Log alice in.
        """
        self.realm = realm or Realm()
        portal = Portal(self.realm)
        portal.registerChecker(checker, IUsernamePassword)
        return portal.login(ALICE, "mind", IMailbox, INewsgroup)

    def test_realmIsAsked(self) -> None:
        """
        The realm is asked with the avatar ID, the mind and the interfaces, all by
        position, and what it answers is handed through untouched, its own logout
        callable included.
        """
        login = self.successResultOf(self.login(Checker(lambda: b"alice")))
        self.assertEqual(login, (IMailbox, "avatar", self.realm.logout))
        self.assertEqual(self.realm.asked, [(b"alice", "mind", IMailbox, INewsgroup)])
        self.assertEqual(self.realm.logouts, 0)

    def test_sameAnswer(self) -> None:
        """
        The very tuple that the realm answers with comes out.
        """
        answer = (IMailbox, object(), lambda: None)
        login = self.login(Checker(lambda: b"alice"), Realm(lambda: answer))
        self.assertIs(self.successResultOf(login), answer)

    def test_checkersDeferred(self) -> None:
        """
        As in Twisted: the Deferred of the checker is the one that comes back.
        """
        pending: Deferred[bytes] = Deferred()
        self.assertIs(self.login(Checker(lambda: pending)), pending)

    def test_anyAvatarID(self) -> None:
        """
        As in Twisted: an avatar ID may be anything.
        """
        for avatarId in (b"alice", "alice", 7, ("a", 1), (), None, object()):
            self.successResultOf(self.login(Checker(lambda: avatarId)))
            self.assertIs(self.realm.asked[0][0], avatarId)

    def test_checkerAnswers(self) -> None:
        """
        A checker may answer with a value, a Deferred or a coroutine.
        """

        async def coroutine() -> bytes:
            return b"alice"

        for answer in (lambda: b"alice", lambda: succeed(b"alice"), coroutine):
            self.successResultOf(self.login(Checker(answer)))
            self.assertEqual(self.realm.asked[0][0], b"alice")

    def test_checkerFails(self) -> None:
        """
        A checker may raise, answer with a L{Failure} or a Deferred that fails, or
        be a coroutine that raises: what it fails with passes through untouched,
        and the realm isn't asked.
        """
        error = ZeroDivisionError()

        async def coroutine() -> bytes:
            raise error

        for answer in (
            raising(error),
            lambda: Failure(error),
            lambda: fail(error),
            coroutine,
        ):
            failure = self.failureResultOf(self.login(Checker(answer)))
            self.assertIs(failure.value, error)
            self.assertEqual(self.realm.asked, [])

    def test_realmAnswers(self) -> None:
        """
        A realm may answer with a value that is no tuple, or with a Deferred.
        """
        checker = Checker(lambda: b"alice")
        for answer in (["not", "a", "triple"], None, (1, 2, 3)):
            for asGiven in (lambda: answer, lambda: succeed(answer)):
                login = self.login(checker, Realm(asGiven))
                self.assertIs(self.successResultOf(login), answer)

    def test_realmCoroutine(self) -> None:
        """
        As in Twisted: a realm's coroutine isn't run, but handed through.
        """

        async def coroutine() -> None:
            """
            Do nothing.
            """

        given = coroutine()
        self.addCleanup(given.close)
        login = self.login(Checker(lambda: b"alice"), Realm(lambda: given))
        self.assertIs(self.successResultOf(login), given)

    def test_realmFails(self) -> None:
        """
        A realm may raise, answer with a L{Failure}, or with a Deferred that
        fails: it passes through untouched.
        """
        error = ZeroDivisionError()
        for answer in (raising(error), lambda: Failure(error), lambda: fail(error)):
            login = self.login(Checker(lambda: b"alice"), Realm(answer))
            self.assertIs(self.failureResultOf(login).value, error)


class RegistrationTests(SynchronousTestCase):
    """
    Tests for which checker is asked.
    """

    def setUp(self) -> None:
        self.portal = Portal(Realm())

    def asked(self, credentials: Any) -> Any:
        """
        Log in, and tell which of C{self.checkers} was asked.
        """
        before = {name: checker.asked for name, checker in self.checkers.items()}
        self.successResultOf(self.portal.login(credentials, None, IMailbox))
        return [n for n, c in self.checkers.items() if c.asked != before[n]]

    def register(self, **interfaces: Any) -> None:
        """
        Register a checker for each interface, in order, by name.
        """
        self.checkers = {name: Checker(lambda: b"alice") for name in interfaces}
        for name, interface in interfaces.items():
            self.portal.registerChecker(self.checkers[name], interface)

    def test_ownInterfaces(self) -> None:
        """
        A checker is registered for the interfaces that it names itself, unless
        others are given.
        """
        checker: Any = InMemoryUsernamePasswordDatabaseDontUse()
        self.portal.registerChecker(checker)
        self.assertEqual(
            self.portal.checkers,
            dict.fromkeys(checker.credentialInterfaces, checker),
        )
        other = Portal(Realm())
        other.registerChecker(checker, IAnonymous)
        self.assertEqual(other.checkers, {IAnonymous: checker})

    def test_replaces(self) -> None:
        """
        As in Twisted: whoever is registered last for an interface is asked.
        """
        self.register(first=IUsernamePassword, last=IUsernamePassword)
        self.assertEqual(self.asked(ALICE), ["last"])

    def test_listCredentialsInterfaces(self) -> None:
        """
        The portal tells which credentials can be used.
        """
        self.register(a=IUsernamePassword, b=IAnonymous)
        self.assertEqual(
            self.portal.listCredentialsInterfaces(), [IUsernamePassword, IAnonymous]
        )

    def test_firstRegistered(self) -> None:
        """
        Where credentials provide several interfaces, the order of registration
        decides, derived interfaces included.
        """
        derived = DerivedCredentials(b"alice", b"sesame")
        self.register(base=IUsernamePassword, derived=IDerived)
        self.assertEqual(self.asked(derived), ["base"])
        self.portal = Portal(Realm())
        self.register(derived=IDerived, base=IUsernamePassword)
        self.assertEqual(self.asked(derived), ["derived"])
        self.portal = Portal(Realm())
        self.register(anonymous=IAnonymous, all=ICredentials)
        self.assertEqual(self.asked(derived), ["all"])

    def test_checkersReassigned(self) -> None:
        """
        C{portal.checkers} is a plain dictionary, which programs change and
        replace: it always counts as it is.
        """
        self.register(a=IUsernamePassword)
        self.assertEqual(self.asked(ALICE), ["a"])
        self.checkers["b"] = Checker(lambda: b"alice")
        self.portal.checkers[IUsernamePassword] = self.checkers["b"]
        self.assertEqual(self.asked(ALICE), ["b"])
        self.portal.checkers = {IUsernamePassword: self.checkers["a"]}
        self.assertEqual(self.asked(ALICE), ["a"])
        del self.portal.checkers[IUsernamePassword]
        self.failureResultOf(self.portal.login(ALICE, None), UnhandledCredentials)

    def test_ownKey(self) -> None:
        """
        As in Twisted: a key need only have C{providedBy}.
        """

        class Anything:
            """
            A key of a program's own.
            """

            def providedBy(self, credentials: object) -> bool:
                """
                Claim everything.
                """
                return True

        self.register(a=Anything())
        self.assertEqual(self.asked(object()), ["a"])

    def test_nobodyChecks(self) -> None:
        """
        If nobody checks such credentials, the login fails in Twisted's words,
        which programs compare.
        """
        failure = self.failureResultOf(
            self.portal.login(Anonymous(), None), UnhandledCredentials
        )
        self.assertEqual(
            str(failure.value), "No checker for twisted.cred.credentials.IAnonymous"
        )
        self.failureResultOf(self.portal.login(object(), None), UnhandledCredentials)

    def test_bareInterface(self) -> None:
        """
        A forgotten comma is told in words when the checker is registered.
        """
        checker: Any = Checker(lambda: b"alice")
        checker.credentialInterfaces = IUsernamePassword
        for register in (self.portal.registerChecker, lambda c: Portal(Realm(), [c])):
            error = self.assertRaises(TypeError, register, checker)
            self.assertIn("(IUsernamePassword,)", str(error))
            self.assertIn("Checker", str(error))

    def test_sharedInterface(self) -> None:
        """
        Of the checkers given to the constructor, those that share an interface
        are all asked, in their order; a checker that shares none is asked itself.
        """
        first = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame", bob=b"one")
        second = TwistedInMemory(bob=b"two", carol=b"three")
        anonymous = AllowAnonymousAccess()
        portal = Portal(Realm(), iter([first, second, anonymous]))
        for name, password in (
            (b"alice", b"sesame"),
            (b"bob", b"two"),
            (b"carol", b"three"),
        ):
            credentials = UsernamePassword(name, password)
            self.successResultOf(portal.login(credentials, None, IMailbox))
        self.failureResultOf(
            portal.login(UsernamePassword(b"carol", b"?"), None), UnauthorizedLogin
        )
        self.assertIs(portal.checkers[IAnonymous], anonymous)
        shared: Any = portal.checkers[IUsernamePassword]
        self.assertEqual(shared.checkers, (first, second))
        self.assertIsInstance(shared, CheckerChain)

    def test_severalInterfaces(self) -> None:
        """
        Of the checkers given to the constructor, those that check the same
        credentials by different interfaces are all asked, in their order.  One that
        was registered by itself comes alone, as in Twisted.
        """
        for refused in (UnauthorizedLogin, UnhandledCredentials):
            first, second = Checker(raising(refused())), Checker(lambda: b"alice")
            second.credentialInterfaces = (IUsernameHashedPassword,)
            login = BothCredentials(b"alice", b"sesame")
            portal = Portal(Realm(), [AllowAnonymousAccess(), first, second])
            self.assertIs(portal.checkers[IUsernamePassword], first)
            self.successResultOf(portal.login(login, None, IMailbox))
            self.assertEqual((first.asked, second.asked), (1, 1))
            self.failureResultOf(portal.login(ALICE, None, IMailbox), refused)
            portal.registerChecker(second)
            self.successResultOf(portal.login(login, None, IMailbox))
            portal.registerChecker(Checker(raising(refused())))
            self.failureResultOf(portal.login(login, None, IMailbox), refused)

    def test_severalInterfacesChanged(self) -> None:
        """
        A checker that a program has taken out again is not asked.
        """
        for change in ("remove", "replace"):
            first, second = Checker(lambda: b"in"), Checker(raising(UnauthorizedLogin()))
            third = Checker(raising(UnauthorizedLogin()))
            second.credentialInterfaces = (IUsernameHashedPassword,)
            third.credentialInterfaces = (IUsernameDigestHash,)
            portal = Portal(Realm(), [first, second, third])
            if change == "remove":
                del portal.checkers[IUsernamePassword]
            else:
                portal.checkers[IUsernamePassword] = second
            login = BothCredentials(b"alice", b"sesame")
            self.failureResultOf(portal.login(login, None, IMailbox), UnauthorizedLogin)
            self.assertEqual(first.asked, 0)

    def test_oneCheckerForSeveralInterfaces(self) -> None:
        """
        A checker that checks the same credentials twice over is asked once, and
        what it fails with passes through.
        """
        checker = Checker(raising(ZeroDivisionError()))
        checker.credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)
        portal = Portal(Realm(), [checker])
        login = BothCredentials(b"alice", b"sesame")
        self.failureResultOf(portal.login(login, None, IMailbox), ZeroDivisionError)
        self.assertEqual(checker.asked, 1)

    def test_oneDownOneDoesNotKnow(self) -> None:
        """
        With two checkers, one of which is down, an unknown user isn't told that
        his password is wrong.
        """
        down = Checker(raising(TemporaryFailure()))
        portal = Portal(Realm(), [down, InMemoryUsernamePasswordDatabaseDontUse()])
        self.failureResultOf(portal.login(ALICE, None), TemporaryFailure)


class DropInTests(SynchronousTestCase):
    """
    Tests for what real programs do with a portal.
    """

    def test_twistedParts(self) -> None:
        """
        Twisted's checkers and credentials work with mycred's portal, and mycred's
        with Twisted's.
        """
        for portalClass in (Portal, TwistedPortal):
            for checkerClass in (
                TwistedInMemory,
                InMemoryUsernamePasswordDatabaseDontUse,
            ):
                portal = portalClass(Realm(), [checkerClass(alice=b"sesame")])
                for credentialsClass in (UsernamePassword, TwistedUsernamePassword):
                    right = portal.login(credentialsClass(b"alice", b"sesame"), None)
                    self.successResultOf(right)
                    wrong = portal.login(credentialsClass(b"alice", b"x"), None)
                    self.failureResultOf(wrong, UnauthorizedLogin)

    def test_adapters(self) -> None:
        """
        Adapters that are registered for Twisted's portal serve mycred's: it can
        be the root of a PB server.
        """
        self.assertTrue(callable(IPBRoot(Portal(Realm())).rootObject))

    def test_secondBase(self) -> None:
        """
        A program may mix the portal in and initialize it late, when it is its own
        realm and its own checker.
        """
        test = self

        class Program(Realm, Portal):
            """
            Everything in one.
            """

            credentialInterfaces = (IUsernamePassword,)

            def __init__(self) -> None:
                Portal.__init__(self, self, [self])
                test.assertFalse(hasattr(self, "asked"))
                Realm.__init__(self)

            def requestAvatarId(self, credentials: Any) -> bytes:
                return credentials.username  # type: ignore[no-any-return]

        program = Program()
        self.successResultOf(program.login(ALICE, None, IMailbox))
        self.assertEqual(program.asked, [(b"alice", None, IMailbox)])

    def test_overriddenRegistration(self) -> None:
        """
        A subclass may override C{registerChecker}; the constructor calls it for
        each checker.
        """
        registered = []

        class Remembering(Portal):
            """
            A portal that remembers.
            """

            def registerChecker(self, checker: Any, *interfaces: Any) -> None:
                registered.append(checker)
                super().registerChecker(checker, *interfaces)

        checkers = [AllowAnonymousAccess(), InMemoryUsernamePasswordDatabaseDontUse()]
        Remembering(Realm(), checkers)
        self.assertEqual(registered, checkers)

    def test_plainRegistration(self) -> None:
        """
        A subclass whose C{registerChecker} takes a checker only can be given
        several of one kind.
        """

        class Plain(Portal):
            """
            A portal with a method of its own.
            """

            def registerChecker(self, checker: Any) -> None:  # type: ignore[override]
                super().registerChecker(checker)

        portal = Plain(Realm(), [Checker(lambda: b"a"), Checker(lambda: b"b")])
        self.successResultOf(portal.login(ALICE, None, IMailbox))

    def test_loginPatched(self) -> None:
        """
        C{login} and C{realm} may be replaced on the instance.
        """
        portal = Portal(Realm(), [Checker(lambda: b"alice")])
        portal.realm = other = Realm()
        self.successResultOf(portal.login(ALICE, None, IMailbox))
        self.assertEqual(len(other.asked), 1)
        self.patch(portal, "login", lambda *args: "patched")
        self.assertEqual(portal.login(ALICE, None), "patched")

    def test_challengeResponse(self) -> None:
        """
        An active credentials object goes to the checker itself.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(tim=b"tanstaaftanstaaf")
        credentials = CramMD5Credentials()
        credentials.challenge = b"<1896.697170952@postoffice.reston.mci.net>"
        credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3890")
        portal = Portal(Realm(), [checker])
        self.successResultOf(portal.login(credentials, None, IMailbox))


class CancelTests(SynchronousTestCase):
    """
    Tests for cancelling a login, at each step.
    """

    def login(self, checkers: Any, realm: Realm) -> Deferred[Any]:
        """
        Begin to log alice in.
        """
        self.realm = realm
        return Portal(realm, [Checker(checkers)]).login(ALICE, None, IMailbox)

    def test_checkerPending(self) -> None:
        """
        While the checker is asked: the checker's own canceller runs, and its
        answer, should it come after all, reaches no realm.
        """
        cancelled: list[object] = []
        for pending in (Deferred(), Deferred(cancelled.append)):
            login = self.login(lambda: pending, Realm())
            login.cancel()
            self.failureResultOf(login, CancelledError)
            self.assertEqual(self.realm.asked, [])
        self.assertEqual(cancelled, [pending])
        lost: Deferred[bytes] = Deferred()
        login = self.login(lambda: lost, Realm())
        login.cancel()
        self.failureResultOf(login, CancelledError)
        lost.callback(b"alice")
        self.assertEqual(self.realm.asked, [])

    def test_realmPending(self) -> None:
        """
        While the realm is asked: nobody waits any more, and an avatar that
        arrives after all is logged out, once.
        """
        pending: Deferred[Any] = Deferred()
        login = self.login(lambda: b"alice", Realm(lambda: pending))
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertEqual(self.realm.logouts, 0)
        pending.callback((IMailbox, "avatar", self.realm.logout))
        self.assertEqual(self.realm.logouts, 1)

    def test_realmWaits(self) -> None:
        """
        The same where the realm itself waits for something that can't be
        cancelled.
        """
        inner: Deferred[Any] = Deferred()
        pending = succeed(None).addCallback(lambda _: inner)
        login = self.login(lambda: b"alice", Realm(lambda: pending))
        login.cancel()
        self.failureResultOf(login, CancelledError)
        inner.callback((IMailbox, "avatar", self.realm.logout))
        self.assertEqual(self.realm.logouts, 1)

    def test_realmCancels(self) -> None:
        """
        A realm that takes care of being cancelled is told.
        """
        error = ZeroDivisionError()
        pending: Deferred[Any] = Deferred(lambda d: d.errback(error))
        login = self.login(lambda: b"alice", Realm(lambda: pending))
        login.cancel()
        self.assertIs(self.failureResultOf(login).value, error)

    def test_realmCancelsSeveral(self) -> None:
        """
        A realm that waits for several things is told as well.
        """
        cancelled: list[object] = []
        pending: Any = DeferredList([Deferred(cancelled.append)], consumeErrors=True)
        login = self.login(lambda: b"alice", Realm(lambda: pending))
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertEqual(len(cancelled), 1)

    def test_realmAnswersWhenCancelled(self) -> None:
        """
        A realm that answers a cancellation with an avatar gets it back: it is
        logged out, and the login is cancelled.
        """
        realm = Realm()
        avatar = (IMailbox, "avatar", realm.logout)
        pending: Deferred[Any] = Deferred(lambda d: d.callback(avatar))
        realm.answer = lambda: pending
        login = self.login(lambda: b"alice", realm)
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.assertEqual(realm.logouts, 1)

    def test_realmFailsLate(self) -> None:
        """
        A failure that arrives after all, or an answer without a logout, is put up
        with.
        """
        for late in (Failure(ZeroDivisionError()), None, ("no", "triple")):
            pending: Deferred[Any] = Deferred()
            login = self.login(lambda: b"alice", Realm(lambda: pending))
            login.cancel()
            self.failureResultOf(login, CancelledError)
            pending.callback(late)
            self.assertNoResult(Deferred())

    def test_logoutFails(self) -> None:
        """
        If logging the late avatar out fails, that is logged.
        """
        pending: Deferred[Any] = Deferred()
        login = self.login(lambda: b"alice", Realm(lambda: pending))
        login.cancel()
        self.failureResultOf(login, CancelledError)
        pending.callback((IMailbox, "avatar", raising(ZeroDivisionError())))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_afterwards(self) -> None:
        """
        Cancelling a login that is over does nothing: the avatar stays.
        """
        for answer in (None, lambda: succeed((IMailbox, "avatar", lambda: None))):
            login = self.login(lambda: b"alice", Realm(answer))
            login.cancel()
            self.assertEqual(self.successResultOf(login)[1], "avatar")
            self.assertEqual(self.realm.logouts, 0)


class RegisterCheckerTests(SynchronousTestCase):
    """
    Tests for a portal that registers checkers in a way of its own.
    """

    def test_wrapped(self) -> None:
        """
        Where a subclass puts something around each checker, that is what is asked, also
        of checkers that share an interface.
        """

        class Withholding:
            """
            What lets in nobody who is called eve.
            """

            def __init__(self, checker: Any) -> None:
                self.checker = checker
                self.credentialInterfaces = checker.credentialInterfaces

            def requestAvatarId(self, credentials: Any) -> Any:
                """
                Withhold eve.
                """
                if credentials.username == b"eve":
                    raise UnauthorizedLogin("withheld")
                return self.checker.requestAvatarId(credentials)

        class Careful(Portal):
            """
            A portal whose checkers are wrapped.
            """

            def registerChecker(self, checker: Any, *interfaces: Any) -> None:
                """
                Wrap it.
                """
                super().registerChecker(Withholding(checker), *interfaces)

        realm: Any = mock.Mock()
        realm.requestAvatar = lambda name, *rest: (IRealm, name, lambda: None)
        Memory = InMemoryUsernamePasswordDatabaseDontUse
        first, second = Memory(alice=b"sesame", eve=b"x"), Memory(eve=b"x", bob=b"tulip")
        for given in ([first], [first, second], [second, first]):
            portal = Careful(realm, given)
            login = portal.login(UsernamePassword(b"eve", b"x"), None, IRealm)
            self.failureResultOf(login, UnauthorizedLogin)
        login = portal.login(UsernamePassword(b"alice", b"sesame"), None, IRealm)
        self.assertEqual(self.successResultOf(login)[1], b"alice")
