"""
Mechanisms that send a token of another server.
"""

from __future__ import annotations

import json
import re

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._scram import SASLNAME, sentName, unescapedName
from ..credentials import BearerToken
from ..error import AccountDenied, SASLError, UnauthorizedLogin
from ._exchange import Exchange, Step, refused

# A token, with the scheme before it, in any case (RFC 6750, section 2.1).  Without one
# the client asks what it would need (RFC 7628, section 4.3).
_AUTH = re.compile(rb"(?:(?i:Bearer) +(?P<token>[A-Za-z0-9._~+/-]+=*))?")

# Section 3.1: a header as in SCRAM, and then pairs of names and values.
_PAIRS = rb"(?P<pairs>(?:[A-Za-z]+=[\t\n\r -~]*\x01)+)\x01"
_OAUTHBEARER = re.compile(rb"[ny],(?:a=(?P<authzid>" + SASLNAME + rb"))?,\x01" + _PAIRS)
_XOAUTH2 = re.compile(rb"user=(?P<authzid>[^\0\x01]*)\x01" + _PAIRS)


class OAuthBearer(Exchange):
    """
    OAUTHBEARER (U{RFC 7628<https://www.rfc-editor.org/rfc/rfc7628>}).
    """

    # What a client is told that has no good token.
    _advice = {"status": "invalid_token"}

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        authzid, token = self._parse(answer)
        self.username = authzid
        if not token:
            raise refused("no token")
        return BearerToken(token, authzid)

    def refuse(self, failure: Failure) -> Failure | Deferred[Failure]:
        """
        Tell the client that its token isn't good, and take whatever it answers.  If the
        token isn't what is wrong, the client must keep it, and gets no advice.
        """
        if failure.check(AccountDenied) or not failure.check(UnauthorizedLogin):
            return failure
        advised = self._ask(json.dumps(self._advice).encode("ascii"))
        return advised.addErrback(_ebAnswer).addCallback(lambda _: failure)

    def _parse(self, answer: bytes) -> tuple[bytes, bytes]:
        """
        Return the name of the user to act as, and the token, either of them empty if it
        is missing.
        """
        found = _OAUTHBEARER.fullmatch(answer)
        if found is None:
            raise SASLError("malformed message")
        return unescapedName(found["authzid"] or b""), _tokenIn(found["pairs"])


class XOAuth2(OAuthBearer):
    """
    XOAUTH2, the form that Google had before there was a standard, and that many clients
    still use.
    """

    _advice = {"status": "401", "schemes": "bearer"}

    def _parse(self, answer: bytes) -> tuple[bytes, bytes]:
        found = _XOAUTH2.fullmatch(answer)
        if found is None:
            raise SASLError("malformed message")
        return sentName(found["authzid"]), _tokenIn(found["pairs"])


def _ebAnswer(failure: Failure) -> None:
    """
    Take an answer that makes no sense for one.
    """
    failure.trap(SASLError)


def _tokenIn(pairs: bytes) -> bytes:
    """
    Return the token that stands in pairs of names and values; nothing if there is none.

    @raise SASLError: if there are two, or it can't be one.
    """
    values = [pair[5:] for pair in pairs.split(b"\x01") if pair[:5] == b"auth="]
    found = _AUTH.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise SASLError("one token is wanted")
    return found["token"] or b""


__all__ = ["OAuthBearer", "XOAuth2"]
