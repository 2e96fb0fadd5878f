"""
Logins by SASL: how much work one by SCRAM is for the server, and how many a second there
are through IMAP4, against CRAM-MD5 and against PLAIN with bcrypt.

The clients are in a process of their own, and do as little as clients can.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from mycred._scram import written
from mycred.checkers import HtpasswdChecker
from mycred.portal import ConnectionFacts, Portal
from mycred.sasl import MECHANISMS, Context, authenticate
from tests.kit.sasl import KeysChecker, ScramClient, keysOf

from ._imap import WAYS, logins, serving
from .login import TrivialRealm

# The most that the server may do for a login with keys in memory, in microseconds.
GOAL = 60

LOGINS, ROUNDS, CLIENTS = 2000, 5, 20

SCRAM = MECHANISMS[b"SCRAM-SHA-256"]


class Conversation:
    """
    A login, of which only the server's part is timed.

    @ivar took: how long that took, in seconds.
    """

    def __init__(self, portal: Portal) -> None:
        self.took = 0.0
        self._portal = portal
        self._asked: tuple[bytes, Deferred[bytes]] | None = None

    def run(self) -> None:
        """
        Log in.
        """
        client = ScramClient()
        first = client.first
        context = Context(ConnectionFacts(StringTransport()))
        login = self._timed(
            lambda: authenticate(SCRAM, context, first, self._ask, self._logIn)
        )
        while self._asked is not None:
            challenge, asked = self._asked
            self._asked = None
            answer = client.answer(challenge)
            self._timed(lambda asked=asked, answer=answer: asked.callback(answer))
        assert type(login.result) is tuple, login

    def _timed(self, work: Callable[[], Any]) -> Any:
        """
        Do a part of the server's work.
        """
        began = perf_counter()
        result = work()
        self.took += perf_counter() - began
        return result

    def _ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Ask the client, when the server has nothing to do.
        """
        asked: Deferred[bytes] = Deferred()
        self._asked = challenge, asked
        return asked

    def _logIn(self, credentials: Any) -> Deferred[Any]:
        """
        Log in with credentials.
        """
        return self._portal.login(credentials, None, object)


def serverSide(checker: Any) -> float:
    """
    Return how long the server's part of a login takes, in microseconds.
    """
    portal = Portal(TrivialRealm(), [checker])
    taken = []
    for _ in range(LOGINS):
        conversation = Conversation(portal)
        conversation.run()
        taken.append(conversation.took)
    return median(taken) * 1e6


def main() -> None:
    """
    Print microseconds, logins a second, and ratios.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        users = directory / "users"
        users.write_bytes(b"alice:" + written(keysOf()) + b"\n")
        print(f"one login by {SCRAM.name.decode()}, the server's part, without I/O")
        spent = serverSide(KeysChecker(alice=keysOf()))
        missed = "" if spent <= GOAL else " MISSED"
        print(f"keys in memory      {spent:8.1f} us   goal {GOAL} us{missed}")
        # While no reactor runs it is done at once, without a thread.
        print(f"htpasswd            {serverSide(HtpasswdChecker(str(users))):8.1f} us")
        print(f"logins through IMAP4, {CLIENTS} clients, median of {ROUNDS} rounds")
        rates: list[list[float]] = [[] for _ in WAYS]
        with serving(directory) as ports:
            for _ in range(ROUNDS):
                for measured, port, way in zip(rates, ports, WAYS):
                    measured.append(asyncio.run(logins(port, way, CLIENTS)))
        slowest = median(rates[-1])
        for measured, way in zip(rates, WAYS):
            rate = median(measured)
            print(
                f"{way.mechanism:14} {way.store:12} {rate:9.1f}/s {rate / slowest:8.1f}"
            )
