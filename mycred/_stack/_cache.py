"""
Logins that were accepted, so that the same again cost no hash.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._contracts import ICredentialsChecker
from ._throttle import Ask


class LoginCache:
    """
    Remember logins that were accepted.
    """

    def __init__(self, seconds: float) -> None:
        """
        @param seconds: for how long, in seconds.
        """
        self._seconds = seconds

    def around(self, checkers: Sequence[ICredentialsChecker], ask: Ask) -> Ask:
        """
        Return what asks, unless it remembers the login.
        """
        return ask


__all__ = ["LoginCache"]
