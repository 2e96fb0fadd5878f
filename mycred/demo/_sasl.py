"""
The SASL mechanisms that the mail protocols offer, and what a client says in one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
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
from ._offered import isOffered

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


class Exchange:
    """
    What server and client say to each other until the credentials are complete: lines
    of base64.

    @ivar credentials: the credentials.
    """

    def __init__(self, credentials: Any) -> None:
        """
        @param credentials: the credentials to complete.
        """
        self.credentials = credentials

    def challenge(self) -> bytes:
        """
        Return what the server says next.
        """
        return b64encode(self.credentials.getChallenge())

    def begin(self, response: bytes) -> bool:
        """
        Take what the client says before it is asked (RFC 4959, RFC 5034): the answer to
        the first challenge, or C{=} for an empty one.

        @return: whether the credentials are complete.

        @raise Malformed: if it is no base64, or the mechanism needs the challenge.
        @raise LoginFailed: if nobody can log in so.
        """
        if isinstance(self.credentials, CramMD5Credentials):
            raise Malformed("This mechanism begins with a challenge")
        # As if it had been asked.
        self.credentials.getChallenge()
        return self.take(b"" if response == b"=" else response)

    def take(self, line: bytes) -> bool:
        """
        Take the client's answer to a challenge.

        @return: whether the credentials are complete.

        @raise Malformed: if it is no base64, or ends the exchange.
        @raise LoginFailed: if nobody can log in so.
        """
        if line == b"*":
            raise Malformed("Cancelled")
        try:
            response = b64decode(line, validate=True)
        except binascii.Error:
            raise Malformed("That is no base64") from None
        try:
            self.credentials.setResponse(response)
        except IllegalClientResponse:
            raise LoginFailed("a malformed answer") from None
        return not self.credentials.moreChallenges()


__all__ = ["Exchange", "Malformed", "Mechanisms", "OwnNameCredentials", "mechanismsOf"]
