"""
The lines of passwd(5), shadow(5) and group(5).
"""

from __future__ import annotations

import re

from .._passwordfile import Layout

_digits = re.compile(rb"[0-9]{1,10}")

# As a uid or a gid it stands for none: (uid_t) -1.
_NO_ID = 2**32 - 1


class AccountLayout(Layout):
    """
    How a line is parsed: into a name, and what follows the first colon.

    White space before the name, blank lines, and lines that begin with C{#} are
    skipped, as by glibc; so are those that begin with a sign, which name no user
    (nsswitch.conf(5), "compat").
    """

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Parse a line.

        @return: L{None} if it holds no entry.
        """
        name, colon, fields = line.lstrip().partition(b":")
        if not colon or not name or name[:1] in (b"#", b"+", b"-"):
            return None
        return name, fields


#: The lines of all three files.
ACCOUNTS = AccountLayout()

#: What to do about a weak hash, for the log.
ADVICE = "set such passwords anew, with passwd(1)"

#: What the log says of a file in which very much is odd.
MORE = "; the rest is left out"


def isId(field: bytes) -> bool:
    """
    Return whether a field is a uid or a gid.
    """
    return _digits.fullmatch(field) is not None and int(field) < _NO_ID


__all__ = ["ACCOUNTS", "ADVICE", "MORE", "AccountLayout", "isId"]
