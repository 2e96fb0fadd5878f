"""
Start the broker, and end it.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from socket import socket

# For how long the broker may take to end, in seconds.
_PATIENCE = 1.0

# What the processes are told of the server's environment.  There may be passwords in
# the rest, and modules start programs.
_VARIABLES = {"LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TZ"}


def start(kind: str, ends: list[socket]) -> subprocess.Popen[bytes]:
    """
    Start the broker.

    @param kind: what shows in ps(1).
    @param ends: what it inherits.
    """
    # The first three it gets from elsewhere; here they may have been closed.
    high: list[socket] = []
    program = Path(__file__).with_name("__main__.py")
    try:
        for end in ends:
            high.append(socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)))
        numbers = [end.fileno() for end in high]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", str(program), kind, *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            # Not the terminal's, or a pipe's, which would stay open when twistd is a
            # daemon.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=numbers,
            start_new_session=True,
            env=_environment(),
        )
    finally:
        close(high)


def _environment() -> dict[str, str]:
    """
    Choose what the processes are told of the environment.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in _VARIABLES or name.startswith("LC_")
    }


def end(process: subprocess.Popen[bytes], ends: list[socket]) -> None:
    """
    End the broker, and with it the workers.
    """
    close(ends)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def close(ends: list[socket]) -> None:
    """
    Close connections.
    """
    for end in ends:
        end.close()


__all__ = ["close", "end", "start"]
