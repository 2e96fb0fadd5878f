"""
C{twistd myapp} as it is run, in processes of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# What the log says when IMAP4 is served, and where.
_started = re.compile(rb"IMAP4Factory \(\w+\) starting on (\d+)")

_TICKS = os.sysconf("SC_CLK_TCK")


class Program(NamedTuple):
    """
    The program, while it runs.

    @ivar pid: its process ID.
    @ivar port: where it serves IMAP4, on 127.0.0.1.
    """

    pid: int
    port: int

    def spent(self) -> float:
        """
        Return how much processor time it has taken so far with all processes that it has
        started, in seconds.
        """
        pids = [self.pid]
        # The list grows meanwhile.
        for pid in pids:
            path = Path(f"/proc/{pid}/task/{pid}/children")
            pids += map(int, path.read_text().split())
        return sum(map(_spentBy, pids)) / _TICKS


def _spentBy(pid: int) -> int:
    """
    Return how much processor time a process has taken, in ticks.
    """
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(stat[11]) + int(stat[12])


@contextmanager
def running(directory: Path, *options: str) -> Iterator[Program]:
    """
    Have the program serve IMAP4, and nothing else, meanwhile.

    @param directory: for its files.
    @param options: what it is told besides.
    """
    command = [
        *(sys.executable, "-c", "from twisted.scripts.twistd import run; run()"),
        *("-n", "--pidfile=", "myapp"),
        f"--store={directory}/mail",
        "--imap=tcp:0:interface=127.0.0.1:backlog=1000",
        *("--pop3=", "--smtp=", "--http=", "--pb="),
        *options,
    ]
    log = directory / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        while not (started := _started.search(log.read_bytes())):
            if server.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.01)
        yield Program(server.pid, int(started[1]))
    finally:
        server.terminate()
        server.wait()
