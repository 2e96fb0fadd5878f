"""
Logins by keys in a file: 1, 100 and 10,000 of them, the right one last; and whole logins
by C{ssh}, key exchange included.

The limit is the signature alone, verified one after another in one thread.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from zope.interface import implementer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twisted.conch import checkers as theirs
from twisted.conch.avatar import ConchUser
from twisted.conch.interfaces import IConchUser, ISession
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.session import SSHSession
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.utils import getProcessValue
from twisted.logger import globalLogBeginner
from twisted.python.components import registerAdapter
from twisted.python.fakepwd import UserDatabase

from mycred import conch, portal
from mycred.checkers import sshkeys as ours
from mycred.credentials import SSHPrivateKey

from ._lag import measured, underReactor

# For each size, how many logins a round has, and what is to be reached.
SIZES = {1: (1000, 0.9), 100: (500, 6.0), 10_000: (100, 100.0)}

CLIENTS, ROUNDS = 20, 5

# The same for whole logins: each costs a process of ssh.
SSH_LOGINS, SSH_CLIENTS, SSH_GOAL = 40, 4, 1.0


def limit(credentials: Any, logins: int) -> float:
    """
    Verify signatures, and nothing else.

    @return: how many a second.
    """
    key: Any = Key.fromString(credentials.blob, type="blob")
    began = perf_counter()
    for _ in range(logins):
        assert key.verify(credentials.signature, credentials.sigData)
    return logins / (perf_counter() - began)


def repeat(count: int, clients: int, act: Callable[[], Any]) -> Any:
    """
    Have clients do something again and again.

    @param count: how often it is done in all.
    """

    async def client() -> None:
        for _ in range(count // clients):
            await act()

    return gatherResults([Deferred.fromCoroutine(client()) for _ in range(clients)])


def writeKeys(directory: Path, size: int) -> Any:
    """
    Write an authorized_keys file whose last key is returned.
    """
    made: list[Any] = [Key(Ed25519PrivateKey.generate()) for _ in range(size)]
    lines = [key.public().toString("openssh") for key in made]
    (directory / ".ssh" / "authorized_keys").write_bytes(b"\n".join(lines) + b"\n")
    return made[-1]


def makeCheckers(directory: Path) -> dict[str, Any]:
    """
    Return conch's checker and mycred's, by their names, for a user alice.
    """
    users = UserDatabase()
    home = str(directory)
    users.addUser("alice", "x", os.geteuid(), os.getegid(), "", home, "/bin/sh")
    return {
        "theirs": theirs.SSHPublicKeyChecker(theirs.UNIXAuthorizedKeysFiles(users)),
        "ours": ours.SSHPublicKeyChecker(ours.UNIXAuthorizedKeysFiles(users)),
    }


@inlineCallbacks
def compare(reactor: Any, size: int, directory: Path) -> Any:
    """
    Measure both checkers with a file, and print.
    """
    logins, goal = SIZES[size]
    key = writeKeys(directory, size)
    credentials = SSHPrivateKey(
        b"alice", b"ssh-ed25519", key.public().blob(), b"data", key.sign(b"data")
    )
    contestants = makeCheckers(directory)
    found: dict[str, list[Any]] = {name: [] for name in contestants}
    most = []
    for _ in range(ROUNDS):
        most.append(limit(credentials, 500))
        for name, checker in contestants.items():
            # Twisted's takes its time.
            count = CLIENTS if name == "theirs" and size > 100 else logins
            logIn = partial(checker.requestAvatarId, credentials)
            work = partial(repeat, count, CLIENTS, logIn)
            seconds, p99, _ = yield measured(reactor, work)
            found[name].append((count / seconds, p99))
    show(f"{size:6}", found, goal, f"{median(most):9.1f}/s")


@implementer(IRealm)
class Realm:
    """
    A realm of users who can run anything, which does nothing.

    @ivar logins: how many there were.
    """

    def __init__(self) -> None:
        self.logins = 0

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """
        Return an avatar.
        """
        self.logins += 1
        user = ConchUser()
        user.channelLookup[b"session"] = SSHSession
        return IConchUser, user, lambda: None


@implementer(ISession)
class Session:
    """
    A session that ends as soon as something is to be run.
    """

    def __init__(self, avatar: Any) -> None:
        pass

    def execCommand(self, proto: Any, command: bytes) -> None:
        """
        End.
        """
        proto.loseConnection()

    def openShell(self, proto: Any) -> None:
        """
        End.
        """
        proto.loseConnection()

    def getPty(self, term: Any, windowSize: Any, modes: Any) -> None:
        """
        Do nothing.
        """

    def windowChanged(self, newWindowSize: Any) -> None:
        """
        Do nothing.
        """

    def eofReceived(self) -> None:
        """
        Do nothing.
        """

    def closed(self) -> None:
        """
        Do nothing.
        """


registerAdapter(Session, ConchUser, ISession)


def factories(realm: Realm, directory: Path) -> Iterator[tuple[str, Any]]:
    """
    Return conch's server and mycred's, with their names.
    """
    checkers = makeCheckers(directory)
    hostKey: Any = Key(Ed25519PrivateKey.generate())
    theirFactory: Any = SSHFactory()
    theirFactory.portal = Portal(realm, [checkers["theirs"]])
    theirFactory.privateKeys = {b"ssh-ed25519": hostKey}
    theirFactory.publicKeys = {b"ssh-ed25519": hostKey.public()}
    yield "theirs", theirFactory
    yield (
        "ours",
        conch.SSHFactory(portal.Portal(realm, [checkers["ours"]]), [hostKey]),
    )


@inlineCallbacks
def compareWhole(reactor: Any, directory: Path) -> Any:
    """
    Measure whole logins by C{ssh} at both servers, and print.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        print("   ssh: install openssh-client")
        return
    private = directory / "key"
    private.write_bytes(writeKeys(directory, 1).toString("openssh"))
    private.chmod(0o600)
    realm = Realm()
    ports = {
        name: reactor.listenTCP(0, factory, interface="127.0.0.1")
        for name, factory in factories(realm, directory)
    }
    found: dict[str, list[Any]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, listening in ports.items():
            # Whatever else the client could do takes it longer than the server.
            words = [
                *("-F/dev/null", "-oBatchMode=yes", "-oIdentityAgent=none"),
                *("-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"),
                *("-oKexAlgorithms=curve25519-sha256", "-oLogLevel=ERROR"),
                *("-i", str(private), "-p", str(listening.getHost().port)),
                *("alice@127.0.0.1", "true"),
            ]
            before = realm.logins
            logIn = partial(getProcessValue, ssh, words, os.environ)
            work = partial(repeat, SSH_LOGINS, SSH_CLIENTS, logIn)
            seconds, p99, _ = yield measured(reactor, work)
            assert realm.logins - before == SSH_LOGINS, "a login was refused"
            found[name].append((SSH_LOGINS / seconds, p99))
    for listening in ports.values():
        yield listening.stopListening()
    show("   ssh", found, SSH_GOAL, f"{'':11}")


def show(what: str, found: dict[str, list[Any]], goal: float, most: str) -> None:
    """
    Print a row.

    @param found: by the name of a contestant, for each round the rate and the lag.
    """
    rates = {name: median(rate for rate, _ in found[name]) for name in found}
    lags = {name: median(lag for _, lag in found[name]) for name in found}
    ratio = median(
        mine / other for (mine, _), (other, _) in zip(found["ours"], found["theirs"])
    )
    print(
        f"{what} {rates['theirs']:9.1f}/s {rates['ours']:9.1f}/s {ratio:7.2f} "
        f"{goal:6.1f} {most} {lags['theirs']:8.1f} ms "
        f"{lags['ours']:6.1f} ms{' MISSED' if ratio < goal else ''}"
    )


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of them.
    """
    # As in a server: what is logged isn't kept until somebody wants it.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    print(f"Logins by Ed25519 keys in a file, {CLIENTS} at a time, the right key last;")
    print(f"whole logins by ssh, {SSH_CLIENTS} at a time")
    print(
        "  keys    twisted      mycred    ratio   goal signatures lag p99: twisted mycred"
    )
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        directory = Path(name)
        (directory / ".ssh").mkdir()
        for size in SIZES:
            yield compare(reactor, size, directory)
        yield compareWhole(reactor, directory)


def main() -> None:
    """
    Print logins a second, their ratio, and the lag.
    """
    underReactor(run)
