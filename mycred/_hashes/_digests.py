"""
The digests of LDAP directories, and of Dovecot: one round of SHA, with a salt or
without (U{RFC 2307<https://www.rfc-editor.org/rfc/rfc2307>}, section 5.3).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import unhexlify

from .._secrets import equal

# SHA-1, SHA-256 and SHA-512 in hexadecimal, which Dovecot knows by the length.
_hexadecimal = re.compile(rb"(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128})")


def complete(size: int, salted: bool) -> re.Pattern[bytes]:
    """
    Return a pattern that a whole digest matches, decoded.

    @param size: its size, in bytes.
    @param salted: whether a salt follows.
    """
    return re.compile(rb"(?s).{%d}%s" % (size, b".{1,64}" if salted else b""))


def verify(algorithm: str, stored: bytes, password: bytes) -> bool:
    """
    Return whether a digest was made of a password.

    @param algorithm: the name of the digest in L{hashlib}.
    @param stored: the digest and the salt, decoded.
    @param password: a password.
    """
    digest = hashlib.new(algorithm)
    salt = stored[digest.digest_size :]
    digest.update(password + salt)
    return equal(digest.digest() + salt, stored)


def decode(text: bytes, encoding: bytes = b"") -> bytes:
    """
    Return the bytes of what follows the name of a scheme.

    @param text: what follows.
    @param encoding: the encoding that the name has after a point, in capitals: C{HEX},
        C{B64} or C{BASE64}; empty if the text tells it.

    @raise ValueError: if the text isn't encoded so.
    """
    if encoding == b"HEX" or (not encoding and _hexadecimal.fullmatch(text)):
        return unhexlify(text)
    if encoding in (b"", b"B64", b"BASE64"):
        return b64decode(text, validate=True)
    raise ValueError("an unknown encoding")


__all__ = ["complete", "decode", "verify"]
