"""
Logins against hashes: 50 and 200 at a time, and how late the reactor comes.

The limit is what the processors can do: the same verifications in as many threads,
with nothing around them.  Twisted's C{FilePasswordDB(hash=...)} is measured with
bcrypt; it has none of the others.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import bcrypt

import twisted.cred.checkers
from twisted.internet.defer import gatherResults, inlineCallbacks, succeed

from mycred._hashes import MAKERS, _libcrypt, verify
from mycred.checkers import HtpasswdChecker
from mycred.credentials import UsernamePassword

from ._lag import measured, underReactor

# The least share of the limit, and the most lag (99th percentile), in ms.
GOAL, LAG_GOAL = 0.95, 5.0

ROUNDS = 5
THREADS = os.cpu_count() or 1

# What is measured: the hash of "sesame", and how many logins a round takes.
HASHES = {
    "bcrypt 10": (lambda: MAKERS["bcrypt"].make(b"sesame", 10), 100),
    "SHA-512-crypt": (lambda: _libcrypt.crypt(b"sesame", b"$6$saltsaltsalt$"), 1500),
    "yescrypt": (lambda: _libcrypt.crypt(b"sesame", b"$y$j9T$saltsaltsaltsalt$"), 150),
}


def limit(stored: bytes, logins: int) -> float:
    """
    Verify in threads, and nothing else.

    @return: verifications a second.
    """
    began = perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(verify, [stored] * logins, [b"sesame"] * logins))
    return logins / (perf_counter() - began)


def together(logIn: Any, logins: int, clients: int) -> Any:
    """
    Log in with so many clients at a time, each again as soon as it is in.
    """
    left = logins

    def again(_: object = None) -> Any:
        nonlocal left
        left -= 1
        return logIn(left).addCallback(again) if left >= 0 else None

    return gatherResults([succeed(None).addCallback(again) for _ in range(clients)])


@inlineCallbacks
def compare(reactor: Any, name: str, stored: bytes, logins: int) -> Any:
    """
    Measure one kind of hash, and print.
    """
    with tempfile.NamedTemporaryFile() as file:
        # A user for each login, so that no two share a run.
        lines = [b"user%d:%s\n" % (number, stored) for number in range(logins)]
        file.write(b"".join(lines))
        file.flush()
        ours = HtpasswdChecker(file.name)

        def check(user: int) -> Any:
            login = UsernamePassword(b"user%d" % user, b"sesame")
            return ours.requestAvatarId(login)

        yield check(0)
        for clients in (50, 200):
            results = []
            for _ in range(ROUNDS):
                most = limit(stored, logins)
                seconds, p99, worst = yield measured(
                    reactor, partial(together, check, logins, clients)
                )
                results.append((logins / seconds, most, p99, worst))
            rate, most, p99, worst = (median(column) for column in zip(*results))
            share = median(r / m for r, m, _, _ in results)
            missed = share < GOAL or (clients == 50 and p99 > LAG_GOAL)
            print(
                f"{name:14} {clients:4} {rate:9.1f}/s {most:9.1f}/s {share:6.1%} "
                f"{p99:7.1f} ms {worst:7.1f} ms{' MISSED' if missed else ''}"
            )


@inlineCallbacks
def theirs(reactor: Any, stored: bytes) -> Any:
    """
    Measure Twisted with bcrypt, and print.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"alice:" + stored + b"\n")
        file.flush()
        checker = twisted.cred.checkers.FilePasswordDB(
            file.name, hash=lambda user, sent, stored: bcrypt.hashpw(sent, stored)
        )
        login = twisted.cred.credentials.UsernamePassword(b"alice", b"sesame")

        def check(user: int) -> Any:
            return checker.requestAvatarId(login)

        seconds, p99, worst = yield measured(reactor, lambda: together(check, 50, 50))
        print(
            f"{'(twisted.cred)':14} {50:4} {50 / seconds:9.1f}/s {'':11} {'':6} "
            f"{p99:7.1f} ms {worst:7.1f} ms"
        )


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of them.
    """
    print(f"Logins against hashes, {THREADS} processors, median of {ROUNDS} rounds")
    print(
        f"goals: {GOAL:.0%} of the limit; with 50 clients a lag of {LAG_GOAL} ms at p99"
    )
    print("hash        clients       mycred        limit  share  lag p99    lag max")
    for name, (make, logins) in HASHES.items():
        stored = make()
        if name == "bcrypt 10":
            yield theirs(reactor, stored)
        yield compare(reactor, name, stored, logins)


def main() -> None:
    """
    Print logins a second, their share of the limit, and the lag.
    """
    underReactor(run)
