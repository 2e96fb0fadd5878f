"""
What the checkers of passwords share: holding what a user presents against a
stored secret, so that an unknown user is refused as a known one is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    fail,
    maybeDeferred,
    succeed,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import withReason
from .._contracts import AvatarID, twistedCredentials
from .._counterparts import isOverridden
from .._secrets import isPlausible
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD
from ..error import LoginFailed, TemporaryFailure, UnauthorizedLogin

# Asked of its module at each login, it would take as long as the login: there are names
# in that one which are deprecated.
_UsernamePassword = twistedCredentials.UsernamePassword

#: What stands in for the secret of a user who is unknown, or has none.
NOBODYS = secrets.token_hex(16).encode("ascii")


class PasswordMatching:
    """
    Base of the checkers that compare a presented password with a stored one.
    """

    _log = Logger()

    def _cbPasswordMatch(self, matched: bool, username: AvatarID) -> AvatarID | Failure:
        """
        Name the avatar, if the password matched.

        Programs override this, and call it with these arguments.
        """
        return username if matched else refusal(WRONG_PASSWORD)

    def _matchPassword(
        self,
        credentials: Any,
        stored: Any,
        avatarId: AvatarID,
        why: str = NO_SUCH_USER,
    ) -> Deferred[AvatarID]:
        """
        Ask the credentials whether they match a stored secret.

        @param credentials: what the user presents.
        @param stored: the secret; an empty one matches nothing.
        @param avatarId: the answer, if they match.
        @param why: what the log is told if nothing is stored: such a login is refused
            after the same work as others.
        """
        secret = stored or NOBODYS
        try:
            matched = credentials.checkPassword(secret)
            if matched is False and isinstance(secret, bytes):
                if isinstance(getattr(credentials, "password", None), str):
                    # FTP and IRC hand over text: present the secret in kind.
                    text = secret.decode("utf-8", "surrogateescape")
                    matched = credentials.checkPassword(text)
        except Exception:
            return fail()
        conclude: Callable[[bool, AvatarID], Any] = self._cbPasswordMatch
        if not stored:
            conclude = partial(_refuse, why)
        if matched is True or matched is False:
            answer: Any = conclude(matched, avatarId)
            if type(answer) is bytes or type(answer) is Failure:
                # The failure becomes one.
                return succeed(answer)  # type: ignore[arg-type]
            # A program's own may be a Deferred.
            return maybeDeferred(_itself, answer)
        # Twisted's contract: it may be a Deferred, or a coroutine.
        return maybeDeferred(_itself, matched).addCallback(conclude, avatarId)

    def _ebVerifying(self, failure: Failure) -> Failure:
        """
        Tell what keeps a hash from being verified.
        """
        if failure.check(LoginFailed, CancelledError):
            return failure
        self._log.failure("A hash could not be verified", failure)
        return Failure(TemporaryFailure("Temporarily unavailable"))


def _refuse(why: str, matched: object, avatarId: object) -> Failure:
    """
    Refuse a login, whatever the credentials have said.
    """
    return refusal(why)


def _itself(answer: Any) -> Any:
    """
    Return what somebody has answered.
    """
    return answer


def refusal(why: str) -> Failure:
    """
    Refuse a login.

    @param why: what the log is told, and the client isn't.
    """
    return Failure(withReason(UnauthorizedLogin(), why))


def arePlausible(credentials: Any) -> bool:
    """
    Tell whether credentials are worth looking up.
    """
    # Credentials that prove the password without sending it hold none.
    password = getattr(credentials, "password", b"")
    return isPlausible(credentials.username) and isPlausible(password)


def checkThemselves(credentials: object) -> bool:
    """
    Return whether a program has given credentials that hold a password a way of their own
    to compare it.
    """
    isPassword = isinstance(credentials, _UsernamePassword)
    return isPassword and isOverridden(credentials, "checkPassword")


__all__ = [
    "NOBODYS",
    "PasswordMatching",
    "arePlausible",
    "checkThemselves",
    "refusal",
]
