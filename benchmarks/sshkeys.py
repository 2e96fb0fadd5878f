"""
Logins by keys in a file: 1, 100 and 10,000 of them, the right one last.

The limit is the signature alone, verified one after another in one thread.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twisted.conch import checkers as theirs
from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.logger import globalLogBeginner
from twisted.python.fakepwd import UserDatabase

from mycred.checkers import sshkeys as ours
from mycred.credentials import SSHPrivateKey

from ._lag import measured, underReactor

# For each size, how many logins a round has, and what is to be reached.
SIZES = {1: (1000, 1.1), 100: (500, 8.0), 10_000: (100, 100.0)}

CLIENTS, ROUNDS = 20, 5


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


def logIn(checker: Any, credentials: Any, logins: int) -> Any:
    """
    Have clients log in, each again and again.
    """

    async def client() -> None:
        for _ in range(logins // CLIENTS):
            await checker.requestAvatarId(credentials)

    return gatherResults([Deferred.fromCoroutine(client()) for _ in range(CLIENTS)])


@inlineCallbacks
def compare(reactor: Any, size: int, folder: Path) -> Any:
    """
    Measure both with a file, and print.
    """
    logins, goal = SIZES[size]
    key: Any = Key(Ed25519PrivateKey.generate())
    public: Any = key.public()
    others = []
    for _ in range(size - 1):
        other: Any = Key(Ed25519PrivateKey.generate()).public()
        others.append(other.toString("openssh"))
    lines = [*others, public.toString("openssh")]
    (folder / ".ssh" / "authorized_keys").write_bytes(b"\n".join(lines) + b"\n")
    users = UserDatabase()
    users.addUser("alice", "x", os.geteuid(), os.getegid(), "", str(folder), "/bin/sh")
    credentials = SSHPrivateKey(
        b"alice", b"ssh-ed25519", public.blob(), b"data", key.sign(b"data")
    )
    contestants = {
        "theirs": theirs.SSHPublicKeyChecker(theirs.UNIXAuthorizedKeysFiles(users)),
        "ours": ours.SSHPublicKeyChecker(ours.UNIXAuthorizedKeysFiles(users)),
    }
    found: dict[str, list[Any]] = {name: [] for name in contestants}
    most = []
    for _ in range(ROUNDS):
        most.append(limit(credentials, 500))
        for name, checker in contestants.items():
            # Twisted's takes its time.
            count = CLIENTS if name == "theirs" and size > 100 else logins
            work = partial(logIn, checker, credentials, count)
            seconds, p99, _ = yield measured(reactor, work)
            found[name].append((count / seconds, p99))
    rates = {name: median(rate for rate, _ in found[name]) for name in found}
    lags = {name: median(lag for _, lag in found[name]) for name in found}
    ratio = median(
        mine / other for (mine, _), (other, _) in zip(found["ours"], found["theirs"])
    )
    print(
        f"{size:6} {rates['theirs']:9.1f}/s {rates['ours']:9.1f}/s {ratio:7.1f} "
        f"{goal:6.1f} {median(most):9.1f}/s {lags['theirs']:8.1f} ms "
        f"{lags['ours']:6.1f} ms{' MISSED' if ratio < goal else ''}"
    )


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of them.
    """
    # As in a server: what is logged isn't kept until somebody wants it.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    print(f"Logins by Ed25519 keys in a file, {CLIENTS} at a time, the right key last")
    print(
        "  keys    twisted      mycred    ratio   goal signatures lag p99: twisted mycred"
    )
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        (folder / ".ssh").mkdir()
        for size in SIZES:
            yield compare(reactor, size, folder)


def main() -> None:
    """
    Print logins a second, their ratio, and the lag.
    """
    underReactor(run)
