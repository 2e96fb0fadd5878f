"""
Checkers that count what they are asked, for tests of the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed

from mycred.checkers import ICredentialsChecker, IStoredState
from mycred.credentials import IUsernamePassword
from mycred.error import UnauthorizedLogin


@implementer(ICredentialsChecker)
class Counting:
    """
    A checker without a state.

    @ivar users: the password of each user.
    @ivar answer: what it answers, in place of what follows from them.
    @ivar verified: how often it was asked.
    @ivar steps: what was asked, in this order, with the names.
    """

    authType = "counting"
    credentialInterfaces: Any = (IUsernamePassword,)

    def __init__(
        self,
        users: dict[bytes, bytes] | None = None,
        answer: Callable[[], Any] | None = None,
        name: bytes | None = None,
    ) -> None:
        self.users = {b"alice": b"sesame"} if users is None else users
        self.answer, self.name = answer, name
        self.verified = 0
        self.steps: list[tuple[str, Any]] = []

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Verify a password.
        """
        self.verified += 1
        name = getattr(credentials, "username", None)
        self.steps.append(("verify", name))
        if self.answer is not None:
            answer: Deferred[Any] = self.answer()
            return answer
        if name in self.users and self.users[name] == credentials.password:
            return succeed(self.name or name)
        return fail(UnauthorizedLogin())


@implementer(IStoredState)
class Stateful(Counting):
    """
    A checker with a state.

    @ivar avatarIds: those for which the state was read.
    @ivar state: the state, an error that reading it raises, or what returns one of them.
    """

    def __init__(self, *args: Any, state: Any = b"", **arguments: Any) -> None:
        super().__init__(*args, **arguments)
        self.state = state
        self.avatarIds: list[Any] = []

    def storedState(self, credentials: Any, avatarId: Any = None) -> Any:
        """
        Return the state.
        """
        self.steps.append(("state", credentials.username))
        self.avatarIds.append(avatarId)
        if isinstance(self.state, Exception):
            raise self.state
        return self.state() if callable(self.state) else self.state


__all__ = ["Counting", "Stateful"]
