"""
A signed JSON Web Token (RFC 7519), in the compact form of JWS (RFC 7515).

Keys come from the server's own key set alone: what a token says of where its key is
(C{jku}, C{jwk}, C{x5u}, C{x5c}) isn't looked at.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

from ._errors import TokenRefused
from ._json import parseObject
from ._keyset import ALGORITHMS, KeySet

# base64url without padding (RFC 7515, section 2).
_BASE64 = re.compile(rb"[A-Za-z0-9_-]*")

# The types of tokens that let somebody in (RFC 7519, section 5.1; RFC 9068, section 2.1).
# Others, such as logout tokens, may be signed by the same keys.
_TYPES = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")


@dataclass(frozen=True)
class SignedToken:
    """
    The parts of a token, of which nothing is proved yet.

    @ivar algorithm: the algorithm of the signature, one that counts.
    @ivar kid: the name of the key; L{None} if it isn't said.
    @ivar claims: what the token says.
    @ivar signed: what is signed.
    @ivar signature: the signature.
    """

    algorithm: str
    kid: str | None
    claims: dict[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def insistOnSignature(self, keys: KeySet) -> None:
        """
        Insist that one of the keys has signed the token.

        @raise TokenRefused: if the signature is wrong.
        @raise NoSuchKey<mycred._tokens._keyset.NoSuchKey>: if there is no such key.
        """
        key = keys.keyFor(self.kid, self.algorithm)
        if not key.verifies(self.algorithm, self.signed, self.signature):
            raise TokenRefused("the signature is wrong")


def parseToken(token: bytes) -> SignedToken:
    """
    Parse a token.

    @param token: the token.  Its size is up to the caller.

    @raise TokenRefused: if it isn't one, or its signature couldn't count.
    """
    parts = token.split(b".")
    if len(parts) != 3:
        raise TokenRefused("the token isn't a signed JWT")
    try:
        head, body, signature = map(_decoded, parts)
        header, claims = parseObject(head), parseObject(body)
    except ValueError as error:
        raise TokenRefused(f"the token isn't a signed JWT: {error}") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("the token's algorithm (alg) doesn't count")
    if not isinstance(kid, (str, type(None))):
        raise TokenRefused("the name of the token's key (kid) isn't a text")
    if str(header.get("typ", "jwt")).lower() not in _TYPES:
        raise TokenRefused("the token is of another type (typ)")
    for name in ("crit", "b64", "zip", "enc", "cty"):
        # None of what they ask for is done here (RFC 7515, section 4.1.11).
        if name in header:
            raise TokenRefused(f"the token's header has {name}")
    signed = token.rpartition(b".")[0]
    return SignedToken(algorithm, kid, claims, signed, signature)


def _decoded(part: bytes) -> bytes:
    """
    Return what a part of a token encodes, in the only spelling that there is for it.

    @raise ValueError: if it isn't base64url.
    """
    if not _BASE64.fullmatch(part):
        raise ValueError("a part isn't base64url")
    try:
        decoded = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("a part isn't base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise ValueError("a part isn't base64url")
    return decoded


__all__ = ["SignedToken", "parseToken"]
