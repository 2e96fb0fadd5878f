"""
An account, and what a look at it brings about.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NamedTuple, Union

from .._secrets import LONGEST
from .._userfile import Signature
from ..error import DenialReason

#: What a file was like when an answer was in doubt; of several files, a tuple.
Doubt = Union[Signature, tuple[object, ...], None]

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


class Account(NamedTuple):
    """
    What the system knows of an account.

    @ivar name: its name, as the system spells it.
    @ivar uid: its number.
    @ivar gid: the number of its primary group.
    @ivar home: its home directory.
    @ivar shell: its shell; C{/bin/sh} where none is given (passwd(5)).
    @ivar groups: the names of all groups that it is in, with the primary one.
    @ivar gids: the numbers of these groups, as setgroups(2) takes them; also of
        those that have no name.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    groups: tuple[str, ...] = ()
    gids: tuple[int, ...] = ()


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


class Kind(Enum):
    """
    How a look ends.
    """

    ACCEPTED = "accepted"
    #: Wrong password, or no such account.
    REFUSED = "refused"
    #: The password was right, and the account may not be used.
    DENIED = "denied"
    #: Nothing could be found out.
    UNSURE = "unsure"


class Verdict(NamedTuple):
    """
    What a look at an account has brought about.

    @ivar kind: how it ended.
    @ivar name: the name of the account, as the system spells it; as it was asked
        for, if there is no such account.
    @ivar why: what the log is told; empty if all is well.
    @ivar denial: why the account may not be used.
    @ivar account: what the system knows of the account, if it may be used.
    @ivar delay: for how long the peer should wait for this answer, in seconds.
    @ivar doubt: the state of a file that had changed just before, and so may have
        been half-written: a line may be missing that would have decided otherwise.
    @ivar key: what is known of the key, where a key opens the account: values that
        another process can send.
    """

    kind: Kind
    name: bytes
    why: str = ""
    denial: DenialReason | None = None
    account: Account | None = None
    delay: float = 0.0
    doubt: Doubt = None
    key: Any = None

    @property
    def matched(self) -> bool:
        """
        Whether nobody needs to look again, though a file may have been half-written.
        """
        return self.kind is Kind.ACCEPTED


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
    "Account",
    "Doubt",
    "Kind",
    "Verdict",
    "isAccountName",
    "isMadeUp",
    "isPlausibleLogin",
    "madeUp",
]
