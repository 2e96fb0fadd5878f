"""
Tests for L{mycred._chain}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface.verify import verifyObject

from twisted.conch.error import NotEnoughAuthentication, ValidPublicKey
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import (
    AllowAnonymousAccess,
    CheckerChain,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.credentials import (
    Anonymous,
    IAnonymous,
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
    UsernamePassword,
)
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginDenied,
    LoginFailed,
    TemporaryFailure,
    UnauthorizedLogin,
    UnhandledCredentials,
)

from .kit.portals import ALICE, Checker, raising


class CheckerChainTests(SynchronousTestCase):
    """
    Tests for L{CheckerChain}.
    """

    def ask(self, *answers: Callable[[], Any]) -> Deferred[Any]:
        """
        Ask a chain of checkers that answer so.
        """
        self.checkers = [Checker(answer) for answer in answers]
        return CheckerChain(self.checkers).requestAvatarId(ALICE)

    def asked(self) -> list[int]:
        """
        Tell how often each checker was asked.
        """
        return [checker.asked for checker in self.checkers]

    def outcome(self, *errors: BaseException) -> BaseException:
        """
        Ask a chain of checkers that raise these, and tell what comes out.
        """
        failure = self.failureResultOf(self.ask(*map(raising, errors)))
        value: BaseException = failure.value
        return value

    def test_interface(self) -> None:
        """
        A chain is a checker, of all that its checkers check.
        """
        chain = CheckerChain(
            [InMemoryUsernamePasswordDatabaseDontUse(), AllowAnonymousAccess()]
        )
        self.assertTrue(verifyObject(ICredentialsChecker, chain))
        self.assertEqual(
            chain.credentialInterfaces,
            (IUsernamePassword, IUsernameHashedPassword, IScramCredentials, IAnonymous),
        )

    def test_first(self) -> None:
        """
        The first checker that accepts gives the answer, whatever it is, and
        nobody else is asked.
        """
        for answer in (b"alice", (), None, "alice"):
            accepted = self.ask(
                raising(UnauthorizedLogin()), lambda: answer, lambda: b"x"
            )
            self.assertIs(self.successResultOf(accepted), answer)
            self.assertEqual(self.asked(), [1, 1, 0])

    def test_nobody(self) -> None:
        """
        If none of them knows the user, that is a wrong login, and no more.
        """
        outcome = self.outcome(UnauthorizedLogin(), UnauthorizedLogin())
        self.assertIs(type(outcome), UnauthorizedLogin)
        self.assertEqual(self.asked(), [1, 1])

    def test_verdictStops(self) -> None:
        """
        A denial stops, since the password was right; and conch's words for
        "right so far" stop.
        """
        for verdict in (
            AccountDenied(DenialReason.LOCKED),
            LoginDenied(),
            ValidPublicKey(),
            NotEnoughAuthentication(),
        ):
            self.assertIs(self.outcome(verdict, UnauthorizedLogin()), verdict)
            self.assertEqual(self.asked(), [1, 0])

    def test_downFirst(self) -> None:
        """
        While one checker is down, the next one lets its users in.
        """
        accepted = self.ask(raising(TemporaryFailure()), lambda: b"root")
        self.assertEqual(self.successResultOf(accepted), b"root")

    def test_downAndUnknown(self) -> None:
        """
        If nobody accepts and one couldn't tell, that isn't a wrong password, in
        whatever order they are asked.
        """
        down = TemporaryFailure("down")
        self.assertIs(self.outcome(down, UnauthorizedLogin()), down)
        self.assertIs(self.outcome(UnauthorizedLogin(), down), down)
        self.assertIs(self.outcome(UnhandledCredentials(), down), down)

    def test_otherFailures(self) -> None:
        """
        Any other failure is logged, and means that nobody can tell.
        """
        for error in (ZeroDivisionError(), CancelledError()):
            accepted = self.ask(raising(error), lambda: b"root")
            self.assertEqual(self.successResultOf(accepted), b"root")
            outcome = self.outcome(error, UnauthorizedLogin())
            self.assertIsInstance(outcome, TemporaryFailure)
            self.assertEqual(len(self.flushLoggedErrors(type(error))), 2)
        self.assertIsInstance(self.outcome(LoginFailed()), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(LoginFailed)), 1)

    def test_unhandled(self) -> None:
        """
        A checker that turns out not to handle the credentials is passed over; only
        if all do so, the login is unhandled.
        """
        outcome = self.outcome(UnhandledCredentials(), UnauthorizedLogin())
        self.assertIs(type(outcome), UnauthorizedLogin)
        outcome = self.outcome(UnhandledCredentials(), UnhandledCredentials())
        self.assertIs(type(outcome), UnhandledCredentials)

    def test_onlyThoseThatClaim(self) -> None:
        """
        Only checkers that claim the kind of the credentials are asked.
        """
        password = Checker(lambda: b"alice")
        chain = CheckerChain([password, AllowAnonymousAccess()])
        self.assertEqual(self.successResultOf(chain.requestAvatarId(Anonymous())), ())
        self.assertEqual(password.asked, 0)
        failed = CheckerChain([password]).requestAvatarId(Anonymous())
        failure = self.failureResultOf(failed, UnhandledCredentials)
        self.assertEqual(
            str(failure.value), "No checker for twisted.cred.credentials.IAnonymous"
        )

    def test_nested(self) -> None:
        """
        A chain can be part of a chain.
        """
        inner = CheckerChain([Checker(raising(TemporaryFailure("down")))])
        known = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        chain = CheckerChain([inner, known])
        self.assertEqual(self.successResultOf(chain.requestAvatarId(ALICE)), b"alice")
        wrong = chain.requestAvatarId(UsernamePassword(b"alice", b"x"))
        self.failureResultOf(wrong, TemporaryFailure)

    def test_many(self) -> None:
        """
        However many checkers refuse, the search comes to its end.
        """
        refuse = [raising(UnauthorizedLogin())] * 2000
        self.assertEqual(self.successResultOf(self.ask(*refuse, lambda: b"a")), b"a")

    def test_oneAfterAnother(self) -> None:
        """
        The next checker is asked only after the one before has answered.
        """
        pending: Deferred[Any] = Deferred()
        asking = self.ask(lambda: pending, lambda: b"alice")
        self.assertEqual(self.asked(), [1, 0])
        self.assertNoResult(asking)
        pending.errback(UnauthorizedLogin())
        self.assertEqual(self.successResultOf(asking), b"alice")

    def test_cancel(self) -> None:
        """
        Cancelled, the checker that is being asked is told, and nobody else is
        asked.
        """
        told: list[object] = []
        asking = self.ask(lambda: Deferred(told.append), lambda: b"alice")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(len(told), 1)
        self.assertEqual(self.asked(), [1, 0])

    def test_cancelTooLate(self) -> None:
        """
        A checker that answers a cancellation with an avatar ID is not believed.
        """
        asking = self.ask(lambda: Deferred(lambda d: d.callback(b"alice")))
        asking.cancel()
        self.failureResultOf(asking, CancelledError)

    def test_bareInterface(self) -> None:
        """
        A forgotten comma is told when the chain is made.
        """
        checker = Checker(lambda: b"alice")
        checker.credentialInterfaces = IUsernamePassword
        self.assertRaises(TypeError, CheckerChain, [checker])
