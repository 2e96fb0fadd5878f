"""
What the checkers of accounts have in common: a verdict names an account, and so does the
avatar ID.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.spread.jelly import Jellyable

from .._accounts import isPlausibleLogin
from .._contracts import AvatarID, IUsernamePassword
from .._peers import sourceOf
from .._secrets import LONGEST
from .._types import Credentials, PasswordCredentials
from .._verdict import Account, Kind, SQLAccount, Verdict
from ..credentials import peerOf
from ._passwords import PasswordChecker, errorOf
from ._stores import PrivilegedStore


class _Jellier(Protocol):
    """
    What sends values by Perspective Broker.
    """

    def jelly(self, value: object, /) -> object:
        """
        Return what is sent for a value.
        """


class _Known:
    """
    What an avatar ID knows besides the name.

    @ivar account: the account.
    @ivar key: what is known of the key that was used to log in.
    """

    account: Account | SQLAccount | None = None
    key: object = None

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

    def jellyFor(self, jellier: _Jellier) -> object:
        """
        Cross a connection of Perspective Broker as the bytes that this is.
        """
        return jellier.jelly(bytes(self))


class AccountText(_Known, str, Jellyable):
    """
    The same, for a protocol that speaks text.
    """

    def jellyFor(self, jellier: _Jellier) -> object:
        """
        Cross a connection of Perspective Broker as the text that this is.
        """
        return jellier.jelly(str(self))


def accountOf(avatarId: object) -> Account | SQLAccount | None:
    """
    Return what is known of the account behind an avatar ID: its uid, its groups, its
    home directory, its shell.  They were found out when the password or the key was
    checked; nothing is looked up.

    @param avatarId: what the realm was given.

    @return: the account, a L{UNIXAccount<mycred.checkers.UNIXAccount>} or, from a
        database, which may not know all of it, an L{SQLAccount
        <mycred.checkers.sql.SQLAccount>}; L{None} if it isn't from a checker of accounts,
        or PAM knows it and the name service doesn't.
    """
    account = getattr(avatarId, "account", None)
    return account if isinstance(account, (Account, SQLAccount)) else None


def avatarIdOf(verdict: Verdict, credentials: Credentials) -> AvatarID:
    """
    Return the avatar ID of an account, in the type in which the credentials have the
    name.
    """
    account = verdict.account or verdict.sqlAccount
    if isinstance(credentials.username, str):
        text = verdict.name.decode("utf-8", "surrogateescape")
        return _knowing(AccountText(text), account, verdict.key)
    return _knowing(AccountName(verdict.name), account, verdict.key)


def withKey(avatarId: bytes | str, key: object) -> AvatarID:
    """
    Return the same avatar ID, with other evidence of a key.
    """
    account = accountOf(avatarId)
    if isinstance(avatarId, str):
        return _knowing(AccountText(avatarId), account, key)
    return _knowing(AccountName(avatarId), account, key)


def _knowing(
    named: AccountName | AccountText, account: Account | SQLAccount | None, key: object
) -> AvatarID:
    """
    Return an avatar ID, with what it knows.
    """
    named.account, named.key = account, key
    return named  # type: ignore[return-value]


class AccountChecker(PasswordChecker):
    """
    Base of the checkers of accounts.  L{accountOf<mycred.checkers.accountOf>} returns
    what is known of the account behind one of their avatar IDs.

    @cvar countsRefusals: whether the accounts' keeper counts wrong passwords.
    """

    countsRefusals = False
    credentialInterfaces = (IUsernamePassword,)
    longestPassword = LONGEST

    # The processes that find verdicts, if the accounts take privileges.
    _privileged: PrivilegedStore | None = None

    _implausible = "no account has such a name, or the password is empty or too long"

    def _typedIn(self, credentials: PasswordCredentials) -> Any:
        """
        Return the credentials, which hold the password: accounts are checked by nothing
        else.  Programs may hand over an object that doesn't say what it provides.
        """
        typed = super()._typedIn(credentials)
        if typed is None and hasattr(credentials, "password"):
            return credentials
        return typed

    def _isPlausible(self, name: object, password: object) -> bool:
        """
        Return whether a name and a password are worth any work.
        """
        return isPlausibleLogin(name, password, self.longestPassword)

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: PasswordCredentials
    ) -> Deferred[Verdict]:
        """
        Have a verdict found, by the processes if there are any.
        """
        if self._privileged is None or password is None:
            return super()._findVerdict(name, password, credentials)
        peer, source = peerOf(credentials), sourceOf(credentials)
        return self._privileged.lookUp(name, password, peer, source)

    def _cbVerdict(
        self, verdict: Verdict, credentials: PasswordCredentials
    ) -> AvatarID | Failure:
        """
        Conclude from a verdict.
        """
        if verdict.kind is Kind.ACCEPTED:
            return avatarIdOf(verdict, credentials)
        return Failure(errorOf(verdict))


__all__ = [
    "AccountChecker",
    "AccountName",
    "AccountText",
    "accountOf",
    "avatarIdOf",
    "errorOf",
    "withKey",
]
