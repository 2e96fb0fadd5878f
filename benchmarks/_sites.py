"""
A web site behind HTTP Basic, with a port for each way to check passwords, in a process of
its own, and clients that ask for its page.
"""

from __future__ import annotations

import socket
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import bcrypt

import twisted.cred.checkers
import twisted.cred.portal
from twisted.web import guard
from twisted.web.resource import IResource
from twisted.web.server import Site
from twisted.web.static import Data

from mycred.checkers import FilePasswordDB, HtpasswdChecker
from mycred.portal import Portal
from mycred.stack import CheckerStack, LoginCache
from mycred.web import HTTPAuthSessionWrapper

from ._serving import listen, servingBy

PASSWORD = b"sesame"

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %b\r\n\r\n"


def _theirs(portal: Any) -> Any:
    """
    Return Twisted's guard.
    """
    return guard.HTTPAuthSessionWrapper(portal, [guard.BasicCredentialFactory(b"x")])


def _ours(portal: Any) -> Any:
    """
    Return mycred's.
    """
    return HTTPAuthSessionWrapper(portal, [guard.BasicCredentialFactory(b"x")])


def _rehashed(name: bytes, password: bytes, stored: bytes) -> bytes:
    """
    Hash a password, as Twisted's C{FilePasswordDB} has it done.
    """
    return bcrypt.hashpw(password, stored)


class Way(NamedTuple):
    """
    A way to check passwords.

    @ivar name: what to call it.
    @ivar stored: what is stored for the password.
    @ivar site: makes the site of the path of the file.
    @ivar requests: how many requests a round has.
    """

    name: str
    stored: Callable[[], bytes]
    site: Callable[[str], Any]
    requests: int


def _hash() -> bytes:
    """
    Return a hash of the password.
    """
    return bcrypt.hashpw(PASSWORD, bcrypt.gensalt(10))


WAYS = (
    Way(
        "twisted.cred, bcrypt 10",
        _hash,
        lambda path: _theirs(
            twisted.cred.portal.Portal(
                _Realm(), [twisted.cred.checkers.FilePasswordDB(path, hash=_rehashed)]
            )
        ),
        20,
    ),
    Way(
        "twisted.cred, plain text",
        lambda: PASSWORD,
        lambda path: _theirs(
            twisted.cred.portal.Portal(
                _Realm(), [twisted.cred.checkers.FilePasswordDB(path)]
            )
        ),
        2000,
    ),
    Way(
        "mycred, plain text",
        lambda: PASSWORD,
        lambda path: _ours(Portal(_Realm(), [FilePasswordDB(path)])),
        2000,
    ),
    Way(
        "mycred, bcrypt 10, cache",
        _hash,
        lambda path: _ours(
            Portal(
                _Realm(),
                [CheckerStack([HtpasswdChecker(path)], cache=LoginCache(300))],
            )
        ),
        2000,
    ),
)


class _Realm:
    """
    A realm of one page.
    """

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Answer with it.
        """
        page = Data(b"hello", "text/plain")
        page.isLeaf = True
        return IResource, page, lambda: None


def serve(files: list[str]) -> None:
    """
    Serve in this process.

    @param files: the path of the file with the user, for each of L{WAYS}.
    """
    listen(Site(way.site(file)) for way, file in zip(WAYS, files))


@contextmanager
def serving(directory: Path) -> Iterator[list[int]]:
    """
    Serve in another process meanwhile.

    @param directory: for the files.

    @return: the port for each of L{WAYS}.
    """
    files = []
    for number, way in enumerate(WAYS):
        path = directory / f"users{number}"
        path.write_bytes(b"alice:" + way.stored() + b"\n")
        files.append(str(path))
    with servingBy("benchmarks._sites", files) as ports:
        yield ports


def _answer(client: socket.socket) -> None:
    """
    Read an answer.
    """
    said = b""
    while not said.endswith(b"\r\n\r\nhello"):
        more = client.recv(4096)
        if not more or not said.startswith(b"HTTP/1.1 200"[: len(said)]):
            sys.exit(f"the server answers {said!r}")
        said += more


def requests(port: int, number: int, clients: int) -> float:
    """
    Ask for the page, by so many connections that stay.  Each sends its next request when
    it has the answer to the last.

    @return: requests a second.
    """
    request = _REQUEST % b64encode(b"alice:" + PASSWORD)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    try:
        began = perf_counter()
        for client in connections:
            client.send(request)
        for asked in range(number):
            client = connections[asked % clients]
            _answer(client)
            if asked < number - clients:
                client.send(request)
        return number / (perf_counter() - began)
    finally:
        for client in connections:
            client.close()
