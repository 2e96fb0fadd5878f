"""
Tests for L{mycred._ldap.client._bindresult}.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap.client._bindresult import (
    BindResult,
    Policy,
    judgeBind,
    parsePolicy,
    requireSuccess,
)
from mycred._ldap.client._errors import BadName, Elsewhere, Unsure
from mycred._ldap.client._messages import (
    PASSWORD_POLICY,
    Malformed,
    Result,
    element,
    integer,
)
from mycred.error import DenialReason

# A loaded machine may be slow.
patient = settings(deadline=None, database=None)

WRONG = 49


def control(error: int | None = None, warning: bytes = b"") -> dict[bytes, bytes]:
    """
    Return a password policy control.
    """
    parts = [element(0xA0, warning)] if warning else []
    if error is not None:
        parts.append(integer(error, 0x81))
    return {PASSWORD_POLICY: element(0x30, *parts)}


def activeDirectory(code: str) -> Result:
    """
    Return a result of Active Directory.
    """
    return Result(
        WRONG,
        "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, "
        f"data {code}, v3839\0",
    )


class PolicyTests(SynchronousTestCase):
    """
    Tests for the password policy control.
    """

    def test_empty(self) -> None:
        """
        A control may say nothing, and there may be none.
        """
        self.assertEqual(parsePolicy(b"\x30\x00"), Policy())
        self.assertEqual(parsePolicy(b""), Policy())

    def test_error(self) -> None:
        """
        This one says that the account is locked.
        """
        self.assertEqual(parsePolicy(bytes.fromhex("3003810101")), Policy(error=1))

    def test_warnings(self) -> None:
        """
        These say for how long, or how often, a password is good.
        """
        self.assertEqual(
            parsePolicy(bytes.fromhex("3006a00480020e10")), Policy(secondsLeft=3600)
        )
        self.assertEqual(
            parsePolicy(bytes.fromhex("3005a003810102")), Policy(loginsLeft=2)
        )

    @patient
    @given(st.binary(max_size=30))
    def test_garbage(self, value: bytes) -> None:
        """
        Any other bytes are malformed.
        """
        for garbage in (value, element(0x30, value), element(0x30, element(0xA0, value))):
            with contextlib.suppress(Malformed):
                parsePolicy(garbage)


class JudgeTests(SynchronousTestCase):
    """
    Tests for the answers to a bind.
    """

    def judged(self, result: Result) -> tuple[bool, DenialReason | None]:
        """
        Return whether the password was right, and the denial.
        """
        result = judgeBind(result)
        return result.matched, result.denial

    def test_right(self) -> None:
        """
        Success without more lets in.
        """
        self.assertEqual(judgeBind(Result(0)), BindResult(True))
        self.assertEqual(judgeBind(Result(0, "", control())), BindResult(True))

    def test_wrong(self) -> None:
        """
        These are wrong credentials, whatever else is said.
        """
        for code in (49, 32, 48, 19):
            self.assertEqual(self.judged(Result(code, "no")), (False, None))

    def test_activeDirectory(self) -> None:
        """
        What Active Directory says to the right password alone is a denial; the rest is
        for the log.
        """
        for code, denial in {
            "530": DenialReason.POLICY,
            "531": DenialReason.POLICY,
            "532": DenialReason.PASSWORD_EXPIRED,
            "533": DenialReason.DISABLED,
            "701": DenialReason.EXPIRED,
            "773": DenialReason.PASSWORD_EXPIRED,
        }.items():
            self.assertEqual(self.judged(activeDirectory(code)), (True, denial), code)
        for code, why in {
            "525": "no such user",
            "52e": "wrong password",
            "775": "locked",
            "52f": "restricted",
            "569": "isn't granted",
        }.items():
            result = judgeBind(activeDirectory(code))
            self.assertEqual((result.matched, result.denial), (False, None), code)
            self.assertIn(why, result.why)

    def test_activeDirectorysTrouble(self) -> None:
        """
        No domain controller, no remote procedure call, no channel binding: it comes with
        the code for wrong credentials, and is none.
        """
        for code in ("51f", "6ba", "80090346", "999"):
            error = self.assertRaises(Elsewhere, judgeBind, activeDirectory(code))
            self.assertIn(code, str(error))

    def test_echo(self) -> None:
        """
        A user who is called like one of Active Directory's codes doesn't bring it about
        where a server repeats what it was asked.
        """
        for text in (
            "ERR_229 Cannot authenticate user uid=data 532 ,ou=people",
            "no uid=80090308: LdapErr: DSID-0C, comment: AcceptSecurityContext error, "
            "data 532, x",
        ):
            self.assertEqual(self.judged(Result(WRONG, text)), (False, None))

    def test_expired(self) -> None:
        """
        An expired password is denied, whether the bind succeeds or not.
        """
        expired = True, DenialReason.PASSWORD_EXPIRED
        older = {b"2.16.840.1.113730.3.4.4": b"0"}
        for code in (0, WRONG):
            self.assertEqual(self.judged(Result(code, "", control(0))), expired)
            self.assertEqual(self.judged(Result(code, "", older)), expired)

    def test_reset(self) -> None:
        """
        A user who must change their password is denied.
        """
        self.assertEqual(
            self.judged(Result(0, "", control(2))), (True, DenialReason.PASSWORD_EXPIRED)
        )

    def test_grace(self) -> None:
        """
        A user who has logins left is accepted, and the log says how many.
        """
        result = judgeBind(Result(0, "", control(None, bytes.fromhex("810103"))))
        self.assertEqual((result.matched, result.denial), (True, None))
        self.assertIn("logins left: 3", result.why)

    def test_soon(self) -> None:
        """
        Whose password expires soon is let in, and the log is told when.
        """
        result = judgeBind(Result(0, "", control(None, bytes.fromhex("80023840"))))
        self.assertEqual((result.matched, result.denial), (True, None))
        self.assertIn("4:00:00", result.why)

    def test_locked(self) -> None:
        """
        A lock is told with any password, so it is for the log, and no denial.
        """
        result = judgeBind(Result(WRONG, "", control(1)))
        self.assertEqual(result, BindResult(False, "the account is locked"))
        for text in (
            "Account inactivated. Contact system administrator.",
            "Too many failed logins.",
            "Entry permanently locked.\n",
            "Account (Kerberos principal) is expired",
            "NDS error: login lockout (-197)",
        ):
            self.assertEqual(judgeBind(Result(53, text)), BindResult(False, text))
        self.assertEqual(judgeBind(Result(53, "", control(1))), result)

    def test_otherErrors(self) -> None:
        """
        An unexpected error with success denies.
        """
        for error in (1, 3, 8, 77):
            self.assertEqual(
                self.judged(Result(0, "", control(error))), (True, DenialReason.POLICY)
            )

    def test_unsure(self) -> None:
        """
        What is neither yes nor no is no wrong password.
        """
        for code in (2, 7, 8, 10, 13, 14, 34, 53, 64, 118, 4096, -1):
            error = self.assertRaises(Unsure, judgeBind, Result(code, "why"))
            self.assertIn("why", str(error))

    def test_elsewhere(self) -> None:
        """
        Of a server that is busy, or not available, another may know more.
        """
        for code in (1, 3, 11, 51, 52, 80):
            self.assertRaises(Elsewhere, judgeBind, Result(code))
            self.assertRaises(Elsewhere, requireSuccess, Result(code), "to a search")

    def test_codes(self) -> None:
        """
        All result codes, to a user's bind: few let in, or refuse.
        """
        for code in range(256):
            result = Result(code)
            if code == 0:
                self.assertEqual(judgeBind(result), (True, "", None))
            elif code in (19, 32, 48, 49, 50):
                result = judgeBind(result)
                self.assertEqual((result.matched, result.denial), (False, None))
            elif code in (34, 64):
                self.assertRaises(BadName, judgeBind, result)
            else:
                error = self.assertRaises((Unsure, Elsewhere), judgeBind, result)
                self.assertNotIsInstance(error, BadName)

    def test_malformed(self) -> None:
        """
        A control that can't be read makes the answer useless.
        """
        for code in (0, WRONG):
            result = Result(code, "", {PASSWORD_POLICY: b"\x30\x05\x81"})
            self.assertRaises(Elsewhere, judgeBind, result)
