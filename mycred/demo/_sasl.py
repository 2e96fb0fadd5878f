"""
The SASL mechanisms that the mail protocols offer, and the client's answers.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from typing import Protocol

from twisted.mail.imap4 import (
    IllegalClientResponse,
    LOGINCredentials,
    PLAINCredentials,
)

from .._contracts import IUsernameHashedPassword, IUsernamePassword
from ..credentials import CramMD5Credentials
from ..error import LoginFailed, UnauthorizedLogin
from ..portal import Portal
from ._loginoffers import isOffered


class Challenger(Protocol):
    """
    Credentials that are made of the client's answers to challenges.
    """

    def getChallenge(self) -> bytes: ...

    def setResponse(self, response: bytes) -> None: ...

    def moreChallenges(self) -> bool: ...


#: For each mechanism, what makes its credentials.
Mechanisms = dict[bytes, Callable[[], Challenger]]


class Malformed(Exception):
    """
    What a client sends makes no sense, or cancels the exchange.  The client may be sent
    the text.
    """


class OwnNameCredentials(PLAINCredentials):
    """
    The name and the password of a client that doesn't ask to act as another user.
    """

    def setResponse(self, response: bytes) -> None:
        """
        Parse the client's answer.

        @param response: as RFC 4616 has it: the identity to act as, the name and the
            password.  The identity must be empty or the name, byte by byte: a client
            that spells the name in two ways is refused.

        @raise UnauthorizedLogin: if the identity is another user's.
        """
        super().setResponse(response)
        identity = response.split(b"\0")[0]
        if identity not in (b"", self.username):
            raise UnauthorizedLogin("acting as another user is not allowed")


def mechanismsOf(portal: Portal) -> Mechanisms:
    """
    Return the mechanisms that are offered for the checkers of a portal.
    """
    mechanisms: Mechanisms = {}
    if isOffered(portal, IUsernameHashedPassword):
        mechanisms[b"CRAM-MD5"] = CramMD5Credentials
    if IUsernamePassword in portal.listCredentialsInterfaces():
        mechanisms[b"LOGIN"] = LOGINCredentials
        mechanisms[b"PLAIN"] = OwnNameCredentials
    return mechanisms


def take(credentials: Challenger, line: bytes) -> bool:
    """
    Hand a client's answer to a challenge to its credentials.

    @param line: the answer, in base64.

    @return: whether the credentials are complete.

    @raise Malformed: if it is no base64, or ends the exchange.
    @raise LoginFailed: if the credentials refuse it.
    """
    if line == b"*":
        raise Malformed("Cancelled")
    try:
        credentials.setResponse(b64decode(line, validate=True))
    except binascii.Error:
        raise Malformed("That is no base64") from None
    except IllegalClientResponse:
        raise LoginFailed("a malformed answer") from None
    return not credentials.moreChallenges()


__all__ = [
    "Challenger",
    "Malformed",
    "Mechanisms",
    "OwnNameCredentials",
    "mechanismsOf",
    "take",
]
