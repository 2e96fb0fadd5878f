"""
Names of accounts, and accounts made up for names that no account has.
"""

from __future__ import annotations

import re

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
    "isAccountName",
    "isMadeUp",
    "isPlausibleLogin",
    "madeUp",
]
