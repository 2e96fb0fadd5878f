"""
Avatar IDs that know more than a name: the account, and the key that has opened it.
"""

from __future__ import annotations

from typing import Any

from twisted.spread.jelly import Jellyable

from .._contracts import AvatarID
from .._verdict import Account, Verdict


class _Known:
    """
    What an avatar ID knows besides the name.

    @ivar account: the account.
    @ivar key: what is known of the key with which somebody has logged in.
    """

    account: Account | None = None
    key: Any = None

    @property
    def provedBy(self) -> str | None:
        """
        What the log is told of the key; L{None} if there is none.
        """
        return None if self.key is None else str(self.key)


class AccountName(_Known, bytes, Jellyable):
    """
    An avatar ID that knows its account.
    """

    def jellyFor(self, jellier: Any) -> Any:
        """
        Cross a connection of Perspective Broker as the bytes that this is.
        """
        return jellier.jelly(bytes(self))


class AccountText(_Known, str, Jellyable):
    """
    The same, for a protocol that speaks text.
    """

    def jellyFor(self, jellier: Any) -> Any:
        """
        Cross a connection of Perspective Broker as the text that this is.
        """
        return jellier.jelly(str(self))


def accountOf(avatarId: object) -> Account | None:
    """
    Tell a realm what is known of the account behind an avatar ID: its number, its
    groups, its home directory, its shell.  They were found out when the password
    or the key was checked; nothing is looked up.

    @param avatarId: what the realm was given.

    @return: L{None} if it isn't from a checker of accounts, or PAM knows it and the
        name service doesn't.
    """
    account = getattr(avatarId, "account", None)
    return account if isinstance(account, Account) else None


def avatarIdOf(verdict: Verdict, credentials: Any) -> AvatarID:
    """
    Name the avatar, in the type in which the credentials name the user.
    """
    named: Any = AccountName(verdict.name)
    if isinstance(credentials.username, str):
        named = AccountText(verdict.name.decode("utf-8", "surrogateescape"))
    named.account, named.key = verdict.account, verdict.key
    known: AvatarID = named
    return known


def withKey(avatarId: bytes | str, key: object) -> AvatarID:
    """
    Name the same avatar, with other evidence of a key.
    """
    kind: Any = AccountText if isinstance(avatarId, str) else AccountName
    named = kind(avatarId)
    named.account, named.key = accountOf(avatarId), key
    known: AvatarID = named
    return known


__all__ = ["AccountName", "AccountText", "accountOf", "avatarIdOf", "withKey"]
