"""
Check passwords against an htpasswd file, of Apache, nginx or Dovecot.
"""

from __future__ import annotations

from functools import partial

from .._checking._files import FileChecker, FileStore
from .._contracts import IUsernamePassword
from .._conversations import IScramCredentials
from .._files import openRegular
from .._hashes import UnusableHash
from .._passwordfile import (
    HTPASSWD,
    PasswordFile,
    SecretReader,
    UserFile,
    readHash,
    readHashOrPlain,
    readStrong,
)
from .._paths import AnyPath
from ..workers import Workers

# As much of a file as is looked at to see whether it is text, in bytes.
_BEGINNING = 2**16


class HtpasswdChecker(FileChecker):
    """
    Users and the hashes of their passwords, in a file with a line C{name:hash} for
    each.

    The lines are read as Apache reads them: blank lines, and those that begin
    with C{#}, are skipped, the first of two lines for one user counts, and what
    follows a second colon is ignored.  The hashes are all that
    L{mycred._hashes} knows.  Users with keys of SCRAM among them, or with a password in
    plain text, can prove their password without sending it.

    The file is read at once, and kept in memory until it differs.  One that can't be read
    is a
    L{TemporaryFailure<mycred.error.TemporaryFailure>}.
    """

    authType = "htpasswd"

    credentialInterfaces = (IUsernamePassword, IScramCredentials)

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
        self._read: SecretReader = readHashOrPlain if plaintext else readHash
        read = self._read if weak else partial(readStrong, self._read)
        self._store = FileStore(PasswordFile(UserFile(path, HTPASSWD), read), workers)
        self._store.preload()

    def insistOnSomebody(self) -> None:
        """
        Insist on a file that holds a user whom a password could let in, if it isn't
        for a hash of a weak kind.

        @raise ValueError: if there is none.
        @raise OSError: if the file can't be read.
        """
        path = self._store.store.path
        with openRegular(path) as file:
            if b"\0" in file.read(_BEGINNING):
                raise ValueError(f"{path} isn't text; write the path of an htpasswd file")
        flaw = None
        for entry in self._store.store.entries():
            try:
                if self._read(entry):
                    return
            except UnusableHash as error:
                flaw = flaw or f"no user can log in by {path}: {error}, for one"
        raise ValueError(
            f'{flaw or f"no user is in {path}"}; "mycred lint" tells more, and '
            '"mycred passwd" sets passwords'
        )


__all__ = ["HtpasswdChecker"]
