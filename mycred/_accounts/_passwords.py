"""
Look accounts up, verify their passwords, and decide whether they may be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

from .._hashes import Hash, UnusableHash, preload as preloadHashes, recognize
from .._passwordfile import (
    Entry,
    PasswordFile,
    SecretReader,
    StoredSecret,
    UserFile,
    verified,
)
from .._storedstate import stateDigest
from .._verdict import Account, Kind, Note, SQLAccount, Verdict
from ..error import DenialReason
from ._account import ACCOUNTS, ADVICE, MORE
from ._fileusers import FileUsers, passwdHash, userIn
from ._rules import AccountRules
from ._shadow import Shadow, hashIn, shadowHash, shadowIn
from ._systemusers import SystemUsers, getgrouplist
from ._users import FoundUser, User, Users

_DAY = 86_400

#: Where the system keeps its hashes.
SHADOW = "/etc/shadow"


@dataclass(frozen=True)
class AccountFiles:
    """
    Where accounts are.

    @ivar passwd: the path of a passwd file; L{None} to ask the name service.
    @ivar shadow: the path of a shadow file; L{None} if there is none.
    @ivar group: the path of a group file, if there is a passwd file.
    """

    passwd: str | None = None
    shadow: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class AccountSettings:
    """
    The settings for accounts, as another process is sent them.

    @ivar files: where they are.
    @ivar rules: what they must be like.
    @ivar mustWork: whether files with which no user can log in are an error.
    """

    files: AccountFiles
    rules: AccountRules = AccountRules()  # noqa: RUF009
    mustWork: bool = False


class Accounts:
    """
    Accounts with passwords.

    @cvar path: what to call them in the log.
    """

    path = "The accounts"

    def __init__(
        self,
        users: Users,
        shadow: str | None = None,
        rules: AccountRules = AccountRules(),  # noqa: B008
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param users: where users are found.
        @param shadow: the path of a shadow file, with the hashes that aren't where users
            are found.
        @param rules: what an account must be like.
        @param now: return the time, in seconds since 1970.
        """
        self._users = users
        self._shadow = None
        if shadow is not None:
            file = UserFile(shadow, ACCOUNTS)
            self._shadow = PasswordFile(file, shadowHash, advice=ADVICE, more=MORE)
        self._rules = rules
        self._now = now
        # The last hash that stood where users are found.
        self._lastOwn: tuple[Hash, ...] = ()

    def lookUp(self, name: bytes, password: bytes) -> Verdict:
        """
        Look an account up, verify its password, and decide whether it may be used.

        @param name: a name that could be an account's.
        @param password: the password, without NUL.

        @raise OSError: if a file can't be read.
        """
        found = self._users.find(name)
        user = found.user
        decoys = self._decoys()
        if user is not None and user.own is not None:
            stored = self._verifyOwn(user.own, password, decoys)
        elif self._shadow is not None:
            stored = self._shadow.stored(user.name if user else name, password, decoys)
        else:
            stored = verified(StoredSecret(None), password, decoys)
        if user is None:
            verdict = _refuseUnknown(name, found, stored.matched)
        elif not stored.matched:
            why = "wrong password" if stored.hash else "it has no password"
            verdict = Verdict(Kind.REFUSED, user.name, stored.flaw or why)
        else:
            verdict = self._judge(user, stored.entry)
        if verdict.kind is Kind.ACCEPTED:
            # By complete lines, whatever is still being written.
            return verdict
        doubt = found.doubt, stored.doubt, verdict.doubt
        return replace(verdict, doubt=doubt if any(doubt) else None)

    def stateOf(self, name: bytes, account: Account | SQLAccount | None) -> Verdict:
        """
        Look an account up, for who remembers what is known of it.

        @param account: the account as it was accepted; L{None} if it wasn't yet.  Only
            for one that was are the groups looked up, since that takes a time that tells
            who is in many.

        @return: a verdict whose secret is a digest of what is known.  If the account
            may not be used now, or isn't what it was, that is another one.

        @raise OSError: if a file can't be read.
        """
        found = self._users.find(name)
        user, entry = found.user, None
        if self._shadow is not None and (user is None or user.own is None):
            entry = self._shadow.find(user.name if user else name)
        own = None if user is None or user.own is None else tuple(user.own)
        line = None if entry is None else entry.secret
        state = stateDigest(user and user.name, found.flaw, own, line)
        if account is not None and (user is None or not self._isAs(account, user, entry)):
            state = stateDigest("it differs")
        return Verdict(Kind.REFUSED, name, secret=state)

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what is to be logged.
        """
        shadow = iter(()) if self._shadow is None else self._shadow.takeNotes()
        return chain(self._users.takeNotes(), shadow)

    def _verifyOwn(
        self, own: Shadow, password: bytes, decoys: list[Hash]
    ) -> StoredSecret:
        """
        Verify a password against a hash that stands where the user was found.
        """
        try:
            stored = StoredSecret(None, hash=hashIn(own.secret))
        except UnusableHash as error:
            stored = StoredSecret(None, flaw=str(error))
        checked = verified(stored, password, decoys)
        if checked.hash is not None:
            self._lastOwn = (checked.hash,)
        return checked

    def _decoys(self) -> list[Hash]:
        """
        Return hashes of all kinds, those of the most frequent kind first: what the
        password of a user without a hash is verified against.
        """
        files = [file for file in (self._shadow, self._users.file) if file is not None]
        if self._shadow is not None:
            # Users whose hash is elsewhere don't depend on it.
            with suppress(OSError):
                self._shadow.load()
        files.sort(key=lambda file: -file.majority)
        inFiles = [decoy for file in files for decoy in file.decoys]
        return [*inFiles, *self._lastOwn, *lastDecoy()]

    def _isAs(
        self, account: Account | SQLAccount, user: User, entry: Entry | None
    ) -> bool:
        """
        Return whether a user may log in, as the account that was accepted before.
        """
        try:
            return self._judge(user, entry).account == account
        except ValueError:
            # Half a line.
            return False

    def _judge(self, user: User, entry: Entry | None) -> Verdict:
        """
        Return whether an account may be used whose password is right.

        @param entry: the line of the shadow file, if the hash is from there.
        """
        shadow = user.own
        if shadow is None:
            shadow = Shadow.parse(b"") if entry is None else shadowIn(entry)
        denial = shadow.denial(int(self._now() // _DAY))
        if denial is not None:
            reason, why = denial
            return Verdict(Kind.DENIED, user.name, why, reason)
        groups = self._users.groupsOf(user.account)
        account = user.account._replace(groups=groups.names, gids=groups.gids)
        refusal = self._rules.denial(account, self._users.gidOf)
        if refusal is None:
            return Verdict(Kind.ACCEPTED, user.name, account=account)
        reason = DenialReason.POLICY
        return Verdict(Kind.DENIED, user.name, refusal, reason, doubt=groups.doubt)


def makeAccounts(files: AccountFiles, rules: AccountRules) -> Accounts:
    """
    Return the accounts that are in these files, or known to the name service.

    @param rules: what they must be like.
    """
    users: Users = SystemUsers()
    if files.passwd is not None:
        users = FileUsers(files.passwd, files.group)
    return Accounts(users, files.shadow, rules)


def insistOnHashes(passwd: str, shadow: str | None) -> None:
    """
    Insist on files with a hash, so that some user can log in.

    @raise ValueError: if there is none: if no line is what it should be, or all hashes
        are elsewhere.
    @raise OSError: if a file can't be read.
    """
    hasHashes = _insistOnLines(passwd, "passwd(5)", userIn, passwdHash)
    if shadow is not None:
        hasHashes = _insistOnLines(shadow, "shadow(5)", shadowIn, shadowHash) or hasHashes
        if not hasHashes:
            raise ValueError(f"shadow: no user has a hash in {shadow} or {passwd}")
    elif not hasHashes:
        raise ValueError(
            f"shadow: no user has a hash in {passwd}; write shadow=FILE too, the file "
            "that has them"
        )


def _insistOnLines(
    path: str,
    manual: str,
    parse: Callable[[Entry], object],
    hashOf: SecretReader,
) -> bool:
    """
    Insist on a line that is what it should be, unless the file is empty.

    @return: whether there is a hash.
    """
    found = wrong = False
    for entry in UserFile(path, ACCOUNTS).snapshot():
        try:
            parse(entry)
        except ValueError:
            wrong = True
            continue
        found = True
        with suppress(UnusableHash):
            if hashOf(entry) is not None:
                return True
    if wrong and not found:
        raise ValueError(f"no line of {path} is one of {manual}")
    return False


def preloadAccounts() -> None:
    """
    Import what a look-up needs.
    """
    preloadHashes()
    getgrouplist()


@cache
def lastDecoy() -> list[Hash]:
    """
    Return a hash for where no other is known, or none if this system can't verify it:
    what openssl passwd -6 makes of a password that no user has.
    """
    with suppress(UnusableHash):
        return [
            recognize(
                b"$6$BckIdw10hZNECmnO$xe77yaZwEY4JFLKH0N3Y1bKwu3oZnMzVFkeqRoiA2ZPi"
                b"Gu3OufLPsWLN1kLdlUYilY9TmWitMZ.HEsLSPPbY90"
            )
        ]
    return []


def _refuseUnknown(name: bytes, found: FoundUser, matched: bool) -> Verdict:
    """
    Refuse a user for whom no account was found.

    @param matched: whether the password is that of the name's line in the shadow file.
    """
    if matched and not found.flaw:
        # The name service should know the user, and doesn't now.
        why = "it has a line in the shadow file, and can't be found otherwise"
        return Verdict(Kind.UNSURE, name, why)
    return Verdict(Kind.REFUSED, name, found.flaw or "there is no such account")


__all__ = [
    "SHADOW",
    "AccountFiles",
    "AccountSettings",
    "Accounts",
    "insistOnHashes",
    "lastDecoy",
    "makeAccounts",
    "preloadAccounts",
]
