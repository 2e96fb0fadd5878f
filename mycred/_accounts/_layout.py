"""
The lines of passwd(5), shadow(5) and group(5).
"""

from __future__ import annotations

from .._hashes import Hash, UnusableHash, recognizeCrypt
from .._passwordfile import Layout


class AccountLayout(Layout):
    """
    How a line is taken apart: into a name, and what follows the first colon.

    White space before the name, blank lines, and lines that begin with C{#} are
    skipped, as by glibc; so are those that begin with a sign, which name nobody
    (nsswitch.conf(5), "compat").
    """

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Take a line apart.

        @return: L{None} if it holds nobody.
        """
        name, colon, fields = line.lstrip().partition(b":")
        if not colon or not name or name[:1] in (b"#", b"+", b"-"):
            return None
        return name, fields


#: The lines of all three files.
ACCOUNTS = AccountLayout()

#: What the log says of a file in which very much is odd.
MORE = "; the rest is left out"


def hashIn(secret: bytes) -> Hash | None:
    """
    Read the hash of an account, also if the account is locked by what stands
    before the hash.

    @return: L{None} if there is none, and nobody is meant to log in with a
        password.

    @raise UnusableHash: if what stands there is neither that, nor a hash that can
        be verified.
    """
    if not secret:
        return None
    unlocked = secret.lstrip(b"!*")
    try:
        return recognizeCrypt(unlocked)
    except UnusableHash:
        if len(unlocked) < len(secret):
            return None
        raise


__all__ = ["ACCOUNTS", "MORE", "AccountLayout", "hashIn"]
