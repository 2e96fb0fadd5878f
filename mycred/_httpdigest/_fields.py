"""
Parse the fields of an answer to HTTP Digest, and insist on those that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .._digest import algorithms
from ..error import LoginFailed

# credentials = "Digest" 1*SP #auth-param, auth-param = token BWS "=" BWS
# ( token / quoted-string ), with commas between them (RFC 7235, appendix C).
# As in Twisted, an unquoted value may be anything up to the next comma.  No two
# repetitions that stand side by side may take the same character: a hostile
# header would have every split between them tried.
_authParam = re.compile(
    rb'[\s,]*([^\s=,"]+)\s*=(?:\s*"((?:[^"\\]|\\.)*)"\s*|([^",]*))(?:,|\Z)', re.DOTALL
)
_quotedPair = re.compile(rb"\\(.)", re.DOTALL)
_nonceCount = re.compile(rb"[0-9a-fA-F]{8}")

# The longest nonce of a client, in bytes: it is remembered, so it must be short.
_LONGEST_CNONCE = 256


def parseFields(response: bytes) -> dict[str, bytes]:
    """
    Return the fields in the value of an C{Authorization} header.

    @raise LoginFailed: if it doesn't follow the grammar.
    """
    fields = {}
    position, end = 0, len(response.rstrip(b" \t\r\n,"))
    while position < end:
        match = _authParam.match(response, position)
        if match is None:
            raise LoginFailed("Invalid response, malformed fields.")
        key, quoted, bare = match.groups()
        value = bare if quoted is None else _quotedPair.sub(rb"\1", quoted)
        fields[key.decode("latin-1").lower()] = value.strip()
        position = match.end()
    return fields


def verifyFields(fields: Mapping[str, bytes], asked: bytes) -> None:
    """
    Insist on an answer to the challenge that was sent.

    Without C{qop} an answer follows RFC 2069, and has no nonce count.

    @param asked: the algorithm that was asked for.

    @raise LoginFailed: if the algorithm or the quality of protection is another one, or a
        field is missing.
    """
    for field in ("username", "opaque", "nonce"):
        if not fields.get(field):
            raise LoginFailed(f"Invalid response, no {field} given.")
    algorithm = fields.get("algorithm", b"md5").lower()
    if algorithm != asked.lower() or algorithm not in algorithms:
        raise LoginFailed("Invalid response, another algorithm was asked for.")
    if fields.get("qop", b"auth") != b"auth":
        raise LoginFailed("Invalid response, another qop was asked for.")
    counted = "qop" in fields or "nc" in fields
    if counted and not _nonceCount.fullmatch(fields.get("nc", b"")):
        raise LoginFailed("Invalid response, malformed nonce count.")
    required = {"response", "uri"}
    if counted or algorithm.endswith(b"-sess"):
        required.add("cnonce")
    if len(fields.get("cnonce", b"")) > _LONGEST_CNONCE:
        raise LoginFailed("Invalid response, malformed fields.")
    if not all(fields.get(field) for field in required):
        raise LoginFailed("Invalid response, malformed fields.")


__all__ = ["parseFields", "verifyFields"]
