"""
Keys for names that nobody has, so that a client can't tell them from others.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

from ._keys import HASHES, ScramKeys
from ._saslprep import prepared

# The longest key of BLAKE2b, and the longest salt that it makes up, in bytes.
_LONGEST = 64


def madeUpSalt(secret: bytes, hash: str, username: bytes, size: int = 16) -> bytes:
    """
    Return a salt that is always the same for the same name, and that nobody without the
    secret can tell from a random one.

    @param secret: the secret of the site.
    @param hash: the name of the mechanism's hash, each of which has another salt.
    @param username: the name; all forms of one name (RFC 4013) have the same salt.
    @param size: the size of the salt, in bytes; at most 64.
    """
    # A keyed hash, as HMAC is one, and several times as fast.
    key = secret if len(secret) <= _LONGEST else blake2b(secret).digest()
    text = hash.encode("ascii") + b"\0" + prepared(username)
    return blake2b(text, key=key).digest()[:size]


def madeUpKeys(hash: str, iterations: int, salt: bytes) -> ScramKeys:
    """
    Return keys that belong to no password.
    """
    size = HASHES[hash]
    random = secrets.token_bytes(2 * size)
    return ScramKeys(hash, iterations, salt, random[:size], random[size:])


__all__ = ["madeUpKeys", "madeUpSalt"]
