"""
Clients of mail servers that speak TLS, and say what no library would.  They block: a test
runs them in a thread.
"""

from __future__ import annotations

import socket
import ssl
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from tests.kit.scramp import scrampClient

# How long anything may take before the test gives up, in seconds.
PATIENCE = 20

# What a client asks for TLS by, and how the answer begins.
STARTTLS = {
    "imap": (b"s STARTTLS", b"s OK "),
    "pop3": (b"STLS", b"+OK "),
    "smtp": (b"STARTTLS", b"220 "),
}


def trusting(
    authority: Path,
    certificate: tuple[Path, Path] | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    """
    Return the TLS of a client.

    @param authority: the certificate of the authority that it trusts.
    @param certificate: its own certificate, and the key.
    @param version: the version of TLS that it speaks.
    """
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = context.maximum_version = version
    if certificate is not None:
        context.load_cert_chain(*map(str, certificate))
    return context


class MailClient:
    """
    A connection to a server.

    @ivar socket: its socket, as it is now.
    """

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        """
        @param context: the TLS to begin with; L{None} to begin in the clear.
        """
        self.socket: Any = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._read = b""
        if context is not None:
            self.secure(context)

    def __enter__(self) -> MailClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def secure(self, context: ssl.SSLContext) -> None:
        """
        Go on with TLS.
        """
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, data: bytes) -> None:
        """
        Send bytes.
        """
        self.socket.sendall(data)

    def line(self) -> bytes:
        """
        Read a line, without its end.

        @raise EOFError: if the connection has ended.
        """
        while b"\r\n" not in self._read:
            data = self.socket.recv(4096)
            if not data:
                raise EOFError(self._read)
            self._read += data
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def ask(self, line: bytes) -> bytes:
        """
        Send a line, and read one.
        """
        self.send(line + b"\r\n")
        return self.line()

    def until(self, beginning: bytes) -> list[bytes]:
        """
        Read lines up to one that begins so.
        """
        lines = [self.line()]
        while not lines[-1].startswith(beginning):
            lines.append(self.line())
        return lines

    def startTLS(self, protocol: str, context: ssl.SSLContext) -> None:
        """
        Ask for TLS, and go on with it.
        """
        command, answer = STARTTLS[protocol]
        said = self.ask(command)
        if not said.startswith(answer):
            raise AssertionError(said)
        self.secure(context)

    def bound(
        self,
        dialect: Any,
        binding: Any,
        password: str = "sesame",
        mechanism: str = "SCRAM-SHA-256-PLUS",
    ) -> bytes:
        """
        Log in by SCRAM as a client that can bind a login to TLS.

        @param dialect: the L{tests.kit.mailservers.Dialect}.
        @param binding: the name of the channel binding, and its data or the socket.
        @param mechanism: the mechanism; one that binds nothing says that the server
            offers none that does.

        @return: the last answer.
        """
        client = scrampClient(mechanism, "alice", password, channel_binding=binding)
        first = client.get_client_first().encode()
        said = self.ask(dialect.auth(mechanism.encode(), first))
        if not dialect.isChallenge(said):
            return said
        client.set_server_first(dialect.challenge(said).decode())
        said = self.ask(b64encode(client.get_client_final().encode()))
        if not dialect.isChallenge(said):
            return said
        client.set_server_final(b64decode(said.split(b" ")[1]).decode())
        return self.ask(b"")
