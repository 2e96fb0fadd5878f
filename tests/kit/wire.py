"""
Clients that say what no library would.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from select import select
from typing import Any

from .server import PATIENCE, Server

# What makes no sense in any protocol of lines.
JUNK = [
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe\xfd",
    b"\x80 \x81",
    b"\xc3\xbc",
    b"GET / HTTP/1.1",
    b"a" * 1000,
    b"%s %n %d",
    b"{3}",
    b"(((((((",
    b'"',
    b"\\",
]

# Numbers that aren't those of messages.
NUMBERS = [b"0", b"-1", b"99", b"99999999999999999999", b"1.5", b"0x1", b"x", b"\xb2"]


class Wire:
    """
    A connection on which anything can be said.
    """

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._lines = self.sock.makefile("rb")
        self.greeting = self.line()

    def close(self) -> None:
        """
        Hang up.
        """
        self._lines.close()
        self.sock.close()

    def say(self, *lines: bytes) -> None:
        """
        Send lines.
        """
        self.sock.sendall(b"".join(line + b"\r\n" for line in lines))

    def send(self, data: bytes) -> None:
        """
        Send what is no line.
        """
        self.sock.sendall(data)

    def line(self) -> bytes:
        """
        Read a line, without its end.

        @raise EOFError: if the connection has ended.
        """
        line = self._lines.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(line)
        return line[:-2]

    def isQuiet(self) -> bool:
        """
        Return whether the server has sent nothing that wasn't read.
        """
        return not select([self.sock], [], [], 0)[0]

    def octets(self, count: int) -> bytes:
        """
        Read so many bytes.
        """
        return self._lines.read(count)

    def ask(self, line: bytes) -> bytes:
        """
        Send a line, and read one.
        """
        self.say(line)
        return self.line()

    def until(self, start: bytes) -> list[bytes]:
        """
        Read lines up to one that begins so.
        """
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        return lines


class WireTests:
    """
    What tests on the wire have in common.

    @cvar protocol: the protocol.
    """

    protocol: str
    server: Server

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        people = {"alice": "sesame", "al ice": 'pa"ss\\w rd', "bob": "tulip"}
        auth = self.passwords(**people)
        self.server = self.start(auth, offered=self.protocol)

    def wire(self: Any) -> Wire:
        """
        Connect.
        """
        wire = Wire(self.server.ports[self.protocol])
        self.addCleanup(wire.close)
        return wire

    def assertQuiet(self: Any, *secrets: str) -> None:
        """
        Stop the server, and assert that its log holds no traceback and no secret.
        """
        self.server.stop()
        for word in ("Traceback", "Unhandled", "Error", *secrets):
            self.assertNotIn(word, self.server.log)


def coded(*parts: bytes) -> bytes:
    """
    Write an answer of the mechanism PLAIN.
    """
    return b64encode(b"\0".join(parts))
