"""
What a store says about a login: a verdict, and what is known of the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Union

from ._files import Signature
from ._scram import ScramKeys
from .error import DenialReason

#: The state of a file when a verdict was in doubt; of several files, a tuple.
Doubt = Union[Signature, tuple[object, ...], None]


#: Why a login is refused, for the log.
NO_SUCH_USER, WRONG_PASSWORD = "no such user", "wrong password"


class Account(NamedTuple):
    """
    What the system knows of an account.

    @ivar name: its name, as the system spells it.
    @ivar uid: its uid.
    @ivar gid: the gid of its primary group.
    @ivar home: its home directory.
    @ivar shell: its shell; C{/bin/sh} where none is given (passwd(5)).
    @ivar groups: the names of all groups that it is in, with the primary one.
    @ivar gids: the gids of these groups, as setgroups(2) takes them; also of those
        that have no name.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    groups: tuple[str, ...] = ()
    gids: tuple[int, ...] = ()


class SQLAccount(NamedTuple):
    """
    What a database knows of an account.  What it doesn't know is L{None}, so that a
    program can't take it for the superuser, or for the current directory.

    @ivar name: its name, as the database spells it.
    @ivar uid: its uid.
    @ivar gid: the gid of its primary group.
    @ivar home: its home directory.
    @ivar shell: its shell.
    @ivar groups: the names of the groups that it is in.
    """

    name: str
    uid: int | None = None
    gid: int | None = None
    home: str | None = None
    shell: str | None = None
    groups: tuple[str, ...] = ()


class KnownUser(NamedTuple):
    """
    What a look-up has found of a user.

    @ivar name: the name as the store spells it.
    @ivar stored: what is stored as the secret; L{None} if that is nothing.
    @ivar denial: why the account may not be used; L{None} if it may be.
    @ivar keys: keys of SCRAM, where they are stored beside the secret, in a form that
        L{mycred.hashes} knows.
    @ivar account: what is known of the account.
    """

    name: bytes
    stored: bytes | None
    denial: DenialReason | None = None
    keys: bytes | None = None
    account: SQLAccount | None = None

    def __repr__(self) -> str:
        """
        Show it without what is stored.
        """
        return f"KnownUser({self.name!r})"


class Nobody(NamedTuple):
    """
    What a look-up has found where there is no such user.

    @ivar why: what the log is told.
    """

    why: str = NO_SUCH_USER


class Kind(Enum):
    """
    How a look-up ends.
    """

    ACCEPTED = "accepted"
    #: Wrong password, or no such account.
    REFUSED = "refused"
    #: The password was right, and the account may not be used.
    DENIED = "denied"
    #: Nothing could be found out.
    UNSURE = "unsure"


class Note(NamedTuple):
    """
    Something that a store has found, for the log.

    @ivar text: a format.
    @ivar values: what to put into it.
    """

    text: str
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        """
        Return it as the log shows it.
        """
        return self.text.format(**self.values)


@dataclass(frozen=True)
class Verdict:
    """
    What a store says about a login.

    @ivar kind: how the look-up ended.
    @ivar name: the name of the account, as the store spells it; as it was asked for, if
        there is no such account.
    @ivar why: what the log is told; empty if all is well.
    @ivar denial: why the account may not be used.
    @ivar account: what the system knows of the account, if it may be used.
    @ivar delay: how long the client should wait for this answer, in seconds.
    @ivar doubt: the state of a file that had changed just before, and so may have been
        half-written: a line may be missing that would have decided otherwise.  A verdict
        that accepts is never in doubt: a password that matched came from a complete line.
    @ivar key: what is known of the key, where a key opens the account: values that
        another process can send.
    @ivar isVerified: whether a password was held against a hash of the account itself.
    @ivar secret: what is stored, where the credentials are to be asked whether they
        match it: they may prove a password without sending it.  As long as they haven't
        been asked the login is refused.
    @ivar keys: the keys of SCRAM, where the client is to prove that it knows the password
        behind them.  As long as it hasn't, the login is refused.
    @ivar expected: what the keys of most users are like, where there are none: the
        rounds, the size of the salt in bytes, and whether the salt is stored.
    @ivar steps: how the verdict was reached, in words, if that was asked for.
    @ivar values: the values that were asked for.
    @ivar sqlAccount: what a database knows of the account, in place of the system.
    @ivar outdated: what is stored, where a hash as it is made today is stronger.
    @ivar pauses: for how long to wait after C{delay}, in seconds, as it becomes known.
    """

    kind: Kind
    name: bytes
    why: str = ""
    denial: DenialReason | None = None
    account: Account | None = None
    delay: float = 0.0
    doubt: Doubt = None
    key: Any = None
    isVerified: bool = False
    secret: Any = field(default=None, repr=False)
    keys: ScramKeys | None = field(default=None, repr=False)
    expected: tuple[int, int, bool] | None = None
    steps: tuple[str, ...] = ()
    values: tuple[bytes, ...] = field(default=(), repr=False)
    sqlAccount: SQLAccount | None = None
    outdated: bytes | None = field(default=None, repr=False)
    pauses: Iterator[float] | None = field(default=None, compare=False, repr=False)


__all__ = [
    "NO_SUCH_USER",
    "WRONG_PASSWORD",
    "Account",
    "Doubt",
    "Kind",
    "KnownUser",
    "Nobody",
    "Note",
    "SQLAccount",
    "Verdict",
]
