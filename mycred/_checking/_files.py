"""
What the checkers of files do with what is found in one.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._argstring import nonEmpty
from .._contracts import AvatarID, IUsernamePassword
from .._passwordfile import HTPASSWD, Look, PasswordFile, UserFile
from .._peers import sourceOf
from .._secrets import asBytes
from ._passwords import PasswordMatching, refusal
from ._stores import Looking


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

    def _look(
        self, file: Looking[PasswordFile], name: bytes, credentials: Any
    ) -> Deferred[AvatarID]:
        """
        Look somebody up, and conclude from what is found.

        @param name: his name, as it would stand in the file.
        """
        typed = self._typedIn(credentials)
        password = None if typed is None else asBytes(typed.password)
        looking: Deferred[Any] = file.look(name, password, sourceOf(credentials))
        return looking.addCallback(self._cbLook, credentials)

    def _typedIn(self, credentials: Any) -> Any:
        """
        Return the credentials that hold the password to verify, or L{None}.
        """
        return IUsernamePassword(credentials, None)

    def _cbLook(self, look: Look, credentials: Any) -> Any:
        """
        Conclude from what was found about a user.
        """
        avatarId = avatarIdOf(look, credentials)
        if look.hash and self._typedIn(credentials) is not None:
            return self._cbPasswordMatch(look.matched, avatarId)
        refuse = partial(self._cbUseless, look) if look.hash or look.flaw else None
        return self._matchPassword(credentials, look.secret, avatarId, refuse)

    def _cbUseless(self, look: Look, matched: bool, username: AvatarID) -> Failure:
        """
        Refuse a user with whose line nobody can log in, or not in this way.
        """
        return refusal(
            look.flaw
            or "a hash, which can't serve a login that doesn't send the password"
        )


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


def avatarIdOf(look: Look, credentials: Any) -> AvatarID:
    """
    Name the avatar: as the file spells the name, in the type in which the
    credentials have it.
    """
    if look.name is None:
        unknown: AvatarID = credentials.username
        return unknown
    if isinstance(credentials.username, str) and isinstance(look.name, bytes):
        return look.name.decode("utf-8", "surrogateescape")  # type: ignore[return-value]
    known: AvatarID = look.name
    return known


__all__ = ["FileChecker", "avatarIdOf", "readable"]
