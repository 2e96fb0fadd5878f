"""
Check passwords against a file of C{name:secret} lines.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._contracts import (
    AvatarID,
    ICredentialsChecker,
    InterfaceType,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._hashes import isMeantAsHash, schemeOf, verify
from .._secrets import asBytes, equal
from .._workers import Workers, workersOf
from ..error import LoginFailed, TemporaryFailure, UnauthorizedLogin
from ._passwords import PasswordMatching, arePlausible

#: What tells one state of a file from another: times, size and place.
Signature = tuple[int, int, int, int, int]

# Within this many nanoseconds a file may change twice without its times telling.
_TIME_GRANULARITY = 50_000_000


@implementer(ICredentialsChecker)
class FilePasswordDB(PasswordMatching):
    """
    Users and their secrets, in a text file with a line for each.

    The fields of a line are separated by a delimiter.  Blank lines, and lines
    that begin with C{#}, are skipped; of two lines for one user the first
    counts, and the others are logged.  A secret is plain text or a hash that
    L{mycred._hashes} knows; a hash is only ever verified as such.  An empty
    name or secret matches nobody.

    A file that can't be read is a L{TemporaryFailure}.

    @ivar credentialInterfaces: L{IUsernamePassword}, and, unless C{hash} is
        given, L{IUsernameHashedPassword} for the plain text secrets.
    """

    cache = False
    credentialInterfaces: tuple[InterfaceType, ...]

    _credCache: dict[Any, Any] | None = None
    _cacheTimestamp: Signature | None = None
    _reported: Signature | None = None
    _decoy: Any = None
    _workers: Workers | None = None

    def __init__(
        self,
        filename: str,
        delim: bytes = b":",
        usernameField: int = 0,
        passwordField: int = 1,
        caseSensitive: bool = True,
        hash: Callable[[Any, Any, Any], Any] | None = None,
        cache: bool = False,
        *,
        workers: Workers | None = None,
    ) -> None:
        """
        @param filename: the name of the file.
        @param delim: what separates the fields of a line.
        @param usernameField: which field holds the name, counted from 0.
        @param passwordField: which field holds the secret, counted from 0.
        @param caseSensitive: whether the case of names counts.  Where it
            doesn't, names are in lower case.
        @param hash: a program's own way to store secrets: what it returns for
            the name, the password that the user typed, and the stored secret,
            is compared with the stored secret.
        @param cache: whether to keep what the file holds in memory, until the
            file differs.
        @param workers: where hashes are verified; the reactor's own if L{None}.
        """
        self.filename = filename
        self.delim = delim
        self.ufield = usernameField
        self.pfield = passwordField
        self.caseSensitive = caseSensitive
        self.hash = hash
        self.cache = cache
        self._workers = workers
        self.credentialInterfaces = (IUsernamePassword,)
        if hash is None:
            self.credentialInterfaces += (IUsernameHashedPassword,)

    def __getstate__(self) -> dict[str, Any]:
        """
        Leave out of a pickle what belongs to this process.
        """
        left = ("_credCache", "_cacheTimestamp", "_reported", "_decoy", "_workers")
        return {k: v for k, v in vars(self).items() if k not in left}

    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password.

        @param credentials: a provider of one of C{credentialInterfaces}.

        @return: a L{Deferred} that fires with the name as the file spells it,
            in the type in which the credentials have it.  It fails with
            L{UnauthorizedLogin}, or with L{TemporaryFailure} if the file can't
            be read or too many logins wait.
        """
        username = credentials.username
        if not arePlausible(credentials):
            return fail(self._cbUnknown(False, username))
        try:
            name, stored = self._lookUp(username)
        except KeyError:
            name, stored = username, None
        except LoginFailed:
            return fail()
        if isinstance(username, str) and isinstance(name, bytes):
            name = name.decode("utf-8", "surrogateescape")
        typed = IUsernamePassword(credentials, None)
        if self.hash is not None:
            return self._matchOwnHash(typed, stored, name)
        if _isHash(stored):
            if schemeOf(stored) is not None:
                return self._verifyHash(typed, stored, name)
            # It can't match anything: refused as an unknown user is.
            stored = None
        answer = self._matchPassword(credentials, stored, name)
        if typed is not None and self._decoy is not None:
            # Among hashes, a refusal takes the time of a hash for everybody.
            answer.addErrback(self._ebRefused, typed)
        return answer

    def getUser(self, username: bytes | str) -> tuple[Any, Any]:
        """
        Look up a user.

        @param username: the name; text stands for itself, and for its UTF-8.

        @return: the name as the file spells it (in lower case, where case
            doesn't count) and the secret.

        @raise KeyError: if there is no such user.
        @raise TemporaryFailure: if the file can't be read.
        """
        if not self.caseSensitive:
            # As in Twisted: then the avatar ID is in lower case, too.
            username = username.lower()
        spellings = (username, asBytes(username))
        if self.cache:
            users = self._cachedUsers()
            for name in spellings:
                if name in users:
                    return name, users[name]
            raise KeyError(username)
        found = None
        decoys = _Decoys(self.hash is not None)
        for name, secret in self._loadCredentials():
            decoys.count(secret)
            if found is None and name in spellings:
                found = name, secret
        self._decoy = decoys.choose()
        if found is None:
            raise KeyError(username)
        return found

    def holdsHashes(self) -> bool:
        """
        Tell whether the file holds a hash, so that it can't serve everybody who
        proves a password without sending it.

        @raise TemporaryFailure: if the file can't be read.
        """
        # To the end of the file, so that all that is odd in it is logged.
        return sum(_isHash(secret) for _, secret in self._loadCredentials()) > 0

    def _lookUp(self, username: bytes | str) -> tuple[Any, Any]:
        """
        Look a user up as a protocol names him, then once more in bytes, since
        programs that override L{getUser} may know names in bytes only.
        """
        try:
            return self.getUser(username)
        except KeyError:
            if isinstance(username, str) and _overridden(self, "getUser"):
                return self.getUser(asBytes(username))
            raise

    def _cachedUsers(self) -> dict[Any, Any]:
        """
        Return what the file holds, and read it only if it differs.
        """
        try:
            signature = _signatureOf(os.stat(self.filename))
        except OSError as error:
            raise self._unreadable(error) from None
        if self._credCache is None or signature != self._cacheTimestamp:
            users: dict[Any, Any] = {}
            for name, secret in self._loadCredentials():
                users.setdefault(name, secret)
            decoys = _Decoys(self.hash is not None)
            for secret in users.values():
                decoys.count(secret)
            self._decoy = decoys.choose()
            self._credCache = users
            self._cacheTimestamp = signature if _isSettled(signature) else None
        return self._credCache

    def _loadCredentials(self) -> Iterator[tuple[Any, Any]]:
        """
        Read the names and secrets in the file.

        Programs override this to read them from somewhere else.

        @raise TemporaryFailure: if the file can't be read.
        """
        try:
            with open(self.filename, "rb", opener=_openWithoutWaiting) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise OSError("it is not a regular file")
                signature = _signatureOf(status)
                seen: dict[bytes, int] | None = None
                if signature != self._reported:
                    self._reported, seen = signature, {}
                yield from self._parse(file, seen)
        except OSError as error:
            raise self._unreadable(error) from None

    def _parse(
        self, lines: Iterable[bytes], seen: dict[bytes, int] | None
    ) -> Iterator[tuple[bytes, bytes]]:
        """
        Split lines into names and secrets.

        @param seen: the line on which each name was seen, for telling of names
            that come again; L{None} if that was told before.
        """
        for number, line in enumerate(lines, 1):
            fields = line.rstrip().split(self.delim)
            if line.startswith(b"#") or max(self.ufield, self.pfield) >= len(fields):
                continue
            name = fields[self.ufield]
            if not self.caseSensitive:
                name = name.lower()
            if not name:
                continue
            secret = fields[self.pfield]
            if seen is not None and _isHash(secret) and schemeOf(secret) is None:
                self._log.warn(
                    "{file}, line {number}: a hash that is unknown, damaged or too "
                    "costly, and matches nothing",
                    file=self.filename,
                    number=number,
                )
            if seen is not None and seen.setdefault(name, number) != number:
                self._log.warn(
                    "{file}, line {number}: {name!r} has a line already, line {first}, "
                    "and that one counts",
                    file=self.filename,
                    number=number,
                    name=name,
                    first=seen[name],
                )
            yield name, secret

    def _unreadable(self, error: OSError) -> TemporaryFailure:
        """
        Log why the file can't be read; the peer isn't told.
        """
        self._log.error(
            "The password file {file} can't be read: {error}",
            file=self.filename,
            error=error,
        )
        return TemporaryFailure("Temporarily unavailable")

    def _matchOwnHash(
        self, typed: Any, stored: Any, name: AvatarID
    ) -> Deferred[AvatarID]:
        """
        Compare a stored secret with what the program's own C{hash} makes of the
        password.
        """
        sample = stored or self._decoy
        matched = False
        if typed is not None and self.hash is not None and sample:
            user, password = typed.username, typed.password
            if isinstance(sample, bytes):
                user, password = asBytes(user), asBytes(password)
            try:
                matched = equal(self.hash(user, password, sample), sample)
            except Exception:
                # A program's hash may count on a user who exists.
                if stored:
                    return fail()
        conclude: Any = self._cbPasswordMatch if stored else self._cbUnknown
        return maybeDeferred(conclude, matched, name)

    def _verifyHash(
        self, typed: Any, stored: bytes, name: AvatarID
    ) -> Deferred[AvatarID]:
        """
        Verify a password against its hash, in a thread.
        """
        if typed is None:
            self._log.info(
                "Login refused: {name!r} has a hash in {file}, and only plain text "
                "can serve a login that doesn't send the password",
                name=name,
                file=self.filename,
            )
            return fail(UnauthorizedLogin())
        return self._spend(typed, stored).addCallback(self._cbPasswordMatch, name)

    def _ebRefused(self, failure: Failure, typed: Any) -> Deferred[Failure]:
        """
        Let a refusal take as long as one after a hash was verified.
        """
        failure.trap(UnauthorizedLogin)
        return self._spend(typed, self._decoy).addCallback(lambda _: failure)

    def _spend(self, typed: Any, stored: bytes) -> Deferred[bool]:
        """
        Have a hash verified by the workers.
        """
        if self._workers is None:
            from twisted.internet import reactor

            self._workers = workersOf(reactor)
        return self._workers.run(verify, stored, asBytes(typed.password))


class _Decoys:
    """
    The choice of the secret that stands in for that of an unknown user, so that
    refusing one takes as long as refusing another.

    It is a hash of the scheme and cost that most of the file's hashes have.
    """

    def __init__(self, ownHash: bool) -> None:
        """
        @param ownHash: whether the program hashes by itself, so that any secret
            will do.
        """
        self._ownHash = ownHash
        self._kinds: Counter[bytes] = Counter()
        self._samples: dict[bytes, Any] = {}

    def count(self, secret: Any) -> None:
        """
        Take a secret into account.
        """
        if self._ownHash:
            kind = b""
        elif _isHash(secret) and schemeOf(secret) is not None:
            kind = secret[: secret.index(b"$", 4)]
        else:
            return
        self._kinds[kind] += 1
        self._samples.setdefault(kind, secret)

    def choose(self) -> Any:
        """
        Return the decoy; L{None} if there are no hashes.
        """
        for kind, _ in self._kinds.most_common(1):
            return self._samples[kind]
        return None


def _isHash(secret: Any) -> bool:
    """
    Tell whether a secret is a hash, which only L{verify} can tell to match.
    """
    return isinstance(secret, bytes) and isMeantAsHash(secret)


def _overridden(checker: FilePasswordDB, method: str) -> bool:
    """
    Tell whether a program has put its own method in the place of ours.
    """
    return getattr(type(checker), method) is not getattr(FilePasswordDB, method)


def _signatureOf(status: os.stat_result) -> Signature:
    """
    Sum up the state of a file.
    """
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
    )


def _isSettled(signature: Signature) -> bool:
    """
    Tell whether a file changed so long ago that the next change will show.
    """
    return not 0 <= time.time_ns() - signature[1] < _TIME_GRANULARITY


def _openWithoutWaiting(path: str, flags: int) -> int:
    """
    Open a file, and don't wait for a writer if it is a pipe.
    """
    return os.open(path, flags | os.O_NONBLOCK)


# The name that the class had before, and that old programs use.
OnDiskUsernamePasswordDatabase = FilePasswordDB

__all__ = ["FilePasswordDB", "OnDiskUsernamePasswordDatabase"]
