"""
Many runs of C{twistd} that begin at once: one process imports what they need, and forks.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from select import select
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# What forks: a message with the arguments of twistd, its directory, variables for its
# environment and two descriptors for its output is answered with its process ID; one with
# a process ID with its status, once it has ended.  Nothing is imported that installs a
# reactor: processes that share one's epoll would disturb each other.
_FORKING = """
import json, os, signal, socket, sys
import email.message, sqlite3
import bcrypt
import twisted.conch.ssh.keys, twisted.internet.endpoints, twisted.internet.ssl
import twisted.spread.pb, twisted.web.guard, twisted.web.server
import mycred.checkers, mycred.strcred
from twisted.scripts.twistd import run

assert "twisted.internet.reactor" not in sys.modules
sys.path[0] = os.getcwd()
if os.fork():
    os._exit(0)
asked = socket.socket(fileno=0)
while True:
    message, streams, _, _ = socket.recv_fds(asked, 1 << 20, 2)
    if not message:
        os._exit(0)
    given = json.loads(message)
    if isinstance(given, int):
        answer = os.waitstatus_to_exitcode(os.waitpid(given, 0)[1])
    else:
        answer = os.fork()
        if not answer:
            break
        for stream in streams:
            os.close(stream)
    asked.send(json.dumps(answer).encode())
arguments, directory, environment = given
os.chdir(directory)
asked.detach()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, stream in enumerate(streams, 1):
    os.dup2(stream, number)
    os.close(stream)
os.environ.update(environment)
sys.argv[1:] = arguments
run()
"""

# How long an answer may take, in seconds.
_PATIENCE = 60.0


@cache
def _forking() -> socket.socket:
    """
    Start what forks, as no child of this process, whose children some tests count.  It
    ends with this process.

    @return: a connection to it.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        subprocess.run([sys.executable, "-c", _FORKING], stdin=its, cwd=ROOT, check=True)
    ours.settimeout(_PATIENCE)
    return ours


def _ask(message: Any, *streams: int) -> Any:
    """
    Return the answer to a message.
    """
    socket.send_fds(_forking(), [json.dumps(message).encode()], streams)
    answer = _forking().recv(1024)
    if not answer:
        raise AssertionError("the process that forks has ended")
    return json.loads(answer)


class Twistd:
    """
    A C{twistd} that runs, with the methods of L{subprocess.Popen} that tests use.

    @ivar pid: its process ID.
    @ivar stdout: what it writes to either stream, unless that goes elsewhere.
    @ivar returncode: its status, once it is known.
    """

    def __init__(
        self,
        arguments: list[str],
        streams: tuple[int, int] | None = None,
        directory: str = str(ROOT),
        **environment: str,
    ) -> None:
        """
        @param streams: descriptors for its standard output and errors.
        @param directory: where it starts.
        @param environment: variables that it finds besides.
        """
        self.returncode: int | None = None
        reading, writing = os.pipe()
        self.stdout = os.fdopen(reading, "rb", buffering=0)
        self._said = b""
        try:
            given = streams or (writing, writing)
            self.pid: int = _ask([arguments, directory, environment], *given)
        finally:
            os.close(writing)

    def wait(self) -> int:
        """
        Return its status, once it has ended.
        """
        if self.returncode is None:
            self.returncode = _ask(self.pid)
        self.stdout.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """
        Send it a signal, unless its status is known.
        """
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """
        Kill it.
        """
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float) -> tuple[bytes, None]:
        """
        Return what it has written since, once it has ended.

        @raise subprocess.TimeoutExpired: if it hasn't ended in so many seconds.
        """
        deadline = time.monotonic() + timeout
        while select([self.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            said = self.stdout.read(65536)
            if not said:
                self.wait()
                return self._said, None
            self._said += said
        raise subprocess.TimeoutExpired("twistd", timeout)


def run(
    arguments: list[str], timeout: float, **environment: str
) -> subprocess.CompletedProcess[str]:
    """
    Return what a C{twistd} that ends has written, and its status.

    @param timeout: after how many seconds it is killed.
    """
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        twistd = Twistd(arguments, (out.fileno(), err.fileno()), **environment)
        watchdog = Timer(timeout, os.kill, [twistd.pid, signal.SIGKILL])
        watchdog.start()
        status = twistd.wait()
        watchdog.cancel()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, status, out.read(), err.read())
