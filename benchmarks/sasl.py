"""
The server's part of a login by SCRAM, with keys in memory.

It goes through L{mycred.sasl.authenticate} and C{Portal.login}.  What the client and the
line take isn't counted, nor what a store takes that isn't in memory.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from time import perf_counter
from typing import Any

from zope.interface import Interface

from twisted.internet.defer import Deferred, succeed

from mycred.portal import ConnectionFacts, Portal, SessionPortal
from mycred.sasl import MECHANISMS, Context, authenticate
from tests.kit.sasl import KeysChecker, keysOf

from ._rounds import alternate
from .login import TrivialRealm

# The most that a login may take, in microseconds.
GOAL = 60

LOGINS = 2_000
ROUNDS = 15

FIRST = b"n,,n=%b,r=clientnonceclientnonce"


class Client:
    """
    A client that has hashed its password already.

    @ivar spent: the time that it has taken, in seconds.
    """

    def __init__(self, name: bytes) -> None:
        self.first = FIRST % name
        salted = hashlib.pbkdf2_hmac("sha256", b"sesame", keysOf().salt, 1)
        key = hmac.digest(salted, b"Client Key", "sha256")
        self._key = int.from_bytes(key, "big")
        self._stored = hashlib.sha256(key).digest()
        self.spent = 0.0

    def ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Answer a challenge.
        """
        began = perf_counter()
        answer = b"" if challenge[:2] == b"v=" else self._prove(challenge)
        self.spent += perf_counter() - began
        return succeed(answer)

    def _prove(self, challenge: bytes) -> bytes:
        """
        Return the last message.
        """
        bare = b"c=biws," + challenge[: challenge.index(b",")]
        text = b",".join((self.first[3:], challenge, bare))
        signature = hmac.digest(self._stored, text, "sha256")
        proof = self._key ^ int.from_bytes(signature, "big")
        return bare + b",p=" + b64encode(proof.to_bytes(32, "big"))


def logins(name: bytes, makePortal: Callable[[Portal], Any]) -> Callable[[], float]:
    """
    Prepare logins.

    @param name: the name of the user; only Alice is known.
    @param makePortal: returns the portal of a connection.
    """
    portal = makePortal(Portal(TrivialRealm(), [KeysChecker(alice=keysOf())]))
    context = Context(ConnectionFacts(None))
    mechanism = MECHANISMS[b"SCRAM-SHA-256"]
    client = Client(name)

    def login(credentials: Any) -> Any:
        return portal.login(credentials, None, Interface)

    def measure() -> float:
        client.spent = 0.0
        began = perf_counter()
        for _ in range(LOGINS):
            ended = authenticate(mechanism, context, client.first, client.ask, login)
            ended.addErrback(lambda _: None)
        return perf_counter() - began - client.spent

    return measure


def main() -> None:
    """
    Print microseconds a login.
    """
    print(f"a login by SCRAM-SHA-256, median of {ROUNDS} alternating rounds")
    times = alternate(
        {
            "Portal": logins(b"alice", lambda portal: portal),
            "SessionPortal": logins(b"alice", SessionPortal),
            "Portal, unknown name": logins(b"bob", lambda portal: portal),
        },
        ROUNDS,
    )
    for name, seconds in times.items():
        taken = seconds / LOGINS * 1e6
        isMissed = name == "Portal" and taken > GOAL
        print(f"{name:22} {taken:7.1f} us{' MISSED' if isMissed else ''}")
