"""
Check passwords against a file of C{name:secret} lines.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._checking._files import FileChecker, avatarIdOf
from .._checking._passwords import arePlausible, checkThemselves, refusal
from .._checking._stores import Looking
from .._contracts import (
    AvatarID,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
    twistedCheckers,
)
from .._counterparts import Counterpart, isOverridden, overridable
from .._encodings import triesDecodings
from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import Entry, Layout, Look, PasswordFile, UserFile
from .._paths import AnyPath
from .._peers import sourceOf
from .._reporting import reportsOutcome
from .._secrets import asBytes, equal
from ..error import LoginFailed
from ..workers import Workers, workersOf

_NOBODY = Look(None)


@implementer(ICredentialsChecker)
class FilePasswordDB(Counterpart, FileChecker, twistedCheckers.FilePasswordDB):
    """
    Users and their secrets, in a text file with a line for each.

    The fields of a line are separated by a delimiter.  Blank lines, and lines
    that begin with C{#}, are skipped; of two lines for one user the first
    counts, and the others are logged.  A secret is plain text or a hash that
    L{mycred._hashes} knows; a hash is only ever verified as such.  An empty
    name or secret matches nobody.

    A file that can't be read is a L{TemporaryFailure
    <mycred.error.TemporaryFailure>}.

    @ivar credentialInterfaces: L{IUsernamePassword}, and, unless C{hash} is
        given, L{IUsernameHashedPassword} for the plain text secrets.
    """

    authType = "file"

    cache = False
    credentialInterfaces: Any

    _credCache: dict[Any, Any] | None = None
    _cacheTimestamp: Any = None
    _decoys: tuple[Hash, ...] = ()
    _file: Looking[PasswordFile] | None = None
    _fileKey: tuple[object, ...] = ()
    _lastFound: tuple[Any, Any] | None = None
    _workers: Workers | None = None

    def __init__(
        self,
        filename: AnyPath,
        delim: bytes | None = b":",
        usernameField: int = 0,
        passwordField: int = 1,
        caseSensitive: bool = True,
        hash: Callable[[Any, Any, Any], Any] | None = None,
        cache: bool = False,
        *,
        workers: Workers | None = None,
    ) -> None:
        """
        @param filename: the path of the file.
        @param delim: what separates the fields of a line; white space if L{None}.
        @param usernameField: which field holds the name, counted from 0.
        @param passwordField: which field holds the secret, counted from 0.
        @param caseSensitive: whether the case of names counts.  Where it
            doesn't, names are in lower case.
        @param hash: a program's own way to store secrets: what it returns for
            the name, the password that the user typed, and the stored secret,
            is compared with the stored secret.
        @param cache: whether to keep what the file holds in memory, until the
            file differs.
        @param workers: where the file is read, and hashes are verified; the
            reactor's own if L{None}.
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
        left = (
            "_credCache",
            "_cacheTimestamp",
            "_decoys",
            "_file",
            "_fileKey",
            "_lastFound",
            "_workers",
        )
        return {k: v for k, v in vars(self).items() if k not in left}

    @reportsOutcome
    @triesDecodings
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password.

        @param credentials: a provider of one of C{credentialInterfaces}.

        @return: a L{Deferred} that fires with the name as the file spells it,
            in the type in which the credentials have it.  It fails with
            L{UnauthorizedLogin}, or with L{TemporaryFailure
            <mycred.error.TemporaryFailure>} if the file can't be read or too
            many logins wait.
        """
        username = credentials.username
        isTheirs = self._isTheirs()
        # A program may know names and passwords that are no text at all.
        isText = not isTheirs or _isText(credentials)
        if isText and not arePlausible(credentials):
            return fail(self._cbUnknown(False, username))
        if isTheirs:
            return self._askTheirs(credentials)
        return self._look(self._passwordFile(), self._key(username), credentials)

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The name of the file, if a program doesn't look users up by itself.
        """
        return () if self._isTheirs() else (self.filename,)

    @overridable
    def getUser(self, username: bytes | str) -> tuple[Any, Any]:
        """
        Look up a user, at once and in the caller's thread.

        @param username: the name; text stands for its UTF-8.

        @return: the name as the file spells it (in lower case, where case
            doesn't count) and the secret.

        @raise KeyError: if there is no such user.
        @raise TemporaryFailure: if the file can't be read.
        """
        if isOverridden(self, "_loadCredentials"):
            return self._findTheirs(username)
        file = self._passwordFile()
        entry = file.now(partial(file.store.find, self._key(username)))
        if entry is None:
            raise KeyError(username)
        return entry.name, entry.secret

    def holdsHashes(self) -> bool:
        """
        Tell whether the file holds a hash that lets somebody in, so that it can't serve
        everybody who proves a password without sending it.  What locks an account is
        none, nor is a hash that nothing can match.

        @raise TemporaryFailure: if the file can't be read.
        """
        file = self._passwordFile()
        return file.now(file.store.holdsHashes)

    @overridable
    def _loadCredentials(self) -> Iterator[tuple[Any, Any]]:
        """
        Read the names and secrets in the file.

        Programs override this to read them from somewhere else.

        @raise TemporaryFailure: if the file can't be read.
        """
        file = self._passwordFile()
        return ((e.name, e.secret) for e in file.now(file.store.entries))

    def _key(self, username: bytes | str) -> bytes:
        """
        Spell a name as it would stand in the file.
        """
        name: bytes = asBytes(username)
        # As in Twisted: then the avatar ID is in lower case, too.
        return name if self.caseSensitive else name.lower()

    def _passwordFile(self) -> Looking[PasswordFile]:
        """
        Return what reads the file; made when it is needed first, since programs
        skip the constructor.
        """
        lines = self.delim, self.ufield, self.pfield, self.caseSensitive
        key = (self.filename, *lines, self.cache)
        if self._file is None or self._fileKey != key:
            layout = Layout(*lines)
            userfile = UserFile(self.filename, layout)
            indexed = self.cache or not layout.beginsWithName
            more = '; "mycred lint --type=file" lists it'
            store = PasswordFile(userfile, self._read, indexed, more=more)
            self._file = Looking(store, self._workers)
            self._fileKey = key
        return self._file

    def _read(self, entry: Entry) -> Hash | bytes:
        """
        Read the secret of a line.
        """
        if self.hash is not None or not isMeantAsHash(entry.secret):
            return entry.secret
        try:
            return recognize(entry.secret)
        except UnusableHash as error:
            raise UnusableHash(
                f"{error} (if it is a password, write {{PLAIN}} before it)"
            ) from None

    def _isTheirs(self) -> bool:
        """
        Tell whether a program looks users up by itself.
        """
        return isOverridden(self, "getUser", "_loadCredentials")

    def _cbLook(self, look: Look, credentials: Any) -> Any:
        """
        Conclude from what was found about a user.
        """
        if self.hash is None and checkThemselves(credentials):
            return self._askCredentials(look, credentials)
        if self.hash is None:
            return super()._cbLook(look, credentials)
        typed = IUsernamePassword(credentials, None)
        typical = self._file and self._file.store.typical
        sample = look.secret or (typical and typical.secret)
        matched = False
        if typed is not None and sample:
            user, password = typed.username, typed.password
            if isinstance(sample, bytes):
                user, password = asBytes(user), asBytes(password)
            try:
                matched = equal(self.hash(user, password, sample), sample)
            except Exception:
                # A program's hash may count on a user who exists.
                if look.secret:
                    raise
        avatarId = avatarIdOf(look, credentials)
        if not look.secret:
            return self._cbUnknown(matched, avatarId)
        # As in Twisted: what a program has in its place isn't asked here.
        return FileChecker._cbPasswordMatch(self, matched, avatarId)

    def _typedIn(self, credentials: Any) -> Any:
        """
        Return the credentials that hold the password to verify, or L{None}.
        """
        if checkThemselves(credentials):
            return None
        return super()._typedIn(credentials)

    def _askCredentials(self, look: Look, credentials: Any) -> Deferred[AvatarID]:
        """
        Ask credentials that a program has given a C{checkPassword} of its own, as Twisted
        does: it is shown what is stored, though it were a hash.
        """
        stored = look.secret if look.entry is None else look.entry.secret
        secret: Any = asBytes(stored)
        if isinstance(secret, bytes) and isMeantAsHash(secret):
            # It may compare text, and that is how those come who have stolen the file.
            if equal(asBytes(credentials.password), secret):
                return fail(refusal("the stored hash itself").value)
        return self._matchPassword(credentials, stored, avatarIdOf(look, credentials))

    def _askTheirs(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password against what a program knows of the user.  Its code is
        called as Twisted does it, in the reactor's thread.
        """
        username = credentials.username
        # A program may know names in bytes only.
        asText = (username,) if isinstance(username, str) else ()
        names = iter((*asText, asBytes(username)))
        try:
            found = self._findAsTheyCan(names)
        except LoginFailed:
            return fail()
        self._lastFound = found or self._lastFound
        # What somebody else has is read for a name that isn't there, since it takes time.
        read = Look if checkThemselves(credentials) else self._lookAt
        look = read(*self._lastFound) if self._lastFound else _NOBODY
        if found is None:
            look = _NOBODY
        return self._conclude(look, credentials).addErrback(self._ebRefused, names)

    def _conclude(self, look: Look, credentials: Any) -> Deferred[AvatarID]:
        """
        Verify a password against what a program knows of the user.
        """
        typed = self._typedIn(credentials)
        password = None if typed is None else asBytes(typed.password)
        if not isinstance(password, bytes) or not (look.hash or self._decoys):
            return maybeDeferred(self._cbLook, look, credentials)
        workers = self._workers or workersOf()
        verifying: Deferred[Any]
        source = sourceOf(credentials)
        verifying = workers.run(look.verified, password, self._decoys, source=source)
        verifying.addCallbacks(self._cbVerified, self._ebVerifying)
        return verifying.addCallback(self._cbLook, credentials)

    def _ebRefused(self, failure: Failure, names: Iterator[Any]) -> Failure:
        """
        Ask a program what it would be asked about somebody whom it doesn't know.
        """
        with suppress(Exception):
            self._findAsTheyCan(names)
        return failure

    def _cbVerified(self, look: Look) -> Look:
        """
        Remember a hash that could be verified: from now on an unknown user is
        refused after the same work.
        """
        if look.hash is not None:
            self._decoys = (look.hash,)
        return look

    def _lookAt(self, name: Any, stored: Any) -> Look:
        """
        Read a secret that a program has stored.
        """
        secret: Any = asBytes(stored)
        if self.hash or not isinstance(secret, bytes) or not isMeantAsHash(secret):
            return Look(name, stored)
        try:
            found = recognize(secret)
        except UnusableHash as error:
            return Look(name, flaw=str(error))
        return Look(name, found.text) if found.isPlain else Look(name, hash=found)

    def _findAsTheyCan(self, names: Iterator[Any]) -> tuple[Any, Any] | None:
        """
        Look a user up by one name after another.

        @return: what a program knows of them; L{None} if that is nothing.
        """
        for name in names:
            with suppress(KeyError):
                return self.getUser(name)
        return None

    def _findTheirs(self, username: bytes | str) -> tuple[Any, Any]:
        """
        Look a user up among what a program loads.
        """
        if not self.caseSensitive:
            username = username.lower()
        names = (username, asBytes(username))
        if not self.cache:
            lines = ((name, secret) for name, secret in self._loadCredentials())
            found = next((pair for pair in lines if pair[0] in names), None)
            # Nor does the time tell who comes early.
            with suppress(Exception):
                deque(lines, maxlen=0)
            if found is None:
                raise KeyError(username)
            return found
        # As in Twisted: for as long as the file is the same.
        try:
            state = os.stat(self.filename).st_mtime_ns
        except OSError as error:
            raise self._passwordFile().unreadable(error) from None
        if self._credCache is None or state != self._cacheTimestamp:
            self._credCache = {}
            for name, secret in self._loadCredentials():
                self._credCache.setdefault(name, secret)
            self._cacheTimestamp = state
        name = next((name for name in names if name in self._credCache), username)
        return name, self._credCache[name]


def _isText(credentials: Any) -> bool:
    """
    Return whether what is presented is text or bytes.
    """
    typed = credentials.username, getattr(credentials, "password", b"")
    return all(isinstance(one, (bytes, str)) for one in typed)


# The name that the class had before, and that old programs use.
OnDiskUsernamePasswordDatabase = FilePasswordDB

__all__ = ["FilePasswordDB", "OnDiskUsernamePasswordDatabase"]
