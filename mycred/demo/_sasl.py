"""
The SASL mechanisms that the mail protocols offer, and what a client says in one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from typing import Any

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

#: For each mechanism, how to make its credentials.
Mechanisms = dict[bytes, Callable[[], Any]]


class Malformed(Exception):
    """
    What a client says makes no sense in an exchange, or ends it.  The text says why, in
    words that a client may be told.
    """


class OwnNameCredentials(PLAINCredentials):
    """
    A name and a password, of a client that doesn't ask to act as somebody else.
    """

    def setResponse(self, response: bytes) -> None:
        """
        Take the client's answer.

        @param response: as RFC 4616 has it: the identity to act as, the name and the
            password.  Nobody may act as somebody else here; what is compared are the
            bytes, so that whoever spells their name in two ways is refused.

        @raise UnauthorizedLogin: if the identity is another one's.
        """
        super().setResponse(response)
        identity = response.split(b"\0")[0]
        if identity not in (b"", self.username):
            raise UnauthorizedLogin("nobody may act as somebody else")


def mechanismsOf(portal: Portal) -> Mechanisms:
    """
    List the mechanisms that are offered for the checkers of a portal.
    """
    mechanisms: Mechanisms = {}
    if isOffered(portal, IUsernameHashedPassword):
        mechanisms[b"CRAM-MD5"] = CramMD5Credentials
    if IUsernamePassword in portal.listCredentialsInterfaces():
        mechanisms[b"LOGIN"] = LOGINCredentials
        mechanisms[b"PLAIN"] = OwnNameCredentials
    return mechanisms


def take(credentials: Any, line: bytes) -> bool:
    """
    Take a client's answer to a challenge: a line of base64.

    @return: whether the credentials are complete.

    @raise Malformed: if it is no base64, or ends the exchange.
    @raise LoginFailed: if nobody can log in so.
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


__all__ = ["Malformed", "Mechanisms", "OwnNameCredentials", "mechanismsOf", "take"]
