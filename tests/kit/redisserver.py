"""
A real Redis server on this machine.
"""

from __future__ import annotations

import shutil
import socket
from contextlib import closing, suppress
from typing import ClassVar

from twisted.trial.unittest import SkipTest

from .daemons import Daemon, atExit
from .examples import EXAMPLES

#: The example of what a server has in its settings, for the user and the password there.
EXAMPLE = EXAMPLES / "redis-myapp.conf"

#: The user whom tests make, with what it may do by the example, and the password.
USER, PASSWORD = "myapp", "for the server"
RULES = EXAMPLE.read_text("utf-8").partition("user myapp on >change-this ")[2]
RULES = RULES.partition("\n")[0]


class RedisServer(Daemon):
    """
    A server, whose data is in memory.

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
        super().__init__("redis")
        self._program, self._settings = program, settings
        self.socket = str(self.home / "s")
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

    def commandLine(self) -> list[str]:
        """
        Return the command line that starts it.
        """
        where = "--bind", "127.0.0.1", "--port", str(self.port)
        files = "--dir", str(self.home), "--unixsocket", self.socket
        memory = "--appendonly", "no", "--save", ""
        return [self._program, *where, *files, *memory, *self._settings]

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

    def answers(self) -> bool:
        """
        Return whether it answers.
        """
        with closing(socket.socket(socket.AF_UNIX)) as connection, suppress(OSError):
            connection.connect(self.socket)
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        return False


__all__ = ["EXAMPLE", "PASSWORD", "RULES", "USER", "RedisServer"]
