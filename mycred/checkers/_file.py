"""
Check passwords against a file of C{name:secret} lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from .._checking._files import FileStore
from .._checking._passwords import (
    PLAIN_INTERFACES,
    Answer,
    KeyStore,
    arePlausible,
    checkThemselves,
    refusal,
)
from .._contracts import AvatarID, IUsernamePassword, twistedCheckers
from .._conversations import IScramCredentials
from .._counterparts import Counterpart, isOverridden, overridable
from .._fairqueue import Source
from .._passwordfile import Layout, PasswordFile, UserFile, readBare, readHashOrPassword
from .._paths import AnyPath
from .._peers import sourceOf
from .._secrets import asBytes
from .._types import Credentials, PasswordCredentials
from .._verdict import NO_SUCH_USER, Kind, Verdict
from ..workers import Workers
from ._filesteps import FileSteps, HashFunction, User


class FilePasswordDB(Counterpart, FileSteps, twistedCheckers.FilePasswordDB):
    """
    Users and their secrets, in a text file with a line for each.

    The fields of a line are separated by a delimiter.  Blank lines, and lines
    that begin with C{#}, are skipped; of two lines for one user the first
    counts, and the others are logged.  A secret is plain text or a hash that
    L{mycred._hashes} knows; a hash is only ever verified as such.  An empty
    name or secret matches no user.

    A file that can't be read is a L{TemporaryFailure
    <mycred.error.TemporaryFailure>}.

    @ivar credentialInterfaces: L{IUsernamePassword}, and, unless C{hash} is
        given, L{IUsernameHashedPassword} for the plain text secrets, and
        L{IScramCredentials<mycred.credentials.IScramCredentials>} for these and for keys
        of SCRAM.
    """

    authType = "file"

    cache = False

    _fileKey: tuple[object, ...] = ()

    def __init__(
        self,
        filename: AnyPath,
        delim: bytes | None = b":",
        usernameField: int = 0,
        passwordField: int = 1,
        caseSensitive: bool = True,
        hash: HashFunction | None = None,
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
        self.workers = workers
        self.credentialInterfaces = (IUsernamePassword,)
        if hash is None:
            self.credentialInterfaces = PLAIN_INTERFACES
            if type(self).requestAvatarId is FilePasswordDB.requestAvatarId:
                # A program's own was written for what there was before.
                self.credentialInterfaces += (IScramCredentials,)
                # As in Twisted: a program may give no file, or name it later.
                if filename is not None and not self._isTheirs():
                    self._passwordFile().preload()

    def __getstate__(self) -> dict[str, object]:
        """
        Leave out of a pickle what belongs to this process.
        """
        left = (
            "_credCache",
            "_cacheTimestamp",
            "_decoys",
            "_store",
            "_fileKey",
            "_lastFound",
            "workers",
        )
        return {k: v for k, v in vars(self).items() if k not in left}

    def _checkDecoded(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
        """
        Check a password, decoded in one way.
        """
        username = credentials.username
        isTheirs = self._isTheirs()
        # A program may know names and passwords that are no text at all.
        isText = not isTheirs or _isText(credentials)
        if isText and not arePlausible(credentials):
            return fail(refusal(NO_SUCH_USER))
        if isTheirs:
            return self._askTheirs(credentials)
        file, name = self._passwordFile(), self._key(username)
        if self.hash is None and checkThemselves(credentials):
            find, source = file.store.lookUpText, sourceOf(credentials)
            looking = file.ask(find, name, source=source, isShared=True)
            return looking.addCallback(self._askCredentials, credentials)
        typed = self._typedIn(credentials)
        password = None if typed is None else asBytes(typed.password)
        looking = file.lookUp(name, password, sourceOf(credentials))
        return looking.addCallback(self._cbVerdict, credentials)

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The path of the file, unless a program looks users up by itself.
        """
        return () if self._isTheirs() else (self.filename,)

    @overridable
    def getUser(self, username: bytes | str) -> User:
        """
        Look a user up, at once and in the caller's thread.

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
        Return whether the file holds a hash that lets a user in, so that it can't serve
        all users who prove a password without sending it.  What locks an account is
        none, nor is a hash that nothing can match.

        @raise TemporaryFailure: if the file can't be read.
        """
        file = self._passwordFile()
        return file.now(file.store.holdsHashes)

    @overridable
    def _loadCredentials(self) -> Iterator[User]:
        """
        Return the names and secrets in the file.

        Programs override this to read them from somewhere else.

        @raise TemporaryFailure: if the file can't be read.
        """
        file = self._passwordFile()
        return ((e.name, e.secret) for e in file.now(file.store.entries))

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes for which at least one user has keys of SCRAM, or a password in
        plain text; none, where a program hashes in a way of its own.
        """
        return () if self.hash is not None else super().scramHashes()

    def _findKeys(self, name: bytes, credentials: Any) -> Deferred[Verdict]:
        """
        Have the keys of a user found, for SCRAM.
        """
        if self.hash is not None:
            # What is stored isn't a password, though it may look like one.
            why = "hashed in a program's own way"
            return succeed(Verdict(Kind.REFUSED, name, why))
        return super()._findKeys(name, credentials)

    def _keyStore(self) -> KeyStore:
        """
        Return where the keys are that SCRAM needs.
        """
        return self._lookUps() if self._isTheirs() else self._passwordFile()

    def _stateOf(
        self, name: bytes, source: Source, avatarId: object
    ) -> bytes | Deferred[bytes]:
        """
        Return what the file holds for a name; nothing where a program looks users up by
        itself.
        """
        if self._isTheirs():
            return b""
        return self._passwordFile().stateOf(self._key(name), source)

    def _spelled(self, name: bytes) -> bytes:
        """
        Return a name as it would stand in the file.
        """
        return self._key(name)

    def _key(self, username: bytes | str) -> bytes:
        """
        Spell a name as it would stand in the file.
        """
        name: bytes = asBytes(username)
        # As in Twisted: then the avatar ID is in lower case, too.
        return name if self.caseSensitive else name.lower()

    def _passwordFile(self) -> FileStore:
        """
        Return what reads the file; made when it is needed first, since programs
        skip the constructor.
        """
        lines = self.delim, self.ufield, self.pfield, self.caseSensitive
        key = (self.filename, *lines, self.cache, self.hash is None)
        if self._store is None or self._fileKey != key:
            layout = Layout(*lines)
            userfile = UserFile(self.filename, layout)
            read = readHashOrPassword if self.hash is None else readBare
            indexed = self.cache or not layout.beginsWithName
            more = '; "mycred lint --type=file" lists it'
            store = PasswordFile(userfile, read, indexed, more=more)
            self._store = FileStore(store, self.workers)
            self._fileKey = key
        return self._store

    def _cbVerdict(self, verdict: Verdict, credentials: PasswordCredentials) -> Answer:
        """
        Conclude from the verdict on a user.
        """
        if self.hash is not None:
            return self._cbStored(verdict, credentials, self.hash)
        return super()._cbVerdict(verdict, credentials)


def _isText(credentials: Credentials) -> bool:
    """
    Return whether what is presented is text or bytes.
    """
    typed = credentials.username, getattr(credentials, "password", b"")
    return all(isinstance(one, (bytes, str)) for one in typed)


# The name that the class had before, and that old programs use.
OnDiskUsernamePasswordDatabase = FilePasswordDB

__all__ = ["FilePasswordDB", "OnDiskUsernamePasswordDatabase"]
