"""
bcrypt, as C{htpasswd -B} writes it.
"""

from __future__ import annotations

import re

# $2b$ and its relatives, the cost, and 22 + 31 characters of salt and digest.  A
# cost below 4 is none, and above 17, where apr-util stops, absurd: half a minute
# and more.
complete = re.compile(rb"\$2[abxy]\$(?:0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}")

# What bcrypt looks at.  Its Python package refuses longer passwords, Apache's
# tools cut them off here, both when they hash and when they verify.
_LONGEST = 72


def verify(stored: bytes, password: bytes) -> bool:
    """
    Verify a password.

    @param stored: a hash that L{complete} matches.
    @param password: a password without NUL, of which 72 bytes count.
    """
    import bcrypt

    try:
        return bcrypt.checkpw(password[:_LONGEST], stored)
    except ValueError:
        return False


__all__ = ["complete", "verify"]
