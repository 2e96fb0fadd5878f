"""
What the checkers of files do with what is found in one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from .._contracts import AvatarID, IUsernamePassword
from .._passwordfile import PasswordFile
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


def avatarIdOf(name: Any, credentials: Any) -> AvatarID:
    """
    Return the avatar ID for a name as the store spells it, in the type in which the
    credentials have the name.
    """
    if isinstance(credentials.username, str) and isinstance(name, bytes):
        return name.decode("utf-8", "surrogateescape")  # type: ignore[return-value]
    avatarId: AvatarID = name
    return avatarId


__all__ = ["FileChecker", "avatarIdOf"]
