"""
A real Redis server on this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import ClassVar

from twisted.trial.unittest import SkipTest

from .databases import atExit, freePort
from .examples import EXAMPLES
from .lifeline import Lifeline
from .starting import awaitAnswer, begin

#: The example of what a server has in its settings, for the user and the password there.
EXAMPLE = EXAMPLES / "redis-myapp.conf"

#: The user whom tests make, with what it may do by the example, and the password.
USER, PASSWORD = "myapp", "for the server"
RULES = EXAMPLE.read_text("utf-8").partition("user myapp on >change-this ")[2]
RULES = RULES.partition("\n")[0]


class RedisServer:
    """
    A server, whose data is in memory.

    @ivar port: its port on 127.0.0.1.
    @ivar socket: the path of its socket.
    """

    shared: ClassVar[dict[str, RedisServer]] = {}

    def __init__(self, *settings: str) -> None:
        """
        Start it.

        @param settings: settings of the server beyond those that it has here, each
            C{--name} followed by values.
        """
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise SkipTest("install redis-server")
        self._program, self._settings = program, settings
        self.home = Path(tempfile.mkdtemp(prefix="mycred-redis-"))
        self.socket = str(self.home / "s")
        self.port = freePort()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @classmethod
    def of(cls, purpose: str = "") -> RedisServer:
        """
        Return the server that the tests of a run share.

        @param purpose: what it is for, if these tests freeze or kill it; all others
            share one that they mustn't stop.
        """
        if purpose not in cls.shared:
            cls.shared[purpose] = server = cls()
            atExit(server.stop)
        return cls.shared[purpose]

    @property
    def url(self) -> str:
        """
        Its URL.
        """
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """
        Start it, on the port that it had, and wait until it answers.
        """
        command = [self._program, "--bind", "127.0.0.1", "--dir", str(self.home)]
        command += ["--port", str(self.port), "--unixsocket", self.socket]
        command += ["--appendonly", "no", "--save", "", *self._settings]
        self._process = process = begin(command, self.home, cwd=self.home)
        self._lifeline = Lifeline(self.home, process.pid)
        awaitAnswer(process, self.home, self._answers)

    def kill(self) -> None:
        """
        End it at once (SIGKILL), with all that it knows; L{start} starts it again.
        """
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._lifeline.cut()

    def stop(self) -> None:
        """
        End it, and remove its files.
        """
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def freeze(self) -> None:
        """
        Stop it (SIGSTOP), and wait until it has stopped: connections stay open, and
        nothing answers.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """
        Let it go on (SIGCONT).
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restore(self) -> None:
        """
        Have it work again after a test that has killed or stopped it.
        """
        if self._process is None:
            self.start()
        else:
            self.thaw()

    def command(self, *words: str | bytes) -> bytes:
        """
        Have it execute a command, as its administrator.

        @return: its reply, as it came.
        """
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(30)
            connection.connect(self.socket)
            pieces = [w if isinstance(w, bytes) else w.encode() for w in words]
            sent = b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in pieces)
            connection.sendall(b"*%d\r\n%b" % (len(pieces), sent))
            # What comes after the reply to this is no part of it.
            connection.sendall(b"*2\r\n$4\r\nECHO\r\n$8\r\n the end\r\n")
            reply = b""
            while not reply.endswith(b"$8\r\n the end\r\n"):
                received = connection.recv(65536)
                if not received:
                    return reply
                reply += received
            return reply.removesuffix(b"$8\r\n the end\r\n")

    def _answers(self) -> bool:
        """
        Return whether it answers.
        """
        with closing(socket.socket(socket.AF_UNIX)) as connection, suppress(OSError):
            connection.connect(self.socket)
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        return False


__all__ = ["EXAMPLE", "PASSWORD", "RULES", "USER", "RedisServer"]
