"""
How accounts are written: their names, their ids, and the lines of passwd(5), shadow(5)
and group(5); and accounts made up for names that no account has.
"""

from __future__ import annotations

import re

from .._passwordfile import Layout
from .._secrets import LONGEST
from .._verdict import Account

# The uid, the gid and the shell of an account that is made up.
_NOBODY, _NO_SHELL = 65534, ""

# In bytes, as LOGIN_NAME_MAX of Linux.
_LONGEST_NAME = 255

# Control characters and the delimiters of passwd(5) are in no name; a slash would lead
# PAM modules astray that make paths of names; and what begins with a sign isn't a name
# but an instruction (nsswitch's "compat"), or an option.
_name = re.compile(rb"(?![+-])[^\x00-\x1f\x7f:/]{1,%d}" % _LONGEST_NAME)

# What has a meaning to shells, in patterns, in queries or in paths.
_special = re.compile(rb"[^A-Za-z0-9._-]|\A[.-]")

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

        @return: the name, and the rest; L{None} if the line holds no entry.
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


def madeUp(name: bytes) -> Account:
    """
    Return an account that is made up for a name that no account has.  With it the same
    work is done as for others, so that the time doesn't tell the client whether there is
    such an account.

    Its name is as long, and holds no special characters: programs expect names that an
    administrator has chosen.
    """
    harmless = _special.sub(b"_", name).decode("ascii")
    return Account(harmless, _NOBODY, _NOBODY, "/nonexistent", _NO_SHELL)


def isMadeUp(account: Account) -> bool:
    """
    Return whether an account is one from L{madeUp}: every other one has a shell.
    """
    return account.shell == _NO_SHELL


def isAccountName(name: bytes) -> bool:
    """
    Return whether a name could be an account's.
    """
    return _name.fullmatch(name) is not None


def isPlausibleLogin(name: object, password: object, longest: int = LONGEST) -> bool:
    """
    Return whether a name and a password are worth any work.

    @param longest: how long a password may be, in bytes.
    """
    return (
        isinstance(name, bytes)
        and isAccountName(name)
        and isinstance(password, bytes)
        and 0 < len(password) <= longest
        and b"\0" not in password
    )


__all__ = [
    "ACCOUNTS",
    "ADVICE",
    "MORE",
    "AccountLayout",
    "isAccountName",
    "isId",
    "isMadeUp",
    "isPlausibleLogin",
    "madeUp",
]
