"""
What makes guesses wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from .._contracts import AvatarID
from .._state import ISharedState

#: What asks a checker.
Ask = Callable[[Any], "Deferred[AvatarID]"]


class Throttle:
    """
    Let guesses cost the one who guesses, and not the owner of the account.
    """

    def __init__(self, state: ISharedState) -> None:
        """
        @param state: where failures are counted.
        """
        self._state = state

    def around(self, ask: Ask) -> Ask:
        """
        Return what asks, unless the login has to wait.
        """
        return ask


__all__ = ["Ask", "Throttle"]
