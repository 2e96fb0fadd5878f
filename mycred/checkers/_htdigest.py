"""
Check HTTP Digest logins against an htdigest file.
"""

from __future__ import annotations

import re
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from .._checking._files import FileChecker, avatarIdOf
from .._checking._passwords import NOBODYS, arePlausible, refusal
from .._checking._stores import ThreadedStore
from .._contracts import AvatarID, ICredentialsChecker, IUsernameDigestHash
from .._hashes import UnusableHash
from .._passwordfile import Entry, Layout, PasswordFile, UserFile
from .._paths import AnyPath
from .._reporting import reportsOutcome
from .._secrets import asBytes
from .._verdict import NO_SUCH_USER, Verdict
from ..error import LoginFailed
from ..workers import Workers

# H(username:realm:password): MD5, which is all that htdigest makes, or SHA-256.
_hash = re.compile(rb"[0-9a-f]{32}(?:[0-9a-f]{32})?")


class DigestLayout(Layout):
    """
    Lines C{name:realm:hash}, of which those of one realm hold somebody.
    """

    def __init__(self, realm: bytes) -> None:
        """
        @param realm: the realm.
        """
        super().__init__()
        self._realm = realm

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Take a line apart.

        @return: the name and the hash; L{None} if the line holds nobody in this
            realm.
        """
        fields = line.strip().split(b":", 3)
        if len(fields) < 3 or fields[1] != self._realm or fields[0][:1] in (b"", b"#"):
            return None
        return fields[0], fields[2]


@implementer(ICredentialsChecker)
class HtdigestChecker(FileChecker):
    """
    Users and hashes that serve HTTP Digest, in a file with a line
    C{name:realm:hash} for each, as C{htdigest} makes it.

    The rules for lines are those of L{HtpasswdChecker
    <mycred.checkers.HtpasswdChecker>}.

    @ivar realm: the realm whose lines count.  It must be the one that the server
        names in its challenge.
    """

    authType = "htdigest"

    credentialInterfaces = (IUsernameDigestHash,)

    def __init__(
        self, path: AnyPath, realm: bytes | str, *, workers: Workers | None = None
    ) -> None:
        """
        @param path: the path of the file.
        @param realm: the realm whose lines count; text stands for its UTF-8.
        @param workers: where the file is read; the reactor's own if L{None}.
        """
        self.realm = asBytes(realm)
        userfile = UserFile(path, DigestLayout(self.realm))
        more = '; "mycred lint --type=htdigest" lists it'
        store = PasswordFile(userfile, self._read, more=more)
        self._file = ThreadedStore(store, workers)

    @reportsOutcome
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check the answer to a challenge.

        @param credentials: a provider of L{IUsernameDigestHash}.

        @return: a L{Deferred} as from L{HtpasswdChecker.requestAvatarId
            <mycred.checkers.HtpasswdChecker.requestAvatarId>}.
        """
        if not arePlausible(credentials):
            return fail(refusal(NO_SUCH_USER))
        return self._lookUp(self._file, asBytes(credentials.username), credentials)

    def realms(self) -> set[bytes]:
        """
        Name the realms in the file.

        @raise OSError: if the file can't be read.
        """
        byRealm = UserFile(self._file.store.path, Layout(nameField=1, secretField=2))
        return {e.name for e in byRealm.snapshot() if _hash.fullmatch(e.secret.lower())}

    def _read(self, entry: Entry) -> bytes:
        """
        Read the hash of a line.
        """
        return hashOf(entry)

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> Any:
        """
        Conclude from the verdict on a user.
        """
        asked = asBytes(getattr(credentials, "realm", self.realm))
        if asked != self.realm:
            self._log.error(
                "The server asks for the realm {asked!r}, and {file} is read for "
                "{realm!r}, whose hashes serve no other",
                asked=asked,
                realm=self.realm,
                file=self._file.store.path,
            )
        stored = verdict.secret or NOBODYS
        checking: Deferred[Any] = maybeDeferred(credentials.checkHash, stored)
        checking.addErrback(self._ebMalformed)
        if not verdict.secret:
            return checking.addCallback(lambda _: refusal(verdict.why))
        avatarId = avatarIdOf(verdict.name, credentials)
        return checking.addCallback(self._cbPasswordMatch, avatarId)

    def _ebMalformed(self, failure: Failure) -> Any:
        """
        Refuse an answer that Twisted's own credentials stumble over, as one whose
        fields are missing.
        """
        if failure.check(LoginFailed):
            return failure
        self._log.debug("A malformed answer: {e!r}", e=failure.value)
        return False


def hashOf(entry: Entry) -> bytes:
    """
    Read the hash of a line of an htdigest file.

    @raise UnusableHash: if it is none.
    """
    digest = entry.secret.lower()
    if not _hash.fullmatch(digest):
        raise UnusableHash("a damaged hash")
    return digest


__all__ = ["HtdigestChecker", "hashOf"]
