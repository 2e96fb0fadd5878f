"""
Proxies: one that tells the server behind it where its clients are, as HAProxy does
(U{the PROXY protocol<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>}), and
one that stands before a database, and loses its answers.
"""

from __future__ import annotations

import re
import select
import socket
import struct
from contextlib import suppress
from socket import AF_INET6, inet_pton
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any


class _Relay(BaseRequestHandler):
    """
    A connection through the proxy.
    """

    def handle(self) -> None:
        """
        Pass on what either end sends, after the header.
        """
        proxy: Any = self.server
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", proxy.target)) as target,
        ):
            target.sendall(proxy.header)
            ends = {self.request: target, target: self.request}
            while True:
                for one in select.select(list(ends), [], [])[0]:
                    data = one.recv(65536)
                    if not data or (one is not target and proxy.cuts(data, target)):
                        return
                    ends[one].sendall(data)


class Proxy(ThreadingTCPServer):
    """
    A proxy on a port of its own.

    @ivar port: the port.
    """

    daemon_threads = True
    # Who waits for an end that a client leaves open waits for ever.
    block_on_close = False

    def __init__(self, target: int, header: bytes = b"") -> None:
        """
        @param target: the port of the server behind it.
        @param header: what it tells that server first.
        """
        super().__init__(("127.0.0.1", 0), _Relay)
        self.target = target
        self.header = header
        self.port: int = self.server_address[1]
        self._thread = Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def cuts(self, data: bytes, target: socket.socket) -> bool:
        """
        Return whether to end a connection, for what its client sends.

        @param target: the connection to the server.
        """
        return False

    def stop(self) -> None:
        """
        Take no more connections.
        """
        self.shutdown()
        self.server_close()
        self._thread.join()


class CuttingProxy(Proxy):
    """
    A proxy before a database that ends a connection at the end of a transaction: before
    the server is told to commit, or before its answer is passed on.

    @ivar isArmed: whether it does so once more.
    @ivar isTold: whether the server is told.
    """

    isArmed = isTold = False

    def __init__(self, target: int, statement: bytes) -> None:
        """
        @param target: the port of the database server.
        @param statement: a regular expression for a statement in the transaction.
        """
        self._pattern = re.compile(statement, re.IGNORECASE)
        self._found: set[socket.socket] = set()
        super().__init__(target)

    def cuts(self, data: bytes, target: socket.socket) -> bool:
        """
        Return whether to end a connection.
        """
        if self._pattern.search(data):
            self._found.add(target)
        if not re.search(rb"(?i)\bcommit\b", data):
            return False
        isFound = target in self._found
        self._found.discard(target)
        if not self.isArmed or not isFound:
            return False
        self.isArmed = False
        if self.isTold:
            target.sendall(data)
            target.recv(65536)
        return True


#: What a proxy says of a client, in both versions of the protocol, and its address.
HEADERS = [
    (b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n", "192.0.2.7"),
    (b"PROXY TCP6 ::ffff:192.0.2.8 ::1 40000 25\r\n", "192.0.2.8"),
    (b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n", "2001:db8::7"),
    (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
        + inet_pton(AF_INET6, "::ffff:192.0.2.9")
        + inet_pton(AF_INET6, "::1")
        + struct.pack(">HH", 40000, 25),
        "192.0.2.9",
    ),
]
