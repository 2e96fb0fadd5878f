"""
bcrypt, as C{htpasswd -B} writes it, and as crypt(3) of before 2011 did.

The crypt(3) of that time took bytes above 127 for negative numbers, so that they wiped
out the bytes before them.  C{$2x$} marks hashes that were made so, and C{$2a$} is what
all programs wrote then.  A password for which both ways come to the same although it has
such bytes is crafted: it would match the flawed hashes of many passwords, so that with
crypt(3) it matches no C{$2a$} hash that others made
(U{CVE-2011-2483<https://www.openwall.com/lists/announce/2011/06/21/1>}).
"""

from __future__ import annotations

import re

from .._secrets import equal
from . import _libcrypt

# $2b$ and its relatives, the cost, and 22 + 31 characters of salt and digest.  Of
# the salt's 128 bits the last character has two.
complete = re.compile(
    rb"\$2[abxy]\$(?P<cost>0[4-9]|[12][0-9]|3[01])\$"
    rb"[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)

# Above this, where apr-util stops, a cost is absurd: half a minute and more.
_MOST_COST = 17

#: What bcrypt looks at, in bytes.  Its Python package refuses longer passwords,
#: Apache's tools cut them off here, both when they hash and when they verify.
LONGEST = 72


def isAbsurd(cost: bytes) -> bool:
    """
    Return whether a cost is absurd.

    @param cost: the logarithm of the number of rounds.
    """
    return int(cost) > _MOST_COST


def verify(stored: bytes, password: bytes) -> bool:
    """
    Return whether a hash was made of a password.

    @param stored: a hash that L{complete} matches.
    @param password: a password without NUL, of which 72 bytes count.

    @raise ValueError: if the salt is malformed.
    @raise MemoryError: if there is not enough memory for it now.
    """
    import bcrypt

    counting = password[:LONGEST]
    if not _isCrafted(counting):
        return bcrypt.checkpw(counting, stored)
    # Whatever the hash's prefix, so that the time doesn't tell which it is.
    hashed = _libcrypt.crypt(counting, stored)
    if hashed is not None:
        return equal(hashed, stored)
    # Without a library that knows the rule: the same work, and False.
    return bcrypt.checkpw(counting, stored) and not stored.startswith(b"$2a$")


def verifyFlawed(stored: bytes, password: bytes) -> bool:
    """
    Return whether a C{$2x$} hash was made of a password, with the flaw by which it was
    made.

    @raise ValueError: if the library refuses the hash.
    @raise MemoryError: if there is not enough memory for it now.
    """
    return _libcrypt.verify(stored, password[:LONGEST])


def lacksFlaw() -> str | None:
    """
    Return what is missing for C{$2x$} hashes, or L{None}.
    """
    return _libcrypt.lacks(b"$2x$04$" + b"." * 22)


def _isCrafted(password: bytes) -> bool:
    """
    Return whether a password gives the same hash with the flaw and without it, although
    it has bytes above 127 that wipe out others: those are 0xff already.

    The key is the password with a NUL after it, repeated, and is taken in words of four
    bytes; within a word such a byte turns those before it into 0xff.
    """
    key = ((password + b"\0") * LONGEST)[:LONGEST]
    wiped = [
        key[start : start + place]
        for start in range(0, LONGEST, 4)
        for place in (1, 2, 3)
        if key[start + place] > 127
    ]
    return bool(wiped) and not b"".join(wiped).strip(b"\xff")


__all__ = [
    "LONGEST",
    "complete",
    "isAbsurd",
    "lacksFlaw",
    "verify",
    "verifyFlawed",
]
