"""
A file of a million users: how long logins take, how late the reactor comes while
the file is read, and how much memory a user takes, against twisted.cred's
C{FilePasswordDB}.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import twisted.cred.checkers
from twisted.internet.defer import gatherResults, inlineCallbacks, succeed
from twisted.internet.task import deferLater

import mycred.checkers
from mycred._passwordfile import Layout, UserFile
from mycred.credentials import CramMD5Credentials, UsernamePassword
from mycred.error import UnauthorizedLogin

from ._lag import measured, underReactor
from ._rounds import alternate

USERS = 1_000_000
ROUNDS = 5

# The most lag, in ms, and memory, in bytes a user; the least ratios to Twisted's.
LAG_GOAL, MEMORY_GOAL, UNINDEXED_GOAL = 25.0, 100.0, 6.0

# What loads a file in a process of its own, and prints what that took.
PROGRAM = """
import sys
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
{load}
before = resident()
load()
print(resident() - before)
"""
LOADS = {
    "theirs": """
from twisted.cred.checkers import FilePasswordDB
checker = FilePasswordDB(sys.argv[1], cache=True)
def load():
    checker.getUser(b"user0000000")
""",
    "ours": """
from mycred._passwordfile import Layout, UserFile
userfile = UserFile(sys.argv[1], Layout())
def load():
    userfile.snapshot()
""",
}


def write(path: str, users: int) -> None:
    """
    Write a file with lines of 73 bytes, as bcrypt makes them, one minute old.
    """
    with open(path, "wb") as file:
        for number in range(users):
            rest = b64encode(os.urandom(40)).replace(b"+", b".")
            # The last character of a salt has two bits.
            hashed = rest[:21] + b"." + rest[22:53]
            file.write(b"user%07d:$2y$10$%s\n" % (number, hashed))
    age(path, -60)


def age(path: str, seconds: float) -> None:
    """
    Give a file another time, so that it has to be read again.
    """
    now = os.stat(path).st_mtime_ns
    os.utime(path, ns=(now, now + int(seconds * 1e9)))


def answered(name: bytes) -> Any:
    """
    Present credentials that need no hash to be refused, so that what is measured
    is the file.
    """
    credentials = CramMD5Credentials()
    credentials.getChallenge()
    credentials.username, credentials.response = name, b"no"
    return credentials


# What is measured: whose login, and how often; None is an unknown name.
KNOWN, UNKNOWN = b"user%07d" % (USERS // 2), b"nobody"
STAGES = {
    "first login": (KNOWN, 1),
    "warm login": (KNOWN, ROUNDS),
    "miss": (UNKNOWN, ROUNDS),
    "reload": (KNOWN, ROUNDS),
}


@inlineCallbacks
def stages(reactor: Any, path: str, ask: Callable[[bytes], Any]) -> Any:
    """
    Measure the first login, a warm one, a miss, and one after the file has changed.

    @return: a L{Deferred} that fires with, for each stage, the milliseconds that it
        takes, and the lag: median and maximum.
    """
    results = {}
    for stage, (name, rounds) in STAGES.items():
        measurements = []
        for _ in range(rounds):
            if stage == "reload":
                age(path, 1)
                yield deferLater(reactor, 0.2)
            seconds, _, lag = yield measured(reactor, partial(ask, name))
            measurements.append((seconds * 1e3, lag))
        times, lags = zip(*measurements)
        results[stage] = median(times), median(lags), max(lags)
    return results


@inlineCallbacks
def reload(reactor: Any, path: str) -> Any:
    """
    Print the stages, of both checkers one after the other: in one process at a time,
    the dictionary of the one would slow the other down.
    """
    ours = mycred.checkers.FilePasswordDB(path, cache=True)
    theirs = twisted.cred.checkers.FilePasswordDB(path, cache=True)

    def us(name: bytes) -> Any:
        login = ours.requestAvatarId(answered(name))
        return login.addErrback(lambda failure: failure.trap(UnauthorizedLogin))

    def them(name: bytes) -> Any:
        return succeed(getUser(theirs, name)())

    our = yield stages(reactor, path, us)
    their = yield stages(reactor, path, them)
    print("                       twisted.cred                  mycred")
    print("                     time    lag (max)           time    lag (max)")
    for stage in STAGES:
        columns = "".join(
            f" {time:9.2f} ms {lag:6.1f} ({most:.1f}) ms"
            for time, lag, most in (their[stage], our[stage])
        )
        print(f"{stage:14}{columns}{' MISSED' if our[stage][2] > LAG_GOAL else ''}")


@inlineCallbacks
def storm(reactor: Any, path: str) -> Any:
    """
    Measure the lag while 200 users log in at once whose hashes are bcrypt's, just
    when the file has changed.
    """
    checker = mycred.checkers.HtpasswdChecker(path)

    def logins() -> Any:
        return gatherResults(
            checker.requestAvatarId(
                UsernamePassword(b"user%07d" % (number * 1000), b"wrong")
            ).addErrback(lambda failure: failure.trap(UnauthorizedLogin))
            for number in range(200)
        )

    age(path, 1)
    yield deferLater(reactor, 0.2)
    seconds, p99, worst = yield measured(reactor, logins)
    print(
        f"storm of 200    {seconds:.1f} s, lag p99 {p99:.1f} ms, max {worst:.1f} ms"
        f"{' MISSED' if worst > LAG_GOAL else ''}"
    )


def memory(path: str) -> None:
    """
    Print the bytes that a user takes.
    """
    taken = {}
    for who, load in LOADS.items():
        command = [sys.executable, "-c", PROGRAM.format(load=load), path]
        done = subprocess.run(command, check=True, capture_output=True)
        taken[who] = int(done.stdout) / USERS
    print(
        f"memory a user: twisted.cred {taken['theirs']:.0f} bytes, mycred "
        f"{taken['ours']:.0f} (goal: at most {MEMORY_GOAL:.0f})"
        f"{'' if taken['ours'] <= MEMORY_GOAL else ' MISSED'}"
    )


def timed(ask: Callable[[], object], times: int) -> Callable[[], float]:
    """
    Make a measurement of something that is done several times.
    """

    def measure() -> float:
        began = perf_counter()
        for _ in range(times):
            ask()
        return (perf_counter() - began) / times

    return measure


def getUser(checker: Any, name: bytes) -> Callable[[], object]:
    """
    Make a look-up, by the method that Twisted's checker and mycred's have.
    """

    def look() -> None:
        with suppress(KeyError):
            checker.getUser(name)

    return look


def readAll(path: str, name: bytes) -> Callable[[], object]:
    """
    Return what must be done without an index: read, and search.
    """

    def look() -> None:
        with open(path, "rb") as file:
            file.read().find(b"\n%s:" % name)

    return look


def lookups(directory: str) -> None:
    """
    Print how long it takes to look a user up, without an index and with one.
    """
    print("look-up, no index   twisted.cred      mycred       limit   ratio")
    for users in (1_000, 100_000, USERS):
        path = f"{directory}/{users}"
        if not os.path.exists(path):
            write(path, users)
        theirs = twisted.cred.checkers.FilePasswordDB(path)
        ours = mycred.checkers.FilePasswordDB(path)
        for what, number in (("hit", users // 2), ("miss", users)):
            name = b"user%07d" % number
            contestants = {
                "theirs": getUser(theirs, name),
                "ours": getUser(ours, name),
                "limit": readAll(path, name),
            }
            # The first look notes what is odd about the file.
            contestants["ours"]()
            times = max(1, 100_000 // users)
            found = alternate(
                {who: timed(look, times) for who, look in contestants.items()}, ROUNDS
            )
            their, our, least = (value * 1e3 for value in found.values())
            ratio = their / our
            print(
                f"{users:9} {what:4} {their:15.3f} ms {our:8.3f} ms {least:8.3f} ms"
                f" {ratio:7.1f}{'' if ratio >= UNINDEXED_GOAL else ' MISSED'}"
            )
    userfile = UserFile(path, Layout())
    keyed = {entry.name: entry.secret for entry in userfile.snapshot()}
    known = b"user%07d" % (USERS // 2)
    cached = twisted.cred.checkers.FilePasswordDB(path, cache=True)
    cached.getUser(known)
    found = alternate(
        {
            "theirs": timed(lambda: cached.getUser(known), 10_000),
            "ours": timed(lambda: userfile.snapshot().find(known), 10_000),
            "limit": timed(lambda: (os.stat(path), keyed[known]), 10_000),
        },
        ROUNDS,
    )
    their, our, least = (value * 1e6 for value in found.values())
    print(
        f"look-up in memory: twisted.cred {their:.1f} us, mycred {our:.1f} us, "
        f"limit {least:.1f} us"
    )


def main() -> None:
    """
    Print times, lag and memory.
    """
    print(f"A file of {USERS} users, median of {ROUNDS} rounds")
    print(f"goals: lag of {LAG_GOAL} ms at most; without an index {UNINDEXED_GOAL} times")
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/{USERS}"
        write(path, USERS)
        memory(path)
        lookups(directory)

        @inlineCallbacks
        def run(reactor: Any) -> Any:
            yield reload(reactor, path)
            yield storm(reactor, path)

        underReactor(run)
