"""
A state that processes share, as far as one of them can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from mycred.stack import ProcessState


class SharedState:
    """
    A state that answers later, as one that others share.

    @ivar waiting: what it is waited for with.
    """

    def __init__(self) -> None:
        self._state = ProcessState()
        self.waiting: list[Deferred[None]] = []

    def __getattr__(self, name: str) -> Callable[..., Deferred[Any]]:
        """
        Return what does the same later.
        """

        def later(*arguments: Any) -> Deferred[Any]:
            self.waiting.append(Deferred())
            method = getattr(self._state, name)
            return self.waiting[-1].addCallback(lambda _: method(*arguments))

        return later

    def answer(self) -> None:
        """
        Answer all.
        """
        while self.waiting:
            self.waiting.pop().callback(None)
