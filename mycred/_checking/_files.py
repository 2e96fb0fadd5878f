"""
What the checkers of files do with what is found in one.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred

from .._argstring import nonEmpty
from .._contracts import AvatarID, IUsernamePassword
from .._passwordfile import HTPASSWD, PasswordFile, UserFile
from .._peers import sourceOf
from .._secrets import asBytes
from .._verdict import Kind, Verdict
from ._passwords import PasswordMatching
from ._stores import ThreadedStore


class FileChecker(PasswordMatching):
    """
    Base of the checkers of passwords in a file.
    """

    _file: Any

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The names of the files that are opened when somebody logs in, with the rights that
        the server has then.
        """
        return (self._file.store.path,)

    def _lookUp(
        self, file: ThreadedStore[PasswordFile], name: bytes, credentials: Any
    ) -> Deferred[AvatarID]:
        """
        Look a user up, and conclude from the verdict.

        @param name: the name, as it would stand in the file.
        """
        typed = self._typedIn(credentials)
        password = None if typed is None else asBytes(typed.password)
        looking: Deferred[Any] = file.lookUp(name, password, sourceOf(credentials))
        return looking.addCallback(self._cbVerdict, credentials)

    def _typedIn(self, credentials: Any) -> Any:
        """
        Return the credentials that hold the password to verify, or L{None}.
        """
        return IUsernamePassword(credentials, None)

    def _cbVerdict(self, verdict: Verdict, credentials: Any) -> Any:
        """
        Conclude from the verdict on a user.
        """
        avatarId = avatarIdOf(verdict.name, credentials)
        if verdict.isVerified:
            isRight = verdict.kind is Kind.ACCEPTED
            return self._cbPasswordMatch(isRight, avatarId)
        return self._matchPassword(credentials, verdict.secret, avatarId, verdict.why)


def readable(text: str) -> str:
    """
    Read the name of a password file, as a value of an argument string.

    @return: the absolute name, since twistd may change the folder before the
        first login.

    @raise ValueError: if there is no name, or the file can't be read now.
    """
    path = os.path.abspath(nonEmpty(text))
    try:
        UserFile(path, HTPASSWD).open().close()
    except OSError as error:
        raise ValueError(
            f"{path} can't be read ({error.strerror or error}); write the name of a "
            "file that the server can read"
        ) from None
    return path


def avatarIdOf(name: Any, credentials: Any) -> AvatarID:
    """
    Return the avatar ID for a name as the store spells it, in the type in which the
    credentials have the name.
    """
    if isinstance(credentials.username, str) and isinstance(name, bytes):
        return name.decode("utf-8", "surrogateescape")  # type: ignore[return-value]
    avatarId: AvatarID = name
    return avatarId


__all__ = ["FileChecker", "avatarIdOf", "readable"]
