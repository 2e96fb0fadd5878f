"""
Check passwords of UNIX accounts: the system's, or those of passwd and shadow files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Union

from twisted.internet.defer import Deferred, fail, maybeDeferred

from .._accounts import (
    SHADOW,
    AccountFiles,
    AccountRules,
    Accounts,
    AccountSettings,
    FileUsers,
    SeenFiles,
    SystemUsers,
    insistOnHashes,
    isAccountName,
    lastDecoy,
)
from .._checking._accounts import AccountChecker, accountOf
from .._checking._passwords import Answer, arePlausible, refusal
from .._checking._stores import PrivilegedStore, ThreadedStore
from .._contracts import AvatarID, twistedUNIX
from .._counterparts import Counterpart
from .._encodings import triesDecodings
from .._fairqueue import Source
from .._hashes import Hash, UnusableHash, recognizeCrypt
from .._passwordfile import StoredSecret, verified
from .._paths import AnyPath, asPath, asPathOrNone
from .._peers import sourceOf
from .._privileged import PrivilegedClient
from .._secrets import asBytes
from .._threads import processorCount
from .._types import GroupDatabase, PasswordCredentials, UserDatabase
from .._verdict import NO_SUCH_USER, Verdict
from ..workers import Workers, workersOf
from ._unixsteps import UNIXSteps

#: What returns a record for a name, whose item 1 is a hash; L{None} if it doesn't know.
GetByName = Callable[[str], Union["Sequence[Any]", None]]

# Every account will do.
_NO_RULES = AccountRules()


class _StoredAccountChecker(AccountChecker):
    """
    Base of the checkers of accounts whose hashes can be read.
    """

    # What this process sees of accounts that others look up.
    _seen: SeenFiles | None = None

    def __init__(
        self,
        accounts: Accounts | PrivilegedClient,
        workers: Workers | None,
        files: AccountFiles,
        rules: AccountRules,
    ) -> None:
        """
        @param accounts: the accounts; or the processes that look them up, so that no
            hash ever comes into this one.
        @param workers: the threads; the reactor's if L{None}.
        @param files: where the accounts are.
        @param rules: what they must be like.
        """
        if isinstance(accounts, PrivilegedClient):
            self._privileged = PrivilegedStore(accounts, workers)
            self._seen = SeenFiles(files, rules)
        else:
            self._store = ThreadedStore(accounts, workers)

    def _stateOf(
        self, name: bytes, source: Source, avatarId: object
    ) -> bytes | Deferred[bytes]:
        """
        Return what is known of an account; where only other processes know it, what can
        be seen of the files.
        """
        store, seen, others = self._store, self._seen, self._privileged
        if store is not None:
            asked = store.store.stateOf, name, accountOf(avatarId)
            finding = store.ask(*asked, source=source, isShared=True)
        elif seen is not None and others is not None:
            finding = others.ask(seen.lookUp, source=source, isShared=True)
        else:
            # A program has skipped the constructor.
            return b""
        return finding.addCallback(attrgetter("secret"))


class UNIXChecker(Counterpart, _StoredAccountChecker, UNIXSteps, twistedUNIX.UNIXChecker):
    """
    The accounts of the system, with the hashes of /etc/shadow.

    Users may log in as shadow(5) has it: locked and expired accounts are denied,
    and so are passwords that must be changed.

    If a program overrides C{checkPwd} or C{checkSpwd} they are called as Twisted calls
    them.  Ours then work in the reactor's thread, and need the rights of root.
    """

    authType = "unix"

    def __init__(
        self,
        rules: AccountRules = _NO_RULES,
        *,
        shadow: AnyPath | None = None,
        userdb: UserDatabase | None = None,
        groupdb: GroupDatabase | None = None,
        separate: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """
        @param rules: what an account must be like besides.
        @param shadow: the path of the file with the hashes; the system's if L{None}.
            A system that has no such file has them in the name service.
        @param userdb: what has C{getpwnam}; the module L{pwd} if L{None}.
        @param groupdb: what has C{getgrgid} and C{getgrnam}; the module L{grp} if
            L{None}.
        @param separate: whether to look accounts up in processes that are started
            now and keep the privileges that this one has.
        @param workers: the threads that wait; the reactor's own if L{None}.

        @raise ValueError: if other processes shall ask a C{userdb} or C{groupdb}.
        @raise OSError: if the processes can't be started.
        """
        shadow = asPathOrNone(shadow)
        if separate and (userdb, groupdb) != (None, None):
            raise ValueError("a userdb and a groupdb can't be asked by other processes")
        if shadow is None and os.path.lexists(SHADOW):
            shadow = SHADOW
        self._rules, self._shadow = rules, shadow
        self._userdb, self._groupdb = userdb, groupdb
        accounts: Accounts | PrivilegedClient
        files = AccountFiles(shadow=shadow)
        if separate:
            accounts = _start(files, rules)
        else:
            accounts = Accounts(SystemUsers(userdb, groupdb), shadow, rules)
        super().__init__(accounts, workers, files, rules)

    def _check(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, as the steps of a program's own say, if it has any.
        """
        checked = self._askSteps(credentials) if self._stepsAreTheirs() else None
        if checked is None:
            return super()._check(credentials)
        return maybeDeferred(lambda: checked)

    def _stateOf(
        self, name: bytes, source: Source, avatarId: object
    ) -> bytes | Deferred[bytes]:
        """
        Return what is known of an account; nothing where a program checks it by itself.
        """
        if self._stepsAreTheirs():
            return b""
        return super()._stateOf(name, source, avatarId)

    def _findVerdict(
        self, name: bytes, password: bytes | None, credentials: PasswordCredentials
    ) -> Deferred[Verdict]:
        """
        Have a verdict found.
        """
        if self._store is None and self._privileged is None:
            # Programs skip the constructor.
            UNIXChecker.__init__(self)
        return super()._findVerdict(name, password, credentials)


class PasswdChecker(_StoredAccountChecker):
    """
    The accounts in a passwd file, with the hashes there or in a shadow file.
    """

    authType = "passwd"

    def __init__(
        self,
        passwd: AnyPath,
        shadow: AnyPath | None = None,
        group: AnyPath | None = None,
        rules: AccountRules = _NO_RULES,
        *,
        separate: bool = False,
        mustWork: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """
        @param passwd: the path of a file as passwd(5) has it.
        @param shadow: the path of a file as shadow(5) has it.
        @param group: the path of a file as group(5) has it.
        @param rules: what an account must be like besides.
        @param separate: as for L{UNIXChecker}.
        @param mustWork: whether files that can let no user in are an error now.
        @param workers: the threads that wait; the reactor's own if L{None}.

        @raise ValueError: if they are.
        @raise OSError: if the processes can't be started, or such a file can't be read.
        """
        passwd, shadow, group = asPath(passwd), asPathOrNone(shadow), asPathOrNone(group)
        accounts: Accounts | PrivilegedClient
        files = AccountFiles(passwd, shadow, group)
        if separate:
            accounts = _start(files, rules, mustWork)
        else:
            if mustWork:
                insistOnHashes(passwd, shadow)
            accounts = Accounts(FileUsers(passwd, group), shadow, rules)
        super().__init__(accounts, workers, files, rules)


class UNIXPasswordDatabase(UNIXChecker):
    """
    What conch has under this name: the accounts of the system, or what some
    functions know.
    """

    # As long as the constructor hasn't run, which programs skip.
    _getByNameFunctions: Iterable[GetByName] | None = None
    _threads: Workers | None = None
    _decoysByPlace: dict[int, Hash] | None = None

    def __init__(
        self,
        getByNameFunctions: Iterable[GetByName] | None = None,
        *,
        workers: Workers | None = None,
    ) -> None:
        """
        @param getByNameFunctions: functions that return a record for a name, whose
            item 1 is a hash, or L{None} if they don't know, and raise L{KeyError}
            if there is no such user.  They are called one after another, in the
            reactor's thread.  If L{None}, the system's accounts are meant.
        @param workers: the threads that wait; the reactor's own if L{None}.
        """
        super().__init__(workers=workers)
        self._getByNameFunctions = getByNameFunctions
        self._threads = workers

    @property
    def _decoys(self) -> dict[int, Hash]:
        """
        The last hash that each function has returned, by its place.
        """
        if self._decoysByPlace is None:
            self._decoysByPlace = {}
        return self._decoysByPlace

    def _check(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, by the functions if some were given.
        """
        if self._getByNameFunctions is None:
            return super()._check(credentials)
        return self._askFunctions(credentials)

    def _stateOf(
        self, name: bytes, source: Source, avatarId: object
    ) -> bytes | Deferred[bytes]:
        """
        Return what is known of an account; nothing where functions know it.
        """
        if self._getByNameFunctions is not None:
            return b""
        return super()._stateOf(name, source, avatarId)

    @triesDecodings
    def _askFunctions(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password against what the functions know.

        @return: a L{Deferred} that fires with the name that the record has, in the type
            in which the credentials have it.
        """
        if not arePlausible(credentials):
            return fail(refusal(NO_SUCH_USER))
        matching = Deferred.fromCoroutine(self._find(credentials))
        return matching.addCallback(self._cbFound, credentials)

    def _cbFound(self, found: bytes | None, credentials: PasswordCredentials) -> Answer:
        """
        Name the avatar, if the password matched.
        """
        avatarId: Answer = credentials.username
        if found not in (None, asBytes(avatarId)):
            avatarId = os.fsdecode(found) if isinstance(avatarId, str) else found
        return self._cbPasswordMatch(found is not None, avatarId)

    async def _find(self, credentials: PasswordCredentials) -> bytes | None:
        """
        Verify a password against one hash after another, until it matches.  A user who
        has fewer of them than others is refused after the same work.

        @return: the name of the account; L{None} if no password matched.
        """
        verified = set()
        for place, known, found in self._hashesOf(asBytes(credentials.username)):
            verified.add(place)
            if await self._verify(found, credentials, place):
                return known
        missing = self._decoys.keys() - verified
        for place in missing if missing or verified else {0}:
            await self._verify(None, credentials, place)
        return None

    def _hashesOf(self, typed: bytes) -> Iterator[tuple[int, bytes, Hash]]:
        """
        Ask one function after another for the hash of a user.

        @return: the hashes, each with the place of its function and the account's name.
        """
        isThere = True
        for place, function in enumerate(self._getByNameFunctions or ()):
            try:
                found = _hashBy(function, typed)
            except KeyError:
                # As in conch, there is no such user.  The others are asked since that
                # takes time, and whatever they say is nothing.
                isThere = False
            except Exception:
                if isThere:
                    raise
            else:
                if isThere and found is not None:
                    yield place, *found

    async def _verify(
        self, found: Hash | None, credentials: PasswordCredentials, place: int
    ) -> bool:
        """
        Verify a password in a thread.

        @param found: the hash; L{None} if there is none.
        @param place: the place of the function that was asked for it.
        """
        workers = self._threads or workersOf()
        look, password = StoredSecret(None, hash=found), asBytes(credentials.password)
        known = self._decoys.get(place)
        decoys = lastDecoy() if known is None else [known]
        verifying = workers.run(
            verified, look, password, decoys, source=sourceOf(credentials)
        )
        checked: StoredSecret = await verifying.addErrback(self._ebVerifying)
        if checked.hash is not None:
            self._decoys[place] = checked.hash
        return checked.matched


def _nameIn(record: Sequence[Any], typed: bytes) -> bytes | None:
    """
    Return the name of the account that a function has found: the name service's, where
    the record is one of its own; or what stands first in it, if that is what was typed,
    in other letters.

    @return: L{None} if the name service has none for it.
    """
    known = getattr(record, "pw_name", getattr(record, "sp_namp", None))
    if known is None:
        first = asBytes(record[0])
        isSame = isinstance(first, bytes) and _folded(first) == _folded(typed)
        return first if isSame else typed
    name: bytes = asBytes(known)
    return name if isAccountName(name) else None


def _folded(name: bytes) -> str:
    """
    Return a name without its case.
    """
    return os.fsdecode(name).casefold()


def _hashBy(function: GetByName, typed: bytes) -> tuple[bytes, Hash] | None:
    """
    Ask a function for the hash of a user.

    @return: the name of the account, and the hash; L{None} if it doesn't know, or there
        is no hash that can be verified.

    @raise KeyError: if there is no such user.
    """
    record = function(os.fsdecode(typed))
    if record is None:
        return None
    known = _nameIn(record, typed)
    try:
        return None if known is None else (known, recognizeCrypt(asBytes(record[1])))
    except UnusableHash:
        return None


def verifyCryptedPassword(crypted: bytes | str, pw: bytes | str) -> bool:
    """
    Return whether a password matches a hash of crypt(3)'s kind.

    @param crypted: the hash.  What is no hash matches nothing.
    @param pw: the password; text stands for its UTF-8.
    """
    try:
        return recognizeCrypt(asBytes(crypted)).verify(asBytes(pw))
    except UnusableHash:
        return False


def _start(
    files: AccountFiles, rules: AccountRules, mustWork: bool = False
) -> PrivilegedClient:
    """
    Start processes that look accounts up.

    @param mustWork: whether they shall check the files first.

    @raise ValueError: if these can let no user in.
    @raise OSError: if the processes can't be started.
    """
    return PrivilegedClient(
        "unix", AccountSettings(files, rules, mustWork), processorCount()
    )


__all__ = [
    "PasswdChecker",
    "UNIXChecker",
    "UNIXPasswordDatabase",
    "verifyCryptedPassword",
]
