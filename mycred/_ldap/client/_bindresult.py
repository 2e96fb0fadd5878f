"""
What the result of a bind means.

A directory may say more than yes or no: in the password policy control
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
from ._errors import BadName, Elsewhere, Unsure
from ._messages import (
    PASSWORD_POLICY,
    SEQUENCE,
    Malformed,
    Result,
    decodeInteger,
    elements,
)

_SUCCESS = 0

_WRONG_PASSWORD = "wrong password"

_INVALID_CREDENTIALS = 49

# invalidCredentials; noSuchObject, which some directories answer in its place;
# inappropriateAuthentication, where an entry has no password; constraintViolation,
# which 389 Directory Server answers after too many attempts;
# insufficientAccessRights, which authentik answers where it denies access.
_WRONG = {_INVALID_CREDENTIALS, 32, 48, 19, 50}

# unwillingToPerform may mean anything; these texts of 389 Directory Server, FreeIPA and
# eDirectory mean an account that is locked or has expired, whatever the password.
_UNWILLING = 53
_lockedTexts = re.compile(
    r"inactivated|failed logins|account.*locked|permanently locked"
    r"|principal\) is expired|NDS error: [^(]*\(-(?:197|218|220)\)",
    re.IGNORECASE,
)

#: invalidDNSyntax; namingViolation, which lldap answers to a name that no user can have.
BAD_NAME = {34, 64}

#: timeLimitExceeded, adminLimitExceeded, busy, unavailable: the same request may succeed
#: later.
COME_AGAIN = {3, 11, 51, 52}

#: These, operationsError and other: another server may answer.
ELSEWHERE = {1, 80, *COME_AGAIN}

# The errors, and the tags, of the password policy control.  OpenLDAP and 389 Directory
# Server send passwordExpired and changeAfterReset to the right password alone.
_PASSWORD_EXPIRED, _ACCOUNT_LOCKED, _CHANGE_AFTER_RESET = 0, 1, 2
_WARNING, _ERROR = 0xA0, 0x81
_SECONDS_LEFT, _LOGINS_LEFT = 0x80, 0x81

# With this older control 389 Directory Server and FreeIPA say that nothing is
# allowed but to change the password (draft-vchu-ldap-pwd-policy).
_EXPIRED_CONTROL = b"2.16.840.1.113730.3.4.4"

# As much as maxInt of RFC 4511 is.
_MOST_SECONDS = 2**31 - 1

# Active Directory's codes, with the reason of a denial for those that come with the right
# password alone (MS-ADTS section 5.1.1.5, and winerror.h for the numbers).  775 comes
# with a wrong one, too, and it isn't documented when 52f and 569 come.  Any other code
# means a failure: that no domain controller can be reached, for instance.  Nothing that
# a user has typed stands before the code.
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


class BindResult(NamedTuple):
    """
    What the result of a bind means.

    @ivar matched: whether the password was right.
    @ivar why: a reason or a warning for the log, or nothing.
    @ivar denial: why the login is denied although the password was right.
    """

    matched: bool
    why: str = ""
    denial: DenialReason | None = None


_LOCKED = BindResult(False, "the account is locked")


class Policy(NamedTuple):
    """
    The value of a password policy control.

    @ivar secondsLeft: when the password expires, in seconds from now, if that is soon.
    @ivar loginsLeft: how many logins are left with an expired password.
    @ivar error: the error.
    """

    secondsLeft: int | None = None
    loginsLeft: int | None = None
    error: int | None = None


def parsePolicy(value: bytes) -> Policy:
    """
    Return a decoded password policy control.

    @raise Malformed: if it can't be decoded.
    """
    policy = Policy()
    for tag, content in elements(value):
        if tag != SEQUENCE:
            raise Malformed("a password policy control is none")
        for kind, part in elements(content):
            if kind == _ERROR:
                policy = policy._replace(error=decodeInteger(part))
            elif kind == _WARNING:
                for which, amount in elements(part):
                    if which == _SECONDS_LEFT:
                        policy = policy._replace(secondsLeft=decodeInteger(amount))
                    elif which == _LOGINS_LEFT:
                        policy = policy._replace(loginsLeft=decodeInteger(amount))
    return policy


def judgeBind(result: Result) -> BindResult:
    """
    Return what the result of a bind means.

    @raise Unsure: if it means neither yes nor no.
    @raise Elsewhere: if another server should be asked.
    """
    try:
        policy = parsePolicy(result.controls.get(PASSWORD_POLICY, b""))
    except Malformed as error:
        raise Elsewhere(str(error)) from None
    if result.code == _SUCCESS:
        return _judgeSuccess(policy, _EXPIRED_CONTROL in result.controls)
    if result.code in _WRONG:
        return _judgeWrong(result, policy)
    if result.code == _UNWILLING:
        if policy.error == _ACCOUNT_LOCKED:
            return _LOCKED
        if _lockedTexts.search(result.text):
            return BindResult(False, result.text)
    if result.code in BAD_NAME:
        raise BadName(f"the answer to a user's bind is {describeResult(result)}")
    raise _unexpected(result, "to a user's bind")


def _judgeSuccess(policy: Policy, isExpired: bool) -> BindResult:
    """
    Return whether a user who has bound may do more than change their password.
    """
    if policy.error == _CHANGE_AFTER_RESET:
        return _expired("the password was reset and must be changed")
    if policy.loginsLeft is not None:
        left = f"the password has expired; logins left: {policy.loginsLeft}"
        return BindResult(True, left)
    if policy.error == _PASSWORD_EXPIRED or isExpired:
        return _expired("the password has expired")
    if policy.error is not None:
        return BindResult(
            True, f"the password policy says error {policy.error}", DenialReason.POLICY
        )
    if policy.secondsLeft is not None:
        # A server may send any number.
        seconds = min(max(policy.secondsLeft, 0), _MOST_SECONDS)
        return BindResult(True, f"the password expires in {timedelta(seconds=seconds)}")
    return BindResult(True)


def _judgeWrong(result: Result, policy: Policy) -> BindResult:
    """
    Return whether it was the password that was wrong, or something else.
    """
    found = _code.match(result.text)
    if found is not None:
        code = int(found[1], 16)
        if code not in _CODES:
            raise Elsewhere(f"the answer to a user's bind is {describeResult(result)}")
        why, denial = _CODES[code]
        return BindResult(denial is not None, why, denial)
    if policy.error == _PASSWORD_EXPIRED or _EXPIRED_CONTROL in result.controls:
        return _expired("the password has expired")
    if policy.error == _ACCOUNT_LOCKED:
        return _LOCKED
    if result.code == _INVALID_CREDENTIALS and not result.text.strip():
        return BindResult(False, _WRONG_PASSWORD)
    return BindResult(False, describeResult(result))


def orNoSuchEntry(result: BindResult) -> BindResult:
    """
    Return the result of a bind whose name may not exist, with a reason that says so: a
    directory answers as to a wrong password.
    """
    if result.why == _WRONG_PASSWORD:
        return result._replace(why=f"{_WRONG_PASSWORD}, or no such entry")
    return result


def _expired(why: str) -> BindResult:
    """
    Return the denial of a right password that has expired.
    """
    return BindResult(True, why, DenialReason.PASSWORD_EXPIRED)


def requireSuccess(result: Result, what: str) -> None:
    """
    Require that an operation has succeeded.

    @param what: the operation, for the log.

    @raise Elsewhere: if it may succeed on another server.
    @raise Unsure: if it won't.
    """
    if result.code != _SUCCESS:
        raise _unexpected(result, what)


def _unexpected(result: Result, what: str) -> Exception:
    """
    Return the exception for a result that decides nothing.
    """
    kind = Elsewhere if result.code in ELSEWHERE else Unsure
    return kind(f"the answer {what} is {describeResult(result)}")


def describeResult(result: Result) -> str:
    """
    Return the name of a result's code, and its diagnostic message, for the log.
    """
    from ldap3.core.results import RESULT_CODES

    name = RESULT_CODES.get(result.code, "an unknown code")
    told = f"{name} ({result.code})"
    return f"{told}: {result.text.strip()}" if result.text.strip() else told


__all__ = [
    "BAD_NAME",
    "COME_AGAIN",
    "ELSEWHERE",
    "BindResult",
    "Policy",
    "describeResult",
    "judgeBind",
    "orNoSuchEntry",
    "parsePolicy",
    "requireSuccess",
]
