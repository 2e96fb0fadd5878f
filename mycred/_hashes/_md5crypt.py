"""
MD5-crypt, and Apache's variant of it, which C{htpasswd} makes if it isn't asked
for better.

The algorithm is Poul-Henning Kamp's, from FreeBSD's crypt(3); Apache's differs in
the prefix, which is hashed too.
"""

from __future__ import annotations

import re

from .._secrets import equal

try:
    # For a thousand very short inputs: OpenSSL's takes twice as long to set up.
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:
    from hashlib import md5

complete = re.compile(rb"\$(?:apr1|1)\$[!-#%-9;-~]{0,8}\$[./A-Za-z0-9]{22}")

_DIGITS = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# Which bytes of the digest are written together, as four characters.
_TRIPLES = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))


def verify(stored: bytes, password: bytes) -> bool:
    """
    Return whether a hash was made of a password.

    @param stored: a hash that L{complete} matches.
    @param password: a password.
    """
    _, name, salt, digest = stored.split(b"$")
    return equal(_encode(_digest(password, salt, b"$%s$" % name)), digest)


def _digest(password: bytes, salt: bytes, magic: bytes) -> bytes:
    """
    Return a password's digest after a thousand and two rounds.
    """
    length = len(password)
    digest: bytes
    inner = md5(password + salt + password).digest()
    start = password + magic + salt + (inner * (length // 16 + 1))[:length]
    while length:
        # Meant to be a bit of the digest; in fact it is the first character.
        start += b"\0" if length & 1 else password[:1]
        length >>= 1
    digest = md5(start).digest()
    # What goes before and after the last digest comes round every 42 rounds.
    rounds = []
    for number in range(42):
        middle = (salt if number % 3 else b"") + (password if number % 7 else b"")
        odd = number & 1
        rounds.append((password + middle, b"") if odd else (b"", middle + password))
    for number in range(1000):
        before, after = rounds[number % 42]
        digest = md5(before + digest + after).digest()
    return digest


def _encode(digest: bytes) -> bytes:
    """
    Return a digest in crypt(3)'s digits.
    """
    numbers = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _TRIPLES]
    numbers.append((digest[11], 2))
    return bytes(
        _DIGITS[number >> 6 * place & 63]
        for number, places in numbers
        for place in range(places)
    )


__all__ = ["complete", "verify"]
