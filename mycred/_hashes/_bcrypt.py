"""
bcrypt, as C{htpasswd -B} writes it.
"""

from __future__ import annotations

import re

# $2b$ and its relatives, the cost, and 22 + 31 characters of salt and digest.
complete = re.compile(rb"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}")

# apr-util refuses higher costs, which take half a minute and more.
_HIGHEST_COST = 17

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

    if int(stored[4:6]) > _HIGHEST_COST:
        return False
    try:
        return bcrypt.checkpw(password[:_LONGEST], stored)
    except ValueError:
        # A cost below 4.
        return False


__all__ = ["complete", "verify"]
