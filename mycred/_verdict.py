"""
What a store answers of a login: a verdict, with what is known of the account.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple, Union

from ._files import Signature
from .error import DenialReason

#: What a file was like when an answer was in doubt; of several files, a tuple.
Doubt = Union[Signature, tuple[object, ...], None]


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


__all__ = ["Account", "Doubt", "Kind", "Verdict"]
