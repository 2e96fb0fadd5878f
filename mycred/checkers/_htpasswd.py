"""
Check passwords against an htpasswd file, of Apache, nginx or Dovecot.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail

from .._checking._files import FileChecker
from .._checking._passwords import arePlausible, refusal
from .._checking._stores import ThreadedStore
from .._contracts import AvatarID, ICredentialsChecker, IUsernamePassword
from .._encodings import triesDecodings
from .._files import openRegular
from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import HTPASSWD, Entry, PasswordFile, UserFile
from .._paths import AnyPath
from .._reporting import reportsOutcome
from .._secrets import asBytes
from .._verdict import NO_SUCH_USER
from ..workers import Workers

# As much of a file as is looked at to see whether it is text, in bytes.
_BEGINNING = 2**16


@implementer(ICredentialsChecker)
class HtpasswdChecker(FileChecker):
    """
    Users and the hashes of their passwords, in a file with a line C{name:hash} for
    each.

    The lines are read as Apache reads them: blank lines, and those that begin
    with C{#}, are skipped, the first of two lines for one user counts, and what
    follows a second colon is ignored.  The hashes are all that
    L{mycred._hashes} knows.

    The file is kept in memory until it differs.  One that can't be read is a
    L{TemporaryFailure<mycred.error.TemporaryFailure>}.
    """

    authType = "htpasswd"

    credentialInterfaces = (IUsernamePassword,)

    def __init__(
        self,
        path: AnyPath,
        weak: bool = True,
        plaintext: bool = False,
        *,
        workers: Workers | None = None,
    ) -> None:
        """
        @param path: the path of the file.
        @param weak: whether hashes of weak kinds let anybody in.
        @param plaintext: whether what isn't like a hash is a password in plain
            text.  If it isn't, it matches nothing.
        @param workers: where the file is read, and hashes are verified; the
            reactor's own if L{None}.
        """
        self._weak = weak
        self._plaintext = plaintext
        userfile = UserFile(path, HTPASSWD)
        self._file = ThreadedStore(PasswordFile(userfile, self._read), workers)

    @reportsOutcome
    @triesDecodings
    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarID]:
        """
        Check a password.

        @param credentials: a provider of L{IUsernamePassword}.

        @return: a L{Deferred} that fires with the name as the file spells it,
            in the type in which the credentials have it.  It fails with
            L{UnauthorizedLogin<mycred.error.UnauthorizedLogin>}, or with
            L{TemporaryFailure<mycred.error.TemporaryFailure>} if the file can't
            be read or too many logins wait.
        """
        if not arePlausible(credentials):
            return fail(refusal(NO_SUCH_USER))
        return self._lookUp(self._file, asBytes(credentials.username), credentials)

    def insistOnSomebody(self) -> None:
        """
        Insist on a file in which somebody is whom a password could let in, if it isn't
        for a hash of a weak kind.

        @raise ValueError: if there is nobody.
        @raise OSError: if the file can't be read.
        """
        path = self._file.store.path
        with openRegular(path) as file:
            if b"\0" in file.read(_BEGINNING):
                raise ValueError(
                    f"{path} is no text; write the name of a file of htpasswd's"
                )
        flaw = None
        for entry in self._file.store.entries():
            try:
                if self._stored(entry):
                    return
            except UnusableHash as error:
                flaw = flaw or f"nobody can log in by {path}: {error}, for one"
        raise ValueError(
            f'{flaw or f"nobody is in {path}"}; "mycred lint" tells more, and '
            '"mycred passwd" sets passwords'
        )

    def _read(self, entry: Entry) -> Hash | bytes:
        """
        Read the secret of a line, if it is none of a weak kind where those don't count.
        """
        found = self._stored(entry)
        if not self._weak and isinstance(found, Hash) and found.scheme.weakness:
            raise UnusableHash(f"a hash of a weak kind ({found.scheme.name})")
        return found

    def _stored(self, entry: Entry) -> Hash | bytes:
        """
        Read the secret of a line.
        """
        try:
            return readHash(entry)
        except UnusableHash:
            if not self._plaintext or isMeantAsHash(entry.secret) or entry.isCut:
                raise
            return entry.secret


def readHash(entry: Entry) -> Hash:
    """
    Read the hash of a line of an htpasswd file.

    @raise UnusableHash: if nothing can match what stands there.
    """
    try:
        found = recognize(entry.secret)
    except UnusableHash as error:
        if entry.isCut:
            raise UnusableHash(f"{error}, on a line that has no end") from None
        raise
    if found.isPlain and entry.isCut:
        raise UnusableHash("perhaps half of a password, on a line that has no end")
    return found


__all__ = ["HtpasswdChecker", "readHash"]
