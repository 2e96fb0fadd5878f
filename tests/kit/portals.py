"""
Checkers that answer what a test says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mycred.credentials import (
    IUsernamePassword,
    UsernamePassword,
)


class Checker:
    """
    A checker that declares no interface, and answers what it is told to.
    """

    credentialInterfaces: Any = (IUsernamePassword,)

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.asked = 0

    def requestAvatarId(self, credentials: object) -> Any:
        """
        Answer.
        """
        self.asked += 1
        return self.answer()


ALICE = UsernamePassword(b"alice", b"sesame")


def raising(error: BaseException) -> Callable[[], Any]:
    """
    Make a callable that raises.
    """

    def call() -> Any:
        raise error

    return call
