"""
Names of accounts, and accounts that there are not.
"""

from __future__ import annotations

import re

from .._secrets import LONGEST
from .._verdict import Account

# What an account has that there isn't.
_NOBODY, _NO_SHELL = 65534, ""

# As much as LOGIN_NAME_MAX of Linux allows.
_LONGEST_NAME = 255

# Control characters and the delimiters of passwd(5) are in nobody's name, a slash
# would lead modules astray that make file names of it, and what begins with a sign
# isn't a name but an instruction (nsswitch's "compat"), or an option.
_name = re.compile(rb"(?![+-])[^\x00-\x1f\x7f:/]{1,%d}" % _LONGEST_NAME)

# What has a meaning to shells, in patterns, queries or the names of files.
_meaning = re.compile(rb"[^A-Za-z0-9._-]|\A[.-]")


def madeUp(name: bytes) -> Account:
    """
    Make up an account for a name that nobody has, for the work that is done all the
    same: whoever asks mustn't know by the time it takes.

    Its name is as long, and has nothing in it that means something to anybody: programs
    expect names that an administrator has given.
    """
    harmless = _meaning.sub(b"_", name).decode("ascii")
    return Account(harmless, _NOBODY, _NOBODY, "/nonexistent", _NO_SHELL)


def isMadeUp(account: Account) -> bool:
    """
    Return whether an account is one from L{madeUp}: every other one has a shell.
    """
    return account.shell == _NO_SHELL


def isAccountName(name: bytes) -> bool:
    """
    Tell whether a name could be an account's.
    """
    return _name.fullmatch(name) is not None


def isPlausibleLogin(name: object, password: object, longest: int = LONGEST) -> bool:
    """
    Tell whether a name and a password are worth any work.

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
