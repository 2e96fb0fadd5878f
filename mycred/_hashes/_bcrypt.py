"""
bcrypt, as C{htpasswd -B} writes it.
"""

from __future__ import annotations

import re

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
    Tell whether a cost is absurd.

    @param cost: the logarithm of the number of rounds.
    """
    return int(cost) > _MOST_COST


def verify(stored: bytes, password: bytes) -> bool:
    """
    Verify a password.

    @param stored: a hash that L{complete} matches.
    @param password: a password without NUL, of which 72 bytes count.

    @raise ValueError: if the salt is none.
    """
    import bcrypt

    return bcrypt.checkpw(password[:LONGEST], stored)


__all__ = ["LONGEST", "complete", "isAbsurd", "verify"]
