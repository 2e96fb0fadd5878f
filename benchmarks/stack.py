"""
What a stack around the in-memory checker costs a login, with everything in memory; and
how much memory the throttle takes for very many sources.

The bare portal takes next to nothing: what protocols do around it, and hashes, takes most
of the time of real logins.  So there is also the portal of a connection, which is what
mycred's own servers have.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from zope.interface import Interface

from twisted.internet.address import IPv4Address
from twisted.internet.defer import fail
from twisted.internet.testing import StringTransport

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import UsernamePassword
from mycred.error import UnauthorizedLogin
from mycred.metrics import LoginMetrics
from mycred.portal import Portal, SessionPortal
from mycred.stack import AuditLog, CheckerStack, LoginCache, ProcessState, Throttle

from ._rounds import alternate
from .login import TrivialRealm

# How many times the bare login a login through the whole stack may take, and how much
# memory so many sources may take.
GOAL = 2.0
SOURCES, MEGABYTES = 1_000_000, 100

LOGINS, ROUNDS = 3000, 25

PEER = IPv4Address("TCP", "192.0.2.1", 4321)

Parts = Callable[[], dict[str, Any]]

# The stacks: what stands around the checker.
STACKS: dict[str, Parts] = {
    "nothing": dict,
    "throttle": lambda: {"throttle": Throttle(ProcessState())},
    "cache": lambda: {"cache": LoginCache(seconds=300)},
    "metrics": lambda: {"metrics": LoginMetrics()},
    "throttle, cache": lambda: {**STACKS["throttle"](), **STACKS["cache"]()},
    "all": lambda: {
        **STACKS["throttle, cache"](),
        **STACKS["metrics"](),
        "audit": AuditLog(),
    },
}

# What an observer of the audit log adds is shown apart: the goal is about what is in
# memory, and each event of twisted.logger takes longer than all the rest.
OBSERVED = "all, audit observed"


class Protocol:
    """
    A protocol with a connection.
    """

    transport = StringTransport(peerAddress=PEER)


def portal(parts: Parts | None) -> Portal:
    """
    Return a portal.

    @param parts: what stands around the checker; L{None} without a stack.
    """
    checker: Any = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    if parts is not None:
        checker = CheckerStack([checker], **parts())
    return Portal(TrivialRealm(), [checker])


def logins(portal: Any, isOfConnection: bool) -> Callable[[], float]:
    """
    Prepare logins of a client whose address is known.

    @param isOfConnection: whether it has a portal of its own.
    """

    def measure() -> float:
        mine = SessionPortal(portal, Protocol()) if isOfConnection else portal
        login = mine.login
        began = perf_counter()
        for _ in range(LOGINS):
            credentials = UsernamePassword(b"alice", b"sesame")
            credentials.peer = PEER  # type: ignore[attr-defined]
            login(credentials, None, Interface)
        took = perf_counter() - began
        if isOfConnection:
            mine.close()
        return took

    return measure


def compare(isOfConnection: bool) -> None:
    """
    Print microseconds a login, and ratios.
    """
    observed: dict[str, Parts] = {
        OBSERVED: lambda: {**STACKS["all"](), "audit": AuditLog(lambda event: None)}
    }
    stacks = {**STACKS, **observed}
    contestants = {
        name: logins(portal(parts), isOfConnection) for name, parts in stacks.items()
    }
    contestants["no stack"] = logins(portal(None), isOfConnection)
    times = alternate(contestants, ROUNDS)
    bare = times.pop("no stack")
    whose = "SessionPortal" if isOfConnection else "Portal"
    print(f"{whose + '.login, no stack':36} {bare / LOGINS * 1e6:7.2f} us")
    for name, took in times.items():
        ends = ""
        if name == "all" and not isOfConnection:
            ends = f"   goal {GOAL}{'  MISSED' if took > GOAL * bare else ''}"
        print(f"  {name:34} {took / LOGINS * 1e6:7.2f} us {took / bare:6.2f}{ends}")


def memory() -> None:
    """
    Print how much memory guesses from very many sources take.
    """
    throttle = Throttle(ProcessState(), network=1_000_000)
    ask = throttle.around(lambda credentials, asked: fail(UnauthorizedLogin()))
    before, began = resident(), perf_counter()
    for number in range(SOURCES):
        guess = UsernamePassword(b"user%d" % number, b"guess")
        host = f"{1 + number // 65536}.{number // 256 % 256}.{number % 256}.1"
        guess.peer = IPv4Address("TCP", host, 1)  # type: ignore[attr-defined]
        ask(guess, None).addErrback(lambda _: None)
    each = (perf_counter() - began) / SOURCES * 1e6
    taken = resident() - before
    kept = len(throttle.state._tables["address4"])  # type: ignore[attr-defined]
    print(
        f"{SOURCES:,} guesses from as many sources: {taken:.0f} MB"
        f"{'  MISSED' if taken > MEGABYTES else ''} (goal {MEGABYTES}), {kept:,} sources "
        f"kept, {each:.1f} us each"
    )


def resident() -> float:
    """
    Return how much memory this process has, in megabytes.
    """
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """
    Print times, ratios and memory.
    """
    memory()
    print(
        f"\nin-memory checker, median of {ROUNDS} alternating rounds, times the bare one"
    )
    for isOfConnection in (False, True):
        compare(isOfConnection)
