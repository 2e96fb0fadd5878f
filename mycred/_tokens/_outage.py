"""
The lines of the log about a server that can't be asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

from ._errors import CannotTell

# The same is logged again after so many seconds.
_QUIET = 60.0

# So many lines are remembered as logged.
_MOST = 20


class Outage:
    """
    What is wrong with a server or a file: logged once a minute, however many logins it
    keeps waiting, and whether it comes and goes.
    """

    _log = Logger()

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """
        @param seconds: returns the seconds of a clock that nobody sets.
        """
        self._seconds = seconds
        self._quietUntil: dict[str, float] = {}
        self._isTold = False

    def note(self, why: str) -> CannotTell:
        """
        Log what is wrong.

        @param why: what it is, and what to do.

        @return: the error for a login.
        """
        now = self._seconds()
        if now >= self._quietUntil.get(why, now):
            self._isTold = True
            self._log.error("Tokens can't be checked: {why}", why=why)
            if len(self._quietUntil) >= _MOST:
                self._quietUntil.clear()
            self._quietUntil[why] = now + _QUIET
        return CannotTell(why)

    def end(self) -> None:
        """
        Log that all is well again, if the log was told that it isn't.
        """
        if self._isTold:
            self._isTold = False
            self._log.info("Tokens can be checked again")


__all__ = ["Outage"]
