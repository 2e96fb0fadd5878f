"""
The lines of the log about a server that can't be asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

from .._gauged import SERVERS
from ._errors import CannotTell

# The same is logged again after so many seconds.
_QUIET = 60.0

# So many lines are remembered as logged.
_MOST = 20


class Outage:
    """
    What is wrong with a server or a file: logged once a minute, however many logins it
    keeps waiting, and whether it comes and goes.

    @ivar isDown: whether something is wrong now.
    """

    _log = Logger()

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """
        @param seconds: returns the seconds of a clock that nobody sets.
        """
        self._seconds = seconds
        self._quietUntil: dict[str, float] = {}
        self.isDown = self._isTold = False

    def note(self, why: str) -> CannotTell:
        """
        Log what is wrong.

        @param why: what it is, and what to do.

        @return: the error for a login.
        """
        self.isDown = True
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
        self.isDown = False
        if self._isTold:
            self._isTold = False
            self._log.info("Tokens can be checked again")


class ServerOutage(Outage):
    """
    What is wrong with a server, for the log and for metrics.

    @ivar kind: what it has, for metrics.
    @ivar name: where it is, without any secret.
    """

    kind = "token issuer"

    def __init__(self, url: str, seconds: Callable[[], float] = time.monotonic) -> None:
        """
        @param url: where it is.
        @param seconds: returns the seconds of a clock that nobody sets.
        """
        super().__init__(seconds)
        # A query may hold a secret.
        self.name = url.partition("?")[0]
        SERVERS.add(self)

    def close(self) -> None:
        """
        Tell metrics no more: the server isn't asked any more.
        """
        SERVERS.discard(self)


__all__ = ["Outage", "ServerOutage"]
