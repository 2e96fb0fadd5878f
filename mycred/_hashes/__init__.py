"""
Stored hashes: recognize one, and verify a password against it.

L{verify} is pure: bytes in, a verdict out, and never an exception.  What each
scheme looks like stands in one table; how it is verified, in a module each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from . import _bcrypt


class Scheme(NamedTuple):
    """
    One way to hash a password.

    @ivar name: what administrators call it.
    @ivar complete: what a whole stored hash looks like.
    @ivar verify: verify a password against a hash that L{complete} matches.
    """

    name: str
    complete: re.Pattern[bytes]
    verify: Callable[[bytes, bytes], bool]


#: Which scheme a stored hash belongs to, by how it begins.
_schemes: dict[bytes, Scheme] = {
    prefix: Scheme("bcrypt", _bcrypt.complete, _bcrypt.verify)
    for prefix in (b"$2a$", b"$2b$", b"$2x$", b"$2y$")
}


def schemeOf(stored: bytes) -> Scheme | None:
    """
    Recognize the scheme of a complete stored hash.

    @return: the scheme, or L{None} if this is no hash, or not a whole one.
    """
    scheme = _schemes.get(stored[:4])
    if scheme is None or not scheme.complete.fullmatch(stored):
        return None
    return scheme


# $id$... of crypt(3), {SCHEME}... of LDAP and Dovecot, and the beginning of a
# bcrypt hash that was cut off.
_meantAsHash = re.compile(
    rb"\$[A-Za-z0-9-]{1,16}\$|\{[A-Za-z0-9.-]{1,24}\}|\$(?:2[abxy]?)?\Z"
)


def isMeantAsHash(stored: bytes) -> bool:
    """
    Tell whether a stored secret begins like a hash, be it a whole one of a known
    scheme or not.  It is no password, then: whoever has seen the file must not get
    in with what stands there.
    """
    return _meantAsHash.match(stored) is not None


def verify(stored: bytes, password: bytes) -> bool:
    """
    Tell whether a stored hash was made of this password.

    @param stored: the hash.  What isn't a complete hash of a known scheme, and
        a hash whose cost is absurd, match no password.
    @param password: what the user typed.
    """
    scheme = schemeOf(stored)
    if scheme is None or b"\0" in password:
        return False
    return scheme.verify(stored, password)


__all__ = ["Scheme", "isMeantAsHash", "schemeOf", "verify"]
