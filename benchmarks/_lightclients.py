"""
Clients of IMAP4 that take as little processor time as they can, so that most of it is
left for the server: each login is a connection of its own, of which so many are under way
at a time, in one thread that waits for the oldest.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from typing import Any

from mycred._scram import ScramKeys
from tests.kit.sasl import keysOf

PASSWORD = b"sesame"

#: The keys of that password that all users have, so that they are computed once.
KEYS: ScramKeys = keysOf(PASSWORD)

_CLIENT_KEY = hmac.digest(
    hashlib.pbkdf2_hmac("sha256", PASSWORD, KEYS.salt, KEYS.iterations),
    b"Client Key",
    "sha256",
)
_STORED_KEY = hashlib.sha256(_CLIENT_KEY).digest()

_NONCE = b"r=clientnonce"


def _connect(port: int) -> socket.socket:
    """
    Connect to a server.
    """
    client = socket.socket()
    client.connect(("127.0.0.1", port))
    return client


def _heard(client: socket.socket, mark: bytes) -> bytes:
    """
    Return what the server says up to a mark.
    """
    said = b""
    while mark not in said:
        more = client.recv(4096)
        if not more:
            raise ConnectionError(f"the server has ended it: {said!r}")
        if b"a NO" in more or b"a BAD" in more:
            raise AssertionError(f"the server answers {more!r}")
        said += more
    return said


def _end(client: socket.socket) -> None:
    """
    Wait until the client is logged in, and leave.
    """
    _heard(client, b"a OK")
    client.close()


def plainLogins(port: int, names: list[bytes], atATime: int) -> None:
    """
    Log in with a password in clear text.
    """

    def begin(name: bytes) -> socket.socket:
        client = _connect(port)
        client.send(b"a LOGIN %b %b\r\n" % (name, PASSWORD))
        return client

    _pipelined(names, atATime, [begin, _end])


def scramLogins(port: int, names: list[bytes], atATime: int) -> None:
    """
    Log in by SCRAM-SHA-256.
    """

    def begin(name: bytes) -> tuple[socket.socket, bytes]:
        client = _connect(port)
        first = b64encode(b"n,,n=%b,%b" % (name, _NONCE))
        client.send(b"a AUTHENTICATE SCRAM-SHA-256 %b\r\n" % first)
        return client, name

    def prove(login: tuple[socket.socket, bytes]) -> socket.socket:
        client, name = login
        said = _heard(client, b"\r\n+ ")
        challenge = b64decode(said.rpartition(b"\r\n+ ")[2])
        bare = b"c=biws," + challenge.partition(b",")[0]
        text = b"n=%b,%b,%b,%b" % (name, _NONCE, challenge, bare)
        signature = hmac.digest(_STORED_KEY, text, "sha256")
        proof = (
            int.from_bytes(_CLIENT_KEY, "big") ^ int.from_bytes(signature, "big")
        ).to_bytes(32, "big")
        # The empty line answers the server's proof, which isn't waited for.
        client.send(b64encode(b"%b,p=%b" % (bare, b64encode(proof))) + b"\r\n\r\n")
        return client

    _pipelined(names, atATime, [begin, prove, _end])


def _pipelined(
    names: list[bytes], atATime: int, steps: list[Callable[[Any], Any]]
) -> None:
    """
    Have so many logins under way at a time.

    @param steps: what is done with each login, first with its name and then with what the
        step before has returned.
    """
    waiting = [deque[Any]() for _ in steps[1:]]
    most = atATime // len(waiting)

    def do(number: int, what: Any) -> None:
        after = steps[number](what)
        if number < len(waiting):
            waiting[number].append(after)
            goOn(number, most)

    def goOn(number: int, left: int) -> None:
        while len(waiting[number]) > left:
            do(number + 1, waiting[number].popleft())

    for name in names:
        do(0, name)
    for number in range(len(waiting)):
        goOn(number, 0)
