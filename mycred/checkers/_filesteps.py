"""
The steps in which Twisted checks a password file, for programs that override one of them
or hash passwords in a way of their own: each is called as Twisted calls it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._checking._files import FileStore
from .._checking._lookups import LookUps, inBytes, parseStored
from .._checking._passwords import (
    Answer,
    PasswordChecker,
    asTyped,
    checkThemselves,
    refusal,
)
from .._contracts import AvatarID, IUsernamePassword
from .._counterparts import isOverridden
from .._fairqueue import Source
from .._hashes import Hash, isMeantAsHash
from .._passwordfile import StoredSecret, verdictOn, verified
from .._peers import sourceOf
from .._secrets import asBytes, equal
from .._types import PasswordCredentials
from .._verdict import NO_SUCH_USER, Verdict
from ..error import LoginFailed
from ..workers import workersOf

#: A program's own way to hash: of the name, the password and what is stored.
HashFunction = Callable[[Any, Any, Any], object]

#: A user, as a program knows them: the name and the secret, which may be anything.
User = tuple[Any, Any]

_UNKNOWN = StoredSecret(None)


class FileSteps(PasswordChecker):
    """
    Base of L{FilePasswordDB<mycred.checkers.FilePasswordDB>}, which goes this way if
    C{getUser} or C{_loadCredentials} is overridden, if it was given a C{hash}, or if the
    credentials compare passwords in a way of their own.
    """

    # As in Twisted, that is up to the constructor.
    credentialInterfaces: Any = (IUsernamePassword,)
    plain = True

    cache: bool
    caseSensitive: bool
    filename: Any
    hash: HashFunction | None

    _cacheTimestamp: Any = None
    _credCache: Any = None
    _decoys: tuple[Hash, ...] = ()
    _lastFound: User | None = None
    _store: FileStore | None = None

    def getUser(self, username: bytes | str) -> User:
        """
        Look a user up.

        @return: the name and the secret.

        @raise KeyError: if there is no such user.
        """
        raise NotImplementedError

    def _loadCredentials(self) -> Iterator[User]:
        """
        Return all names and secrets.
        """
        raise NotImplementedError

    def _passwordFile(self) -> FileStore:
        """
        Return the file.
        """
        raise NotImplementedError

    def _isTheirs(self) -> bool:
        """
        Return whether a program looks users up by itself.
        """
        return isOverridden(self, "getUser", "_loadCredentials")

    def _makeLookUps(self) -> LookUps:
        """
        Make the look-ups by which a program's own code finds a user for SCRAM.
        """
        return LookUps(self, self._findText)

    def _findText(self, name: bytes, source: Source) -> User | None:
        """
        Return what a program knows of a user; L{None} if that is no text.
        """
        found = self._findAsTheyCan(iter((name,)))
        isText = found is not None and all(
            isinstance(inBytes(one), bytes) and one for one in found
        )
        return found if isText else None

    def _cbStored(
        self,
        verdict: Verdict,
        credentials: PasswordCredentials,
        hash: HashFunction,
    ) -> Answer:
        """
        Compare what a program's own way to hash makes of the password with what is
        stored.
        """
        typed = IUsernamePassword(credentials, None)
        typical = self._store and self._store.store.typical
        sample = verdict.secret or (typical and typical.secret)
        matched = False
        if typed is not None and sample:
            user, password = typed.username, typed.password
            if isinstance(sample, bytes):
                user, password = asBytes(user), asBytes(password)
            try:
                matched = equal(hash(user, password, sample), sample)
            except Exception:
                # A program's hash may count on a user who exists.
                if verdict.secret:
                    raise
        if not verdict.secret:
            return refusal(NO_SUCH_USER)
        # As in Twisted: what a program has in its place isn't asked here.
        avatarId = asTyped(verdict.name, credentials)
        return PasswordChecker._cbPasswordMatch(self, matched, avatarId)

    def _typedIn(self, credentials: PasswordCredentials) -> IUsernamePassword | None:
        """
        Return the credentials that hold the password to verify, or L{None}.
        """
        if checkThemselves(credentials):
            return None
        return super()._typedIn(credentials)

    def _askCredentials(
        self, verdict: Verdict, credentials: PasswordCredentials
    ) -> Deferred[AvatarID]:
        """
        Ask credentials that a program has given a C{checkPassword} of its own, as Twisted
        does: it is shown what is stored, though it were a hash.
        """
        secret = inBytes(verdict.secret)
        if isinstance(secret, bytes) and isMeantAsHash(secret):
            # It may compare text, and a thief of the file would present the hash itself.
            if equal(asBytes(credentials.password), secret):
                return fail(refusal("the stored hash itself").value)
        avatarId = asTyped(verdict.name, credentials)
        return self._matchPassword(credentials, verdict.secret, avatarId)

    def _askTheirs(self, credentials: PasswordCredentials) -> Deferred[AvatarID]:
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
        # For a name that isn't there, what another user has is parsed: that takes time.
        isBare = self.hash is not None or checkThemselves(credentials)
        read = StoredSecret if isBare else partial(parseStored, isPlain=True)
        stored = read(*self._lastFound) if self._lastFound else _UNKNOWN
        if found is None:
            stored = _UNKNOWN
        return self._verify(stored, credentials).addErrback(self._ebRefused, names)

    def _verify(
        self, stored: StoredSecret, credentials: PasswordCredentials
    ) -> Deferred[AvatarID]:
        """
        Verify a password against what a program knows of the user.
        """
        typed = self._typedIn(credentials)
        password = None if typed is None else asBytes(typed.password)
        conclude: Callable[..., Answer] = self._cbVerdict
        if self.hash is None and checkThemselves(credentials):
            conclude = self._askCredentials
        if not isinstance(password, bytes) or not (stored.hash or self._decoys):
            verdict = verdictOn(stored, isVerified=typed is not None)
            return maybeDeferred(conclude, verdict, credentials)
        workers = self.workers or workersOf()
        source = sourceOf(credentials)
        verifying = workers.run(verified, stored, password, self._decoys, source=source)
        finding = verifying.addCallbacks(self._cbVerified, self._ebVerifying)
        return finding.addCallback(conclude, credentials)

    def _ebRefused(self, failure: Failure, names: Iterator[bytes | str]) -> Failure:
        """
        Ask a program what it would be asked about a user whom it doesn't know.
        """
        with suppress(Exception):
            self._findAsTheyCan(names)
        return failure

    def _cbVerified(self, stored: StoredSecret) -> Verdict:
        """
        Remember a hash that could be verified: from now on an unknown user is
        refused after the same work.
        """
        if stored.hash is not None:
            self._decoys = (stored.hash,)
        return verdictOn(stored, isVerified=True)

    def _findAsTheyCan(self, names: Iterator[bytes | str]) -> User | None:
        """
        Look a user up by one name after another.

        @return: what a program knows of them; L{None} if that is nothing.
        """
        for name in names:
            with suppress(KeyError):
                return self.getUser(name)
        return None

    def _findTheirs(self, username: bytes | str) -> User:
        """
        Look a user up among what a program loads.
        """
        if not self.caseSensitive:
            username = username.lower()
        names = (username, asBytes(username))
        if not self.cache:
            lines = ((name, secret) for name, secret in self._loadCredentials())
            found = next((pair for pair in lines if pair[0] in names), None)
            # Nor does the time tell which users come early.
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


__all__ = ["FileSteps"]
