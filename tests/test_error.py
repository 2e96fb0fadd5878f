"""
Tests for L{mycred.error}.
"""

from __future__ import annotations

from twisted.cred import error as twistedError
from twisted.python.reflect import qual
from twisted.trial.unittest import SynchronousTestCase

from mycred import error
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginFailed,
    StaleNonce,
    TemporaryFailure,
    Throttled,
    Unauthorized,
    UnauthorizedLogin,
    UnhandledCredentials,
    WrongURI,
)


class TwistedsErrorTests(SynchronousTestCase):
    """
    Tests for the errors that are Twisted's own.
    """

    def test_names(self) -> None:
        """
        Their dotted names are the ones that PB's clients compare.
        """
        for name in (
            "LoginDenied",
            "LoginFailed",
            "Unauthorized",
            "UnauthorizedLogin",
            "UnhandledCredentials",
        ):
            self.assertEqual(qual(getattr(error, name)), f"twisted.cred.error.{name}")

    def test_ourNames(self) -> None:
        """
        The errors that Twisted doesn't have are found where their names say.
        """
        for ours in (AccountDenied, StaleNonce, TemporaryFailure, Throttled, WrongURI):
            self.assertEqual(qual(ours), f"mycred.error.{ours.__name__}")


class TemporaryFailureTests(SynchronousTestCase):
    """
    Tests for L{TemporaryFailure}.
    """

    def test_failedLogin(self) -> None:
        """
        Code that knows only Twisted's errors catches it as a failed login.
        """
        self.assertTrue(issubclass(TemporaryFailure, twistedError.LoginFailed))


class ThrottledTests(SynchronousTestCase):
    """
    Tests for L{Throttled}.
    """

    def test_seconds(self) -> None:
        """
        A client is told whole seconds, at least one, that are enough; and a number that
        makes sense, whatever there is to be told.
        """
        for retryAfter, seconds in (
            (0.0, 1),
            (0.2, 1),
            (1, 1),
            (1.000001, 2),
            (59.5, 60),
            (-5.0, 1),
            (1e300, 86_400),
            (float("inf"), 86_400),
            (float("nan"), 86_400),
        ):
            error = Throttled(retryAfter)
            self.assertEqual((error.seconds, type(error.seconds)), (seconds, int))
            self.assertIn(f"try again in {seconds} s", str(error))

    def test_noWrongPassword(self) -> None:
        """
        It is never taken for a wrong password, nor for a missing checker.
        """
        for other in (Unauthorized, UnauthorizedLogin, UnhandledCredentials):
            self.assertFalse(issubclass(TemporaryFailure, other))

    def test_text(self) -> None:
        """
        It says what it was raised with.
        """
        self.assertEqual(str(TemporaryFailure("directory down")), "directory down")


class AccountDeniedTests(SynchronousTestCase):
    """
    Tests for L{AccountDenied}.
    """

    def test_unauthorized(self) -> None:
        """
        Code that knows only Twisted's errors catches it as an unauthorized
        login.
        """
        for theirs in (
            twistedError.UnauthorizedLogin,
            twistedError.LoginFailed,
            twistedError.Unauthorized,
        ):
            self.assertTrue(issubclass(AccountDenied, theirs))

    def test_definite(self) -> None:
        """
        It is a definite no: never a temporary failure.
        """
        self.assertFalse(issubclass(AccountDenied, TemporaryFailure))
        self.assertTrue(issubclass(AccountDenied, LoginFailed))

    def test_reason(self) -> None:
        """
        Its reason can be read by a program, and in words by an administrator.
        """
        for reason in DenialReason:
            denied = AccountDenied(reason)
            self.assertIs(denied.reason, reason)
            self.assertEqual(str(denied), reason.value)

    def test_reasons(self) -> None:
        """
        These are the reasons that there are.
        """
        self.assertEqual(
            {reason.name: reason.value for reason in DenialReason},
            {
                "DISABLED": "account disabled",
                "EXPIRED": "account expired",
                "LOCKED": "account locked",
                "PASSWORD_EXPIRED": "password expired",
                "POLICY": "refused by policy",
            },
        )


class DigestErrorTests(SynchronousTestCase):
    """
    Tests for the errors of HTTP Digest.
    """

    def test_failedLogin(self) -> None:
        """
        Code that knows only Twisted's errors, as its guard of web pages does, catches
        them as failed logins.
        """
        for ours in (StaleNonce, WrongURI):
            self.assertTrue(issubclass(ours, twistedError.LoginFailed))
            self.assertFalse(issubclass(ours, twistedError.UnauthorizedLogin))

    def test_uri(self) -> None:
        """
        A wrong URI is known to who catches it, and isn't in the text.
        """
        wrong = WrongURI(b"/secret")
        self.assertEqual(wrong.uri, b"/secret")
        self.assertNotIn("secret", str(wrong))
