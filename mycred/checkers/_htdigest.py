"""
Check HTTP Digest logins against an htdigest file.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from .._checking._files import FileChecker, FileStore
from .._checking._passwords import NOBODYS, Answer, asTyped, refusal
from .._contracts import IUsernameDigestHash
from .._passwordfile import Layout, PasswordFile, UserFile, isDigest, readDigest
from .._paths import AnyPath
from .._secrets import asBytes
from .._verdict import Verdict
from ..error import LoginFailed
from ..workers import Workers


class DigestLayout(Layout):
    """
    Lines C{name:realm:hash}, of which those of one realm count.
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

        @return: the name and the hash; L{None} if the line holds no user of this
            realm.
        """
        fields = line.strip().split(b":", 3)
        if len(fields) < 3 or fields[1] != self._realm or fields[0][:1] in (b"", b"#"):
            return None
        return fields[0], fields[2]


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
        store = PasswordFile(userfile, readDigest, more=more)
        self._store = FileStore(store, workers)

    def realms(self) -> set[bytes]:
        """
        Name the realms in the file.

        @raise OSError: if the file can't be read.
        """
        byRealm = UserFile(self._store.store.path, Layout(nameField=1, secretField=2))
        return {e.name for e in byRealm.snapshot() if isDigest(e.secret.lower())}

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> Answer:
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
                file=self._store.store.path,
            )
        stored = verdict.secret or NOBODYS
        checking = maybeDeferred(credentials.checkHash, stored)
        checking = checking.addErrback(self._ebMalformed)
        if not verdict.secret:
            return checking.addCallback(lambda _: refusal(verdict.why))
        avatarId = asTyped(verdict.name, credentials)
        return checking.addCallback(self._cbPasswordMatch, avatarId)

    def _ebMalformed(self, failure: Failure) -> Failure | bool:
        """
        Refuse an answer that Twisted's own credentials stumble over, as one whose
        fields are missing.
        """
        if failure.check(LoginFailed):
            return failure
        self._log.debug("A malformed answer: {e!r}", e=failure.value)
        return False


__all__ = ["HtdigestChecker"]
