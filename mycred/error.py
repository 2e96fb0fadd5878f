"""
The errors with which a login ends.

Five of them are Twisted's own objects, since protocols catch them by identity.
The others are added, and extend Twisted's: L{TemporaryFailure}, when a store
can't tell now, L{AccountDenied}, when it knows the account and refuses it all
the same, and L{StaleNonce} and L{WrongURI}, with which HTTP Digest refuses an
answer before any store is asked.

====================  =====================================================
The peer may          raised
====================  =====================================================
type it again         L{UnauthorizedLogin}: unknown user or wrong password
ask the administrator L{AccountDenied}: the password was right
come back later       L{TemporaryFailure}: nothing was learnt
answer anew           L{StaleNonce}: the challenge is no longer good
====================  =====================================================
"""

from __future__ import annotations

from enum import Enum
from math import ceil

from twisted.cred.error import (
    LoginDenied,
    LoginFailed,
    Unauthorized,
    UnauthorizedLogin,
    UnhandledCredentials,
)

# In seconds.
_DAY = 86_400


class TemporaryFailure(LoginFailed):
    """
    The store can't tell now whether the credentials are right.

    A file that can't be read, a directory that is down, a queue that is full
    or a deadline that has passed end so: never as a wrong password.
    """


class Throttled(TemporaryFailure):
    """
    Too many logins have failed, and this one wasn't looked at.

    Nothing is told by this of the name or the password: it depends on the name as it was
    typed, and on where the client is, and on nothing else.

    @ivar retryAfter: after how many seconds the client may try again.
    @type retryAfter: L{float}
    """

    def __init__(self, retryAfter: float) -> None:
        self.retryAfter = retryAfter
        super().__init__(f"Too many failed logins; try again in {self.seconds} s")

    @property
    def seconds(self) -> int:
        """
        After how many whole seconds the client may try again: at least one, and at most a
        day, whatever a state has said.
        """
        # In this order it isn't NaN either.
        return max(1, ceil(min(_DAY, self.retryAfter)))


class DenialReason(Enum):
    """
    Why an account is refused although the password was right.
    """

    DISABLED = "account disabled"
    EXPIRED = "account expired"
    LOCKED = "account locked"
    PASSWORD_EXPIRED = "password expired"
    POLICY = "refused by policy"


class AccountDenied(UnauthorizedLogin):
    """
    The password was right, and the account is refused for a definite reason.

    To code that knows Twisted's errors only, this is an L{UnauthorizedLogin}.
    It is raised only after the password was proved, since it tells that the
    account exists.

    @ivar reason: why the account is refused.
    @type reason: L{DenialReason}
    """

    def __init__(self, reason: DenialReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class SASLError(UnauthorizedLogin):
    """
    What a client has sent as a part of a login by SASL makes no sense, or ends the login.

    The text is ASCII, and fit for the client.  A checker in the middle of a conversation
    may pass it on: to code that knows Twisted's errors only, this is an
    L{UnauthorizedLogin}.
    """


class SASLCancelled(SASLError):
    """
    The client has ended a login by SASL itself, with C{*} (RFC 4422, section 3.5).
    """


class StaleNonce(LoginFailed):
    """
    An answer to HTTP Digest is well formed, and its challenge isn't good, or no longer.

    The client may answer another challenge without asking its user again, if that one
    says C{stale=true} (RFC 7616, section 3.3).  Nothing is told by this of the password,
    which wasn't looked at.
    """


class WrongURI(LoginFailed):
    """
    An answer to HTTP Digest came with a request for another URI than it is for.

    RFC 7616 (section 3.4.6) wants it told as an error of the client's: 400.

    @ivar uri: the URI that the answer is for.
    """

    def __init__(self, uri: bytes) -> None:
        super().__init__("Invalid response, it is for another URI.")
        self.uri = uri


__all__ = [
    "AccountDenied",
    "DenialReason",
    "LoginDenied",
    "LoginFailed",
    "SASLCancelled",
    "SASLError",
    "StaleNonce",
    "TemporaryFailure",
    "Throttled",
    "Unauthorized",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "WrongURI",
]
