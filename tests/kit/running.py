"""
Twisted's own servers, as C{twistd} runs them.
"""

from __future__ import annotations

import re
from subprocess import TimeoutExpired
from threading import Timer
from typing import Any

from .forked import Twistd
from .server import PATIENCE


class Running:
    """
    A running C{twistd}.

    @ivar port: where it listens.
    @ivar log: what it has logged.
    """

    def __init__(self, factory: str, *arguments: str) -> None:
        """
        @param factory: what the log calls its server.
        """
        self.log = ""
        self._process: Any = Twistd(["-n", "--pidfile=", *arguments])
        watchdog = Timer(60, self._process.kill)
        watchdog.start()
        try:
            pattern = rf"{factory}\b.* starting on (\d+)"
            while not (port := re.search(pattern, self.log)):
                line = self._process.stdout.readline().decode()
                if not line:
                    raise AssertionError(self.log)
                self.log += line
        finally:
            watchdog.cancel()
        self.port = int(port[1])

    def stop(self) -> list[tuple[str, str]]:
        """
        Stop it.

        @return: the verdict and the end of each line of a login, from its service on.
        """
        self._process.send_signal(15)
        try:
            self.log += self._process.communicate(PATIENCE)[0].decode()
        except (TimeoutExpired, ValueError):
            self._process.kill()
        return re.findall(r"Login (\w+): .*?(service=.*)", self.log)
