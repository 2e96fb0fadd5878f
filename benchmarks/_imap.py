"""
An IMAP4 server with one port for each way to log in, in a process of its own, and clients
that log in to it.
"""

from __future__ import annotations

import asyncio
import hmac
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from twisted.internet.protocol import Factory
from twisted.mail.imap4 import IAccount, MemoryAccount

from mycred._scram import written
from mycred.checkers import FilePasswordDB, HtpasswdChecker
from mycred.hashes import make
from mycred.mail import IMAP4Server
from mycred.portal import Portal
from tests.kit.sasl import ScramClient, keysOf

from ._serving import listen, servingBy

# As many names as there are logins in a round: two of one name at a time would be
# verified once.
USERS = 500

PASSWORD = b"sesame"

Answer = Callable[[bytes], bytes]


class Way(NamedTuple):
    """
    A way to log in.

    @ivar mechanism: the name of the mechanism.
    @ivar store: what to call the store.
    @ivar stored: makes what is stored for each user.
    @ivar checker: the class of the checker.
    @ivar client: makes what answers challenges for a user.
    @ivar logins: how many logins a round has.
    """

    mechanism: str
    store: str
    stored: Callable[[], bytes]
    checker: Callable[[str], Any]
    client: Callable[[bytes], Answer]
    logins: int


def _scram(name: bytes) -> Answer:
    """
    Return what answers for a user by SCRAM.
    """
    return ScramClient(name=name, password=PASSWORD).answer


def _cram(name: bytes) -> Answer:
    """
    Return what answers for a user by CRAM-MD5.
    """
    return lambda challenge: (
        b"%b %b"
        % (
            name,
            hmac.new(PASSWORD, challenge, "md5").hexdigest().encode("ascii"),
        )
    )


def _plain(name: bytes) -> Answer:
    """
    Return what answers for a user by PLAIN.
    """
    return lambda challenge: b"\0%b\0%b" % (name, PASSWORD)


# Keys of one round serve as well as others: it is the client that computes them.
WAYS = (
    Way(
        "SCRAM-SHA-256",
        "keys",
        lambda: written(keysOf(PASSWORD)),
        HtpasswdChecker,
        _scram,
        USERS,
    ),
    Way("CRAM-MD5", "plain text", lambda: PASSWORD, FilePasswordDB, _cram, USERS),
    Way(
        "PLAIN",
        "keys",
        lambda: written(keysOf(PASSWORD, count=4096)),
        HtpasswdChecker,
        _plain,
        USERS,
    ),
    Way(
        "PLAIN",
        "bcrypt 10",
        lambda: make(PASSWORD, cost=10),
        HtpasswdChecker,
        _plain,
        60,
    ),
)


class _Realm:
    """
    A realm of empty mailboxes.
    """

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Answer with one.
        """
        return IAccount, MemoryAccount(avatarId), lambda: None


class _Server(IMAP4Server):
    """
    A connection.
    """

    def __init__(self, portal: Portal) -> None:
        super().__init__()
        self.portal = portal


class _Factory(Factory):
    """
    Builds a connection.
    """

    noisy = False

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def buildProtocol(self, addr: object) -> IMAP4Server:
        """
        Build a connection.
        """
        server = _Server(self._portal)
        server.factory = self
        return server


def serve(files: list[str]) -> None:
    """
    Serve in this process.

    @param files: the path of the file with the users, for each of L{WAYS}.
    """
    listen(
        _Factory(Portal(_Realm(), [way.checker(file)])) for way, file in zip(WAYS, files)
    )


@contextmanager
def serving(directory: Path) -> Iterator[list[int]]:
    """
    Serve in another process meanwhile.

    @param directory: for the files of users.

    @return: the port for each of L{WAYS}.
    """
    files = []
    for number, way in enumerate(WAYS):
        stored = way.stored()
        lines = [b"user%d:%b\n" % (user, stored) for user in range(USERS)]
        path = directory / f"users{number}"
        path.write_bytes(b"".join(lines))
        files.append(str(path))
    with servingBy("benchmarks._imap", files) as ports:
        yield ports


async def logIn(port: int, way: Way, name: bytes) -> None:
    """
    Log in once, by a connection of its own.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readline()
        answer = way.client(name)
        writer.write(b"a AUTHENTICATE %b\r\n" % way.mechanism.encode("ascii"))
        while (line := await reader.readline()).startswith(b"+"):
            writer.write(b64encode(answer(b64decode(line[2:]))) + b"\r\n")
        if not line.startswith(b"a OK"):
            sys.exit(f"the server answers {line!r}")
    finally:
        writer.close()


async def offered(port: int, way: Way) -> None:
    """
    Wait until the server has read its file, and offers a mechanism.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    line = await reader.readline()
    while f"AUTH={way.mechanism}" not in line.decode("ascii").split():
        await asyncio.sleep(0.05)
        writer.write(b"a CAPABILITY\r\n")
        line = await reader.readline()
        await reader.readline()
    writer.close()


async def logins(port: int, way: Way, clients: int) -> float:
    """
    Log in with so many clients at a time.

    @return: logins a second.
    """
    names = iter([b"user%d" % number for number in range(way.logins)])

    async def client() -> None:
        for name in names:
            await logIn(port, way, name)

    await offered(port, way)
    began = perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return way.logins / (perf_counter() - began)
