"""
C{Portal.login} against twisted.cred's, with the in-memory checker.

The limit is what any portal with this contract must do: a dictionary, a
comparison, a Deferred with one callback.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from zope.interface import Interface
from zope.interface.interface import InterfaceClass

import twisted.cred.checkers
import twisted.cred.credentials
import twisted.cred.portal
from twisted.internet.defer import succeed

import mycred.checkers
import mycred.credentials
import mycred.portal

from ._rounds import alternate

# How many interfaces are registered, and how many times Twisted's rate is the
# goal.
GOALS = {1: 1.3, 5: 1.4, 20: 1.8}

LOGINS = 10_000
ROUNDS = 15

THEIRS = SimpleNamespace(
    portal=twisted.cred.portal,
    checkers=twisted.cred.checkers,
    credentials=twisted.cred.credentials,
)
OURS = SimpleNamespace(
    portal=mycred.portal, checkers=mycred.checkers, credentials=mycred.credentials
)


class TrivialRealm:
    """
    A realm that does as little as a realm can.
    """

    answer = (Interface, object(), lambda: None)

    def requestAvatar(self, avatarId: bytes, mind: object, *interfaces: Any) -> Any:
        return self.answer


def logins(cred: Any, registered: int) -> Callable[[], float]:
    """
    Prepare logins through a portal.

    @param cred: whose portal, checkers and credentials.
    @param registered: how many interfaces are registered; the one that the
        credentials provide comes last.
    """
    checker = cred.checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    portal = cred.portal.Portal(TrivialRealm())
    for number in range(registered - 1):
        portal.registerChecker(checker, InterfaceClass(f"IOther{number}"))
    portal.registerChecker(checker, cred.credentials.IUsernamePassword)
    UsernamePassword = cred.credentials.UsernamePassword
    login = portal.login

    def measure() -> float:
        began = perf_counter()
        for _ in range(LOGINS):
            login(UsernamePassword(b"alice", b"sesame"), None, Interface)
        return perf_counter() - began

    return measure


def limit() -> float:
    """
    Time what no portal can do without.
    """
    users = {b"alice": b"sesame"}
    realm = TrivialRealm()
    began = perf_counter()
    for _ in range(LOGINS):
        if users[b"alice"] == b"sesame":
            succeed(b"alice").addCallback(realm.requestAvatar, None, Interface)
    return perf_counter() - began


def main() -> None:
    """
    Print microseconds a login, and ratios.
    """
    print(f"Portal.login, in-memory checker, median of {ROUNDS} alternating rounds")
    print("interfaces  twisted.cred     mycred      limit   ratio    goal")
    for registered, goal in GOALS.items():
        times = alternate(
            {
                "theirs": logins(THEIRS, registered),
                "ours": logins(OURS, registered),
                "limit": limit,
            },
            ROUNDS,
        )
        theirs, ours, least = (t / LOGINS * 1e6 for t in times.values())
        ratio = theirs / ours
        print(
            f"{registered:10} {theirs:10.2f} us {ours:7.2f} us {least:7.2f} us"
            f" {ratio:7.2f} {goal:7.1f} {'' if ratio >= goal else ' MISSED'}"
        )
