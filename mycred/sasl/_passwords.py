"""
Mechanisms that send a password.
"""

from __future__ import annotations

from .._authzid import insistOnOwnName
from .._scram import sentName
from .._secrets import isPlausible
from ..credentials import UsernamePassword
from ..error import SASLError
from ._exchange import Exchange, Step


class Plain(Exchange):
    """
    PLAIN (U{RFC 4616<https://www.rfc-editor.org/rfc/rfc4616>}): a name to act as, which
    is mostly empty, the name and the password, with NULs between them.
    """

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        parts = answer.split(b"\0")
        if len(parts) != 3:
            raise SASLError("two NULs are wanted")
        authzid, username, password = parts
        sentName(authzid)
        self.username = sentName(username)
        credentials = passwordCredentials(username, password)
        insistOnOwnName(authzid, username)
        return credentials


class Login(Exchange):
    """
    LOGIN, which was never standardized: the name, and then the password.
    """

    # Some clients look at these words.
    prompt = b"Username:"

    _isNamed = False

    def respond(self, answer: bytes) -> Step:
        """
        Return the challenge for the password, and then the credentials.
        """
        if self._isNamed:
            return passwordCredentials(self.username, answer)
        self.username = sentName(answer)
        self._isNamed = True
        return b"Password:"


def passwordCredentials(username: bytes, password: bytes) -> UsernamePassword:
    """
    Return the credentials of a name and a password.

    @raise SASLError: if there is no name, or the password is absurd.
    """
    if not username:
        raise SASLError("the name is missing")
    if not isPlausible(password):
        raise SASLError("no password can be like this")
    return UsernamePassword(username, password)


__all__ = ["Login", "Plain"]
