"""
Tokens in requests of HTTP (RFC 6750).
"""

from __future__ import annotations

import re
from typing import Any

from zope.interface import implementer

from twisted.web.iweb import ICredentialFactory

from .._secrets import asBytes
from ..credentials import BearerToken
from ..error import LoginFailed

# The grammar of section 2.1.
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")

#: Longer tokens are refused before any work, in bytes.
LONGEST_TOKEN = 2**14


def isToken(token: object) -> bool:
    """
    Return whether something has the form of a token (C{b64token} of RFC 6750, section
    2.1), and is no longer than L{LONGEST_TOKEN}.
    """
    return (
        isinstance(token, bytes)
        and len(token) <= LONGEST_TOKEN
        and _TOKEN.fullmatch(token) is not None
    )


@implementer(ICredentialFactory)
class BearerCredentialFactory:
    """
    What has L{HTTPAuthSessionWrapper<twisted.web.guard.HTTPAuthSessionWrapper>} take
    tokens::

        HTTPAuthSessionWrapper(portal, [BearerCredentialFactory(b"example")])

    They come in the header C{Authorization: Bearer TOKEN} alone: what stands in a URL
    ends in logs and in other sites' hands (RFC 6750, section 5.3).

    @ivar authenticationRealm: the name of what is protected.
    """

    scheme = b"bearer"

    def __init__(self, authenticationRealm: bytes | str) -> None:
        """
        @param authenticationRealm: the name of what is protected, for the client.
        """
        self.authenticationRealm = asBytes(authenticationRealm)

    def getChallenge(self, request: Any) -> dict[str, bytes]:
        """
        Return what a client is told that isn't let in: the realm and, if it has sent a
        token, that this is no good (section 3.1).

        @param request: the request.
        """
        challenge = {"realm": self.authenticationRealm}
        sent = request.getHeader(b"authorization") or b""
        if sent.partition(b" ")[0].lower() == self.scheme:
            challenge["error"] = b"invalid_token"
        return challenge

    def decode(self, response: bytes, request: Any) -> BearerToken:
        """
        Return the token of a request.

        @param response: what follows C{Bearer} in its header C{Authorization}.
        @param request: the request.

        @raise LoginFailed: if it isn't a token.
        """
        token = response.strip(b" ")
        if not isToken(token):
            raise LoginFailed("Malformed token")
        return BearerToken(token)


__all__ = ["LONGEST_TOKEN", "BearerCredentialFactory", "isToken"]
