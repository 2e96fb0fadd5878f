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

# How long to wait for the broker's end, in seconds.
_END_WAIT = 1.0

# The variables of the server's environment that the processes get.  There may be
# passwords in the others, and PAM modules start programs.
_VARIABLES = {"LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TZ"}


def start(kind: str, ends: list[socket]) -> subprocess.Popen[bytes]:
    """
    Start the broker.

    @param kind: what ps(1) shows after its path.
    @param ends: the connections that it inherits.
    """
    # Above the first three, which are replaced and may be closed in this process.
    high: list[socket] = []
    program = Path(__file__).with_name("__main__.py")
    try:
        for end in ends:
            high.append(socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)))
        descriptors = [end.fileno() for end in high]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", str(program), kind, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            # Neither a terminal's nor a pipe's, which would stay open when twistd becomes
            # a daemon.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,
            env=_environment(),
        )
    finally:
        close(high)


def _environment() -> dict[str, str]:
    """
    Return the part of the environment that the processes get.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in _VARIABLES or name.startswith("LC_")
    }


def end(process: subprocess.Popen[bytes], ends: list[socket]) -> None:
    """
    End the broker, and the workers with it.
    """
    close(ends)
    try:
        process.wait(_END_WAIT)
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
