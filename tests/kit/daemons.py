"""
Servers that tests start, freeze, kill and start again.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from .lifeline import Lifeline

# How long a server may take to begin, and how long between two looks, in seconds.
_LONGEST_START, _SHORT = 180.0, 0.01

# The states of what has ended, though nobody has asked how.
_ENDED = {"X", "Z"}


class Daemon:
    """
    A server, with a home directory of its own.

    @ivar home: the directory that holds all its files.
    @ivar port: its port on 127.0.0.1.
    """

    def __init__(self, name: str) -> None:
        """
        Nothing is started yet.

        @param name: what it is called.
        """
        # The path of a socket must be short.
        self.home = Path(tempfile.mkdtemp(prefix=f"mycred-{name}-"))
        self.port = freePort()
        self._process: subprocess.Popen[bytes] | None = None

    def commandLine(self) -> list[str]:
        """
        Return the command line that starts it.
        """
        raise NotImplementedError

    def popenOptions(self) -> dict[str, Any]:
        """
        Return further arguments of C{Popen}.
        """
        return {"cwd": self.home}

    def answers(self) -> bool:
        """
        Return whether it answers.
        """
        raise NotImplementedError

    def start(self) -> None:
        """
        Start it, on the port that it had, and wait until it answers.
        """
        process = begin(self.commandLine(), self.home, **self.popenOptions())
        self._process = process
        self._lifeline = Lifeline(self.home, process.pid)
        awaitAnswer(process, self.home, self.answers)

    def kill(self) -> None:
        """
        End it at once (SIGKILL), with all its connections; L{start} starts it again.
        """
        if self._process is None:
            return
        # One that it starts meanwhile would keep its memory in use.
        self._startNone()
        pids = self._pids()
        self._signal(signal.SIGKILL)
        process, self._process = self._process, None
        process.wait()
        _await(pids, _ENDED)
        self._lifeline.cut()

    def stop(self) -> None:
        """
        End it, and remove its files.
        """
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def freeze(self) -> None:
        """
        Stop all its processes (SIGSTOP), and wait until they have stopped: connections
        stay open, and nothing answers.
        """
        # One that it starts meanwhile would go on, and be waited for.
        self._startNone()
        self._signal(signal.SIGSTOP)
        _await(self._pids(), {"T", *_ENDED})

    def thaw(self) -> None:
        """
        Let its processes go on (SIGCONT).
        """
        self._signal(signal.SIGCONT)

    def restore(self) -> bool:
        """
        Have it work again after a test that has killed it, or has stopped its processes.

        @return: whether it works.
        """
        if self._process is None:
            self.start()
        else:
            self.thaw()
        return True

    def children(self) -> list[int]:
        """
        Return the pids of the processes that it has started.
        """
        if self._process is None:
            return []
        with suppress(OSError):
            path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
            return [int(pid) for pid in Path(path).read_text().split()]
        return []

    def _startNone(self) -> None:
        """
        Stop the process that starts the others, and wait until it has stopped.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        _await([self._process.pid], {"T", *_ENDED})

    def _signal(self, number: int) -> None:
        """
        Send a signal to all its processes.
        """
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        """
        Return the pids of all its processes.
        """
        assert self._process is not None
        return [self._process.pid, *self.children()]


def begin(command: Sequence[str], home: Path, **more: Any) -> subprocess.Popen[bytes]:
    """
    Start a server, whose output is kept in its home directory.

    @param more: further arguments of C{Popen}.
    """
    with _outputIn(home).open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **more,
        )


def awaitAnswer(
    process: subprocess.Popen[bytes], home: Path, answers: Callable[[], bool]
) -> None:
    """
    Wait until a server answers.

    @param process: what L{begin} has returned.

    @raise AssertionError: if it ends, or doesn't answer within three minutes.
    """
    until = time.monotonic() + _LONGEST_START
    while not answers():
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SHORT)
        if process.poll() is not None or time.monotonic() > until:
            said = _outputIn(home).read_text(errors="replace")
            raise AssertionError(f"{home.name} doesn't start: {said}")


def _outputIn(home: Path) -> Path:
    """
    Return the path of what a server says.
    """
    return home / "output"


def atExit(end: Callable[[], object]) -> None:
    """
    Have a function called when this process ends, and not when a child of it does.
    """
    owner = os.getpid()
    atexit.register(lambda: end() if os.getpid() == owner else None)


def freePort() -> int:
    """
    Return a port that no program listens on, and that none gets for a connection while
    the server is down.
    """
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def _await(pids: Iterable[int], wanted: Set[str]) -> None:
    """
    Wait until all threads of these processes are in one of these states, or gone.
    """
    while not all(_states(pid) <= wanted for pid in pids):
        time.sleep(_SHORT)


def _states(pid: int) -> set[str]:
    """
    Return the states of the threads of a process (proc(5)).
    """
    states = set()
    for path in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            # The name of the program, in parentheses, may have anything in it.
            states.add(path.read_text().rpartition(")")[2].split()[0])
    return states


__all__ = ["Daemon", "atExit", "awaitAnswer", "begin", "freePort"]
