"""
What the answer to a user's bind means.

A directory may tell more than yes or no: in the password policy control
(draft-behera-ldap-password-policy-11), or, as Active Directory does, in the
diagnostic message.  Only what it says to the right password alone becomes a denial
with a reason; the rest would tell a stranger that there is such an account, and is
for the log.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from ...error import DenialReason
from ._ber import SEQUENCE, Malformed, elements, number
from ._errors import BadName, Elsewhere, Unsure
from ._messages import PASSWORD_POLICY, Result

_SUCCESS = 0

_WRONG_PASSWORD = "wrong password"

_INVALID_CREDENTIALS = 49

# invalidCredentials; noSuchObject, with which some directories answer for it;
# inappropriateAuthentication, where an entry has no password; constraintViolation,
# with which 389 Directory Server says that there were too many attempts;
# insufficientAccessRights, with which authentik denies access.
_WRONG = {_INVALID_CREDENTIALS, 32, 48, 19, 50}

# unwillingToPerform: may mean anything; these texts of 389 Directory Server, FreeIPA and
# eDirectory mean an account that is locked or has expired, whatever the password.
_UNWILLING = 53
_lockedTexts = re.compile(
    r"inactivated|failed logins|account.*locked|permanently locked"
    r"|principal\) is expired|NDS error: [^(]*\(-(?:197|218|220)\)",
    re.IGNORECASE,
)

#: invalidDNSyntax; namingViolation, with which lldap says that nobody has such a name.
BAD_NAME = {34, 64}

#: timeLimitExceeded, adminLimitExceeded, busy, unavailable: another time it is answered.
COME_AGAIN = {3, 11, 51, 52}

#: These, operationsError and other: of another server the answer may be had.
ELSEWHERE = {1, 80, *COME_AGAIN}

# The errors of the policy control; PROVED are those that OpenLDAP and 389 Directory
# Server answer to the right password alone.
_PASSWORD_EXPIRED, _ACCOUNT_LOCKED, _CHANGE_AFTER_RESET = 0, 1, 2
_WARNING, _ERROR = 0xA0, 0x81
_SECONDS_LEFT, _LOGINS_LEFT = 0x80, 0x81

#: With this older control 389 Directory Server and FreeIPA say that nothing is
#: allowed but to change the password (draft-vchu-ldap-pwd-policy).
_EXPIRED_CONTROL = b"2.16.840.1.113730.3.4.4"

# As much as maxInt of RFC 4511 is.
_MOST_SECONDS = 2**31 - 1

# Active Directory's codes, with whether they prove the password (MS-ADTS section
# 5.1.1.5, and winerror.h for the numbers).  775 comes with a wrong one, too, and nobody
# says when 52f and 569 come.  Any other code is trouble: that no domain controller can be
# reached, say.  Nothing that somebody has typed stands before it.
_code = re.compile(
    r"[0-9A-Fa-f]{8}: LdapErr: DSID-[0-9A-Fa-f]+, comment: AcceptSecurityContext error, "
    r"data ([0-9A-Fa-f]{1,8})\b"
)
_CODES = {
    0x525: ("there is no such user", None),
    0x52E: (_WRONG_PASSWORD, None),
    0x52F: ("the account is restricted", None),
    0x530: ("not permitted at this time", DenialReason.POLICY),
    0x531: ("not permitted from this machine", DenialReason.POLICY),
    0x532: ("the password has expired", DenialReason.PASSWORD_EXPIRED),
    0x533: ("the account is disabled", DenialReason.DISABLED),
    0x569: ("this kind of logon isn't granted", None),
    0x701: ("the account has expired", DenialReason.EXPIRED),
    0x773: ("the password must be changed", DenialReason.PASSWORD_EXPIRED),
    0x775: ("the account is locked", None),
}


class Outcome(NamedTuple):
    """
    What a bind has told.

    @ivar matched: whether the password was right.
    @ivar why: what the log is told of it.
    @ivar denial: why the user isn't let in all the same.
    """

    matched: bool
    why: str = ""
    denial: DenialReason | None = None


_LOCKED = Outcome(False, "the account is locked")


class Policy(NamedTuple):
    """
    What the password policy control tells.

    @ivar secondsLeft: how long the password is good for, if that isn't long.
    @ivar loginsLeft: how many logins are left with a password that has expired.
    @ivar error: the error.
    """

    secondsLeft: int | None = None
    loginsLeft: int | None = None
    error: int | None = None


def readPolicy(value: bytes) -> Policy:
    """
    Decode the password policy control.

    @raise Malformed: if it is none.
    """
    policy = Policy()
    for tag, content in elements(value):
        if tag != SEQUENCE:
            raise Malformed("a password policy control is none")
        for kind, part in elements(content):
            if kind == _ERROR:
                policy = policy._replace(error=number(part))
            elif kind == _WARNING:
                for which, amount in elements(part):
                    if which == _SECONDS_LEFT:
                        policy = policy._replace(secondsLeft=number(amount))
                    elif which == _LOGINS_LEFT:
                        policy = policy._replace(loginsLeft=number(amount))
    return policy


def judge(result: Result) -> Outcome:
    """
    Tell what the answer to a user's bind means.

    @raise Unsure: if it means neither yes nor no.
    @raise Elsewhere: if another server should be asked.
    """
    try:
        policy = readPolicy(result.controls.get(PASSWORD_POLICY, b""))
    except Malformed as error:
        raise Elsewhere(str(error)) from None
    if result.code == _SUCCESS:
        return _judgeRight(policy, _EXPIRED_CONTROL in result.controls)
    if result.code in _WRONG:
        return _judgeWrong(result, policy)
    if result.code == _UNWILLING:
        if policy.error == _ACCOUNT_LOCKED:
            return _LOCKED
        if _lockedTexts.search(result.text):
            return Outcome(False, result.text)
    if result.code in BAD_NAME:
        raise BadName(f"the answer to a user's bind is {describe(result)}")
    raise _trouble(result, "to a user's bind")


def _judgeRight(policy: Policy, isExpired: bool) -> Outcome:
    """
    Tell whether somebody who has bound may do more than change his password.
    """
    if policy.error == _CHANGE_AFTER_RESET:
        return _expired("the password was reset and must be changed")
    if policy.loginsLeft is not None:
        left = f"the password has expired; logins left: {policy.loginsLeft}"
        return Outcome(True, left)
    if policy.error == _PASSWORD_EXPIRED or isExpired:
        return _expired("the password has expired")
    if policy.error is not None:
        return Outcome(
            True, f"the password policy says error {policy.error}", DenialReason.POLICY
        )
    if policy.secondsLeft is not None:
        # A server may say anything.
        seconds = min(max(policy.secondsLeft, 0), _MOST_SECONDS)
        return Outcome(True, f"the password expires in {timedelta(seconds=seconds)}")
    return Outcome(True)


def _judgeWrong(result: Result, policy: Policy) -> Outcome:
    """
    Tell whether it was the password.
    """
    found = _code.match(result.text)
    if found is not None:
        code = int(found[1], 16)
        if code not in _CODES:
            raise Elsewhere(f"the answer to a user's bind is {describe(result)}")
        why, denial = _CODES[code]
        return Outcome(denial is not None, why, denial)
    if policy.error == _PASSWORD_EXPIRED or _EXPIRED_CONTROL in result.controls:
        return _expired("the password has expired")
    if policy.error == _ACCOUNT_LOCKED:
        return _LOCKED
    if result.code == _INVALID_CREDENTIALS and not result.text.strip():
        return Outcome(False, _WRONG_PASSWORD)
    return Outcome(False, describe(result))


def ofAnybody(outcome: Outcome) -> Outcome:
    """
    Tell of a bind with a name that may be nobody's: a directory answers as to a wrong
    password.
    """
    if outcome.why == _WRONG_PASSWORD:
        return outcome._replace(why=f"{_WRONG_PASSWORD}, or no such entry")
    return outcome


def _expired(why: str) -> Outcome:
    """
    Deny a password that was right once.
    """
    return Outcome(True, why, DenialReason.PASSWORD_EXPIRED)


def insist(result: Result, what: str) -> None:
    """
    Insist on success.

    @param what: what it is the answer to.

    @raise Elsewhere: if another server may have success.
    @raise Unsure: if none will.
    """
    if result.code != _SUCCESS:
        raise _trouble(result, what)


def _trouble(result: Result, what: str) -> Exception:
    """
    Make what is raised for an answer that doesn't help.
    """
    kind = Elsewhere if result.code in ELSEWHERE else Unsure
    return kind(f"the answer {what} is {describe(result)}")


def describe(result: Result) -> str:
    """
    Tell of a result.
    """
    from ldap3.core.results import RESULT_CODES

    name = RESULT_CODES.get(result.code, "an unknown code")
    told = f"{name} ({result.code})"
    return f"{told}: {result.text.strip()}" if result.text.strip() else told


__all__ = [
    "BAD_NAME",
    "COME_AGAIN",
    "ELSEWHERE",
    "Outcome",
    "Policy",
    "describe",
    "insist",
    "judge",
    "ofAnybody",
    "readPolicy",
]
