"""
What a connection to a Redis server begins with, and a look at a server before there is a
reactor.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing
from time import monotonic

from ..._argstring import readableFile
from ._answers import NO_REDIS, Refused, refusalOf
from ._url import RedisURL

#: A command, with its arguments.
Command = tuple[bytes, ...]

# What OpenSSL says of a certificate by an authority that isn't known, as numbers.
_UNTRUSTED = (18, 19, 20, 21)

# No line that a server answers to a greeting is longer, in bytes.
_LONGEST_LINE = 1024


def greeting(url: RedisURL) -> Iterator[Command]:
    """
    Return the commands that log in to a server, and choose the database.
    """
    if url.password is not None:
        who = () if url.user is None else (url.user.encode("utf-8"),)
        yield b"AUTH", *who, url.password.encode("utf-8")
    if url.database:
        yield b"SELECT", b"%d" % url.database


def checkServer(url: RedisURL, claim: Command, timeout: float) -> None:
    """
    Greet a server, at once and in the caller's thread.

    @param claim: what it must do besides.
    @param timeout: how long it may take to connect, and to answer, in seconds.

    @raise ValueError: if it refuses that, and will until something is changed, or if the
        file of the authorities can't be used.
    @raise OSError: if it can't be asked now.
    """
    context = _contextOf(url)
    try:
        with closing(_connected(url, context, timeout)) as connection:
            until = monotonic() + timeout
            for command in (*greeting(url), claim):
                connection.sendall(encoded(command))
                _insistOnSuccess(_lineOf(connection, until))
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        if url.ca is None and error.verify_code in _UNTRUSTED:
            why += "; write the file of its authority into the URL, as ?ca=FILE"
        raise ValueError(f"its certificate can't be verified: {why}") from None
    except Refused as error:
        raise (ValueError if error.lasts else OSError)(str(error)) from None


def _contextOf(url: RedisURL) -> ssl.SSLContext | None:
    """
    Return what TLS takes; L{None} without TLS.

    @raise ValueError: if the file of the authorities can't be used.
    """
    if not url.isSecure:
        return None
    try:
        ca = None if url.ca is None else readableFile(url.ca)
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise ValueError(f"ca: {url.ca} holds no certificates in PEM") from None
    except ValueError as error:
        raise ValueError(f"ca: {error}") from None


def _connected(
    url: RedisURL, context: ssl.SSLContext | None, timeout: float
) -> socket.socket:
    """
    Return a connection.
    """
    if not url.host:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(url.path)
        except BaseException:
            connection.close()
            raise
        return connection
    connection = socket.create_connection((url.host, url.port), timeout)
    if context is None:
        return connection
    try:
        return context.wrap_socket(connection, server_hostname=url.host)
    except TimeoutError:
        connection.close()
        raise TimeoutError("it begins no TLS; redis:// is without") from None
    except BaseException:
        connection.close()
        raise


def encoded(command: Iterable[bytes]) -> bytes:
    """
    Return a command as it is sent.
    """
    pieces = [b"$%d\r\n%b\r\n" % (len(piece), piece) for piece in command]
    return b"*%d\r\n%b" % (len(pieces), b"".join(pieces))


def _lineOf(connection: socket.socket, until: float) -> bytes:
    """
    Return the line that a server answers.

    @param until: when it must be there.
    """
    line = b""
    while not line.endswith(b"\r\n") and len(line) < _LONGEST_LINE:
        left = until - monotonic()
        if left <= 0:
            raise TimeoutError("it doesn't answer")
        connection.settimeout(left)
        received = connection.recv(_LONGEST_LINE)
        if not received:
            raise ConnectionResetError("it closes the connection")
        line += received
    return line


def _insistOnSuccess(line: bytes) -> None:
    """
    Insist that a line says that something was done.

    @raise Refused: if it doesn't.
    """
    if line.startswith(b"-"):
        raise refusalOf(line[1:].decode("utf-8", "replace"))
    if not line.startswith(b"+"):
        raise Refused(NO_REDIS)


__all__ = ["Command", "checkServer", "encoded", "greeting"]
