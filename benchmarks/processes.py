"""
Logins over IMAP4 by C{twistd myapp --processes=2}, against one process.

The clients take their processor time from the same processors, if there are but two:
they are as light as can be, and what they take is printed.  With clients elsewhere the
ratio would be what the last column says: by how much more processor time there is, if a
login takes as much of it in either case.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from mycred._scram import written

from ._lightclients import KEYS, plainLogins, scramLogins
from ._program import Program, running

# How many times the logins of one process are to be reached.
GOAL = 1.7

USERS, ROUNDS, AT_A_TIME, PROCESSES = 1000, 7, 64, (1, 2)

# "sesame", hashed so that next to nothing is left to do for a thread.
SHA = b"{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="

WAYS = {
    "LOGIN, {SHA}": (SHA, plainLogins),
    "SCRAM-SHA-256": (written(KEYS), scramLogins),
}

LogIn = Callable[[int, list[bytes], int], None]


class Round(NamedTuple):
    """
    What a round has come to.

    @ivar rate: logins a second.
    @ivar server: the server's processor time for a login, in microseconds.
    @ivar clients: the clients'.
    """

    rate: float
    server: float
    clients: float


def measure(program: Program, logIn: LogIn, names: list[bytes]) -> Round:
    """
    Log all users in.
    """
    own, its, began = sum(os.times()[:2]), program.spent(), perf_counter()
    logIn(program.port, names, AT_A_TIME)
    seconds = perf_counter() - began
    its, own = program.spent() - its, sum(os.times()[:2]) - own
    logins = len(names)
    return Round(logins / seconds, its / logins * 1e6, own / logins * 1e6)


def compare(way: str, stored: bytes, logIn: LogIn) -> None:
    """
    Measure one way to log in, and print.
    """
    names = [b"user%d" % number for number in range(USERS)]
    rounds: dict[int, list[Round]] = {count: [] for count in PROCESSES}
    with ExitStack() as stack:
        programs = {}
        for count in PROCESSES:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            users = directory / "users"
            users.write_bytes(b"".join(b"%b:%b\n" % (name, stored) for name in names))
            options = f"--auth=htpasswd:{users}", f"--processes={count}"
            programs[count] = stack.enter_context(running(directory, *options))
            # Each process makes ready, and mailboxes are made.
            for _ in range(count):
                logIn(programs[count].port, names, AT_A_TIME)
        for _ in range(ROUNDS):
            for count, program in programs.items():
                rounds[count].append(measure(program, logIn, names))
    one, several = (
        Round(*(median(column) for column in zip(*rounds[n]))) for n in PROCESSES
    )
    ratio = median(b.rate / a.rate for a, b in zip(*rounds.values()))
    elsewhere = PROCESSES[-1] * one.server / several.server
    print(
        f"{way:14} {one.rate:8.0f}/s {several.rate:8.0f}/s {ratio:6.2f}   "
        f"{one.server:7.0f} {several.server:7.0f} {several.clients:8.0f}  "
        f"{elsewhere:6.2f}{'' if ratio >= GOAL else '  MISSED'}"
    )


def main() -> None:
    """
    Print logins a second, ratios, and processor time.
    """
    print(
        f"IMAP4 logins, {USERS} users, {AT_A_TIME} at a time, {os.cpu_count()} "
        f"processors, median of {ROUNDS} rounds; goal: {GOAL} times"
    )
    print("                                            processor us a login")
    print(
        "way             1 process  2 processes ratio   one    two    clients  elsewhere"
    )
    for way, (stored, logIn) in WAYS.items():
        compare(way, stored, logIn)
