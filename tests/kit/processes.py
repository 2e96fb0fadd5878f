"""
Programs that serve a directory, on this machine, with a folder of their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ldap3 import NONE, Connection, Server

# How long a server may take to begin, in seconds.
_LONGEST_START = 60.0


class Process:
    """
    A server.

    @ivar folder: where all that it has is.
    @ivar socket: the name of its socket.
    """

    def __init__(self, name: str) -> None:
        """
        @param name: what it is called.
        """
        # The name of a socket is short.
        self.folder = Path(tempfile.mkdtemp(prefix=f"mycred-{name}-"))
        self.socket = ""
        self._process: Any = None

    def launch(self, *command: str, **more: Any) -> None:
        """
        Have it run, and wait until it answers.
        """
        log = self.folder / "output"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **more,
            )
        until = time.monotonic() + _LONGEST_START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{command[0]} doesn't start: {log.read_text()}")

    def stop(self) -> None:
        """
        End it, and all that it has begun, and remove what it had.
        """
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        """
        Tell whether it answers.
        """
        if not os.path.exists(self.socket):
            return False
        server = Server(f"ldapi://{self.socket.replace('/', '%2F')}", get_info=NONE)
        try:
            return bool(Connection(server, receive_timeout=5).bind())
        except Exception:
            return False


def run(*command: str, given: str = "", **more: Any) -> None:
    """
    Run a program that must succeed.

    @param given: what it reads.
    """
    done = subprocess.run(
        command, input=given.encode(), capture_output=True, check=False, **more
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise AssertionError(f"{command[0]} fails: {said}")


def freePort() -> int:
    """
    Find a port that nobody uses.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
