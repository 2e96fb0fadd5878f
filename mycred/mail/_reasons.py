"""
Why a login hasn't succeeded, as far as the client is told.
"""

from __future__ import annotations

from enum import Enum

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from ..error import (
    AccountDenied,
    DenialReason,
    LoginDenied,
    LoginFailed,
    SASLCancelled,
    SASLError,
    TemporaryFailure,
    Throttled,
    Unauthorized,
    UnhandledCredentials,
)


class Reason(Enum):
    """
    Why a login hasn't succeeded.  The value is said to the client.
    """

    CANCELLED = "Cancelled"
    MALFORMED = "That makes no sense"
    REFUSED = "Authentication failed"
    DISABLED = "This account is disabled"
    EXPIRED = "This account, or its password, has expired"
    FORBIDDEN = "This account may not log in here"
    UNAVAILABLE = "Temporarily unavailable, try again later"
    THROTTLED = "Too many failed logins, try again later"
    UNSUPPORTED = "There is no such mechanism"
    UNPRIVATE = "This would send the password in the clear, begin with TLS"
    MISCONFIGURED = "The server can't check this"
    DEFECT = "Server error"


_DENIED = {
    DenialReason.DISABLED: Reason.DISABLED,
    DenialReason.EXPIRED: Reason.EXPIRED,
    DenialReason.LOCKED: Reason.DISABLED,
    DenialReason.PASSWORD_EXPIRED: Reason.EXPIRED,
    DenialReason.POLICY: Reason.FORBIDDEN,
}

# The first that fits counts.
_FAILED = [
    (SASLCancelled, Reason.CANCELLED),
    (SASLError, Reason.MALFORMED),
    (Throttled, Reason.THROTTLED),
    (TemporaryFailure, Reason.UNAVAILABLE),
    (CancelledError, Reason.UNAVAILABLE),
    (UnhandledCredentials, Reason.MISCONFIGURED),
    (LoginFailed, Reason.REFUSED),
    (LoginDenied, Reason.REFUSED),
    (Unauthorized, Reason.REFUSED),
]


# What has a text of its own that is fit for the client.
_OWN = (Reason.CANCELLED, Reason.MALFORMED, Reason.THROTTLED)


class NotOffered(Exception):
    """
    A login can't be tried.

    @ivar reason: why not.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def reasonOf(failure: Failure) -> Reason:
    """
    Return why a login has failed.
    """
    error = failure.value
    if isinstance(error, NotOffered):
        return error.reason
    if isinstance(error, AccountDenied):
        return _DENIED.get(error.reason, Reason.FORBIDDEN)
    for kind, reason in _FAILED:
        if isinstance(error, kind):
            return reason
    return Reason.DEFECT


def textOf(failure: Failure, reason: Reason) -> bytes:
    """
    Return what to say of a login that has failed.

    @param reason: why, as L{reasonOf} has it.
    """
    if reason in _OWN:
        said = str(failure.value)
        if said and said.isascii() and said.isprintable():
            return said.encode("ascii")
    return reason.value.encode("ascii")


__all__ = ["NotOffered", "Reason", "reasonOf", "textOf"]
