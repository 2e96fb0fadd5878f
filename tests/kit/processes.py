"""
Programs that serve a directory, on this machine, each with a home directory of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from ldap3 import NONE, Connection, Server

from .daemons import awaitAnswer, begin
from .lifeline import Lifeline


class Process:
    """
    A server.

    @ivar home: the directory that holds all its files.
    @ivar socket: the path of its socket.
    """

    def __init__(self, name: str) -> None:
        """
        @param name: what it is called.
        """
        # The path of a socket must be short.
        self.home = Path(tempfile.mkdtemp(prefix=f"mycred-{name}-"))
        self.socket = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: Lifeline | None = None

    @property
    def url(self) -> str:
        """
        Its URL, for LDAP programs.
        """
        return f"ldapi://{quote(self.socket, safe='')}"

    def launch(self, *command: str, **more: Any) -> None:
        """
        Start it, and wait until it answers.

        @raise AssertionError: if it ends, or doesn't answer within three minutes.
        """
        self._process = process = begin(command, self.home, **more)
        self._watch(process.pid)
        awaitAnswer(process, self.home, self._answers)

    def stop(self) -> None:
        """
        End it, with all that it has started, and remove its files.
        """
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._watch(None)
        shutil.rmtree(self.home, ignore_errors=True)

    def restore(self) -> bool:
        """
        Make it as it was before a test that is over.

        @return: whether it is: otherwise the next test needs a new server.
        """
        return True

    def _watch(self, pid: int | None) -> None:
        """
        Have a process end with this one, instead of the one before, which is gone.
        """
        if self._lifeline is not None:
            self._lifeline.cut()
        self._lifeline = None if pid is None else Lifeline(self.home, pid)

    def _answers(self) -> bool:
        """
        Return whether it answers an anonymous bind, in whatever way.
        """
        if not os.path.exists(self.socket):
            return False
        server = Server(self.url, get_info=NONE)
        try:
            Connection(server, receive_timeout=5).bind()
        except Exception:
            return False
        return True


_P = TypeVar("_P", bound=Process)


class Shared:
    """
    Servers that the tests of one class share: they start when the first test needs
    them, and end when another class does, or the run.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._servers: list[Any] = []
        self._owner = os.getpid()
        atexit.register(self.stop)

    def get(self, key: Hashable, make: Callable[[], list[_P]]) -> list[_P]:
        """
        Return the servers of a key.

        @param make: a function that starts them.
        """
        if key != self._key or not self._servers:
            self.stop()
            self._servers, self._key = make(), key
        return self._servers

    def restore(self) -> None:
        """
        Make the servers as they were before a test, or end them.
        """
        try:
            restored = [server.restore() for server in self._servers]
        except BaseException:
            self.stop()
            raise
        if not all(restored):
            self.stop()

    def stop(self) -> None:
        """
        End the servers.
        """
        servers, self._servers = self._servers, []
        # A child of this process leaves them alone when it ends.
        if os.getpid() == self._owner:
            for server in servers:
                server.stop()


#: The servers of the class whose tests are running.
shared = Shared()


def run(*command: str, given: str = "", **more: Any) -> None:
    """
    Run a program that must succeed.

    @param given: its standard input.
    """
    done = subprocess.run(
        command, input=given.encode(), capture_output=True, check=False, **more
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise AssertionError(f"{command[0]} fails: {said}")


def freePort() -> int:
    """
    Return a port that no program listens on.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
