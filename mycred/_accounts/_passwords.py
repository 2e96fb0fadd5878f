"""
Look an account up, verify its password, and tell whether it may be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

from .._hashes import Hash, UnusableHash, preload as preloadHashes, recognize
from .._passwordfile import Entry, PasswordFile, StoredSecret, UserFile
from .._verdict import Account, Kind, Note, Verdict
from ..error import DenialReason
from ._layout import ACCOUNTS, MORE, hashIn
from ._rules import Rules
from ._shadow import Shadow, shadowIn
from ._users import (
    ADVICE,
    FileUsers,
    Found,
    SystemUsers,
    User,
    Users,
    getgrouplist,
    hashOf,
    userOf,
)

_DAY = 86_400

#: Where the system keeps its hashes.
SHADOW = "/etc/shadow"


@dataclass(frozen=True)
class AccountFiles:
    """
    Where accounts are.

    @ivar passwd: the name of a passwd file; L{None} to ask the name service.
    @ivar shadow: the name of a shadow file; L{None} if there is none.
    @ivar group: the name of a group file, if there is a passwd file.
    """

    passwd: str | None = None
    shadow: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class AccountSettings:
    """
    What decides about accounts in another process.

    @ivar files: where they are.
    @ivar rules: what they must be like.
    @ivar mustWork: whether files are an error that can let nobody in.
    """

    files: AccountFiles
    rules: Rules = Rules()  # noqa: RUF009
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
        rules: Rules = Rules(),  # noqa: B008
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        @param users: who the users are.
        @param shadow: the name of a shadow file, with the hashes of those who have
            none of their own.
        @param rules: what an account must be like.
        @param now: what tells the time, in seconds since 1970.
        """
        self._users = users
        self._shadow = None
        if shadow is not None:
            file = UserFile(shadow, ACCOUNTS)
            self._shadow = PasswordFile(file, _read, advice=ADVICE, more=MORE)
        self._rules = rules
        self._now = now
        # The last hash that the name service had itself.
        self._seen: tuple[Hash, ...] = ()

    def lookUp(self, name: bytes, password: bytes) -> Verdict:
        """
        Look an account up, verify a password, and tell whether the account may be
        used.

        @param name: a name that could be an account's.
        @param password: the password, without NUL.

        @raise OSError: if a file can't be read.
        """
        found = self._users.find(name)
        user = found.user
        decoys = self._decoys()
        if user is not None and user.own is not None:
            look = self._lookAt(user.own, password, decoys)
        elif self._shadow is not None:
            look = self._shadow.stored(user.name if user else name, password, decoys)
        else:
            look = StoredSecret(None).verified(password, decoys)
        if user is None:
            verdict = _unknown(name, found, look)
        elif not look.matched:
            flaw = look.flaw or ("wrong password" if look.hash else "it has no password")
            verdict = Verdict(Kind.REFUSED, user.name, flaw)
        else:
            verdict = self._judge(user, user.own or _parse(look.entry))
        if verdict.kind is Kind.ACCEPTED:
            # By complete lines, whatever is still to come.
            return verdict
        doubt = found.doubt, look.doubt, verdict.doubt
        return replace(verdict, doubt=doubt if any(doubt) else None)

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """
        shadow = iter(()) if self._shadow is None else self._shadow.takeNotes()
        return chain(self._users.takeNotes(), shadow)

    def _lookAt(self, own: Shadow, password: bytes, decoys: list[Hash]) -> StoredSecret:
        """
        Verify a password against a hash that isn't in the shadow file.
        """
        try:
            look = StoredSecret(None, hash=hashIn(own.secret))
        except UnusableHash as error:
            look = StoredSecret(None, flaw=str(error))
        verified = look.verified(password, decoys)
        if verified.hash is not None:
            self._seen = (verified.hash,)
        return verified

    def _decoys(self) -> list[Hash]:
        """
        List hashes of all kinds, first of the kind that most are of: what a password
        is verified against whose user has none.
        """
        files = [file for file in (self._shadow, self._users.file) if file is not None]
        if self._shadow is not None:
            # Whoever has a hash elsewhere doesn't depend on it.
            with suppress(OSError):
                self._shadow.load()
        files.sort(key=lambda file: -file.majority)
        inFiles = [decoy for file in files for decoy in file.decoys]
        return [*inFiles, *self._seen, *lastDecoy()]

    def _judge(self, user: User, shadow: Shadow) -> Verdict:
        """
        Tell whether an account may be used whose password is right.
        """
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


def describe(users: Users, name: bytes) -> Account | None:
    """
    Tell what is known of an account.

    @return: L{None} if there is no such account.

    @raise OSError: if it can't be found out.
    """
    user = users.find(name).user
    if user is None:
        return None
    groups = users.groupsOf(user.account)
    return user.account._replace(groups=groups.names, gids=groups.gids)


def makeAccounts(files: AccountFiles, rules: Rules) -> Accounts:
    """
    Make what looks accounts up.

    @param files: where they are.
    @param rules: what they must be like.
    """
    users: Users = SystemUsers()
    if files.passwd is not None:
        users = FileUsers(files.passwd, files.group)
    return Accounts(users, files.shadow, rules)


def checkFiles(passwd: str, shadow: str | None) -> None:
    """
    Insist on files that can let somebody in.

    @raise ValueError: if they can't: if no line is what it should be, nobody has a
        hash, or all hashes are elsewhere.
    @raise OSError: if a file can't be read.
    """
    hashed = _insistOnLines(passwd, "passwd(5)", userOf, hashOf)
    if shadow is not None:
        hashed = _insistOnLines(shadow, "shadow(5)", _parse, _read) or hashed
        if not hashed:
            raise ValueError(f"shadow: nobody has a hash in {shadow} or {passwd}")
    elif not hashed:
        raise ValueError(
            f"shadow: nobody has a hash in {passwd}; write shadow=FILE too, the "
            "file that has them"
        )


def _insistOnLines(
    path: str,
    manual: str,
    parse: Callable[[Entry], object],
    read: Callable[[Entry], Hash | None],
) -> bool:
    """
    Insist on a line that is what it should be, unless the file is empty.

    @return: whether somebody has a hash there.
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
            if read(entry) is not None:
                return True
    if wrong and not found:
        raise ValueError(f"no line of {path} is one of {manual}")
    return False


def preload() -> None:
    """
    Import what a look needs.
    """
    preloadHashes()
    getgrouplist()


@cache
def lastDecoy() -> list[Hash]:
    """
    Make what is left if nobody has a hash that is known: openssl passwd -6 of nobody's
    password.
    """
    with suppress(UnusableHash):
        return [
            recognize(
                b"$6$BckIdw10hZNECmnO$xe77yaZwEY4JFLKH0N3Y1bKwu3oZnMzVFkeqRoiA2ZPi"
                b"Gu3OufLPsWLN1kLdlUYilY9TmWitMZ.HEsLSPPbY90"
            )
        ]
    return []


def _unknown(name: bytes, found: Found, look: StoredSecret) -> Verdict:
    """
    Refuse somebody who has no account.
    """
    if look.matched and not found.flaw:
        # He knows the password of somebody whom the name service doesn't know now.
        why = "it has a line in the shadow file, and can't be found otherwise"
        return Verdict(Kind.UNSURE, name, why)
    return Verdict(Kind.REFUSED, name, found.flaw or "there is no such account")


def _read(entry: Entry) -> Hash | None:
    """
    Read the hash in a line of the shadow file.

    @raise UnusableHash: if it can't be verified, or the line isn't one.
    """
    return hashIn(_parse(entry).secret)


def _parse(entry: Entry | None) -> Shadow:
    """
    Read a line of the shadow file.

    @raise UnusableHash: if it isn't one.
    """
    try:
        return Shadow.parse(b"") if entry is None else shadowIn(entry)
    except ValueError as error:
        raise UnusableHash(str(error)) from None


__all__ = [
    "SHADOW",
    "AccountFiles",
    "AccountSettings",
    "Accounts",
    "checkFiles",
    "describe",
    "lastDecoy",
    "makeAccounts",
    "preload",
]
