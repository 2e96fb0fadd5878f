"""
Guesses at an account, and processes that make very many at a time at a state which they
share.
"""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import blake2b
from math import log2
from typing import Any

from twisted.internet.defer import DeferredSemaphore, gatherResults, inlineCallbacks

from mycred._state import Bucket, Guess, ISharedState, Limit, Outcome

from .forked import ROOT

#: The limits of these guesses.
PAIR = Limit(5, 60.0, 600.0)
SOURCE = Limit(20, 60.0, 600.0)
ACCOUNT = Limit(20, 30.0, 600.0)
NEWCOMERS = Limit(50, 30.0, 600.0)

#: How long a source is known, in seconds.
REMEMBER = 86_400.0


def keyOf(*parts: object) -> bytes:
    """
    Return the key of something.
    """
    return blake2b(repr(parts).encode(), digest_size=8).digest()


def guessOf(source: object, account: object, password: object = None) -> Guess:
    """
    Return a guess.
    """
    ofSource = Bucket("address4", keyOf(source), SOURCE)
    return Guess(
        keyOf(account),
        Bucket("pair", keyOf(source, account), PAIR),
        (ofSource, Bucket("newcomers", keyOf(account), NEWCOMERS)),
        (ofSource, Bucket("account", keyOf(account), ACCOUNT)),
        None if password is None else keyOf(source, account, password),
        REMEMBER,
    )


def mostOf(limit: Limit, seconds: float) -> int:
    """
    Return how many guesses a limit lets through within a time, from the first one on.
    """
    return limit.free + 1 + int(log2(seconds + 1))


@inlineCallbacks
def guess(
    state: ISharedState, name: str, sources: int, number: int, inFlight: int
) -> Any:
    """
    Try very many passwords of an account.

    @param name: the account.
    @param sources: from how many sources.
    @param number: how many, each another one in each process.
    @param inFlight: how many at a time.

    @return: a Deferred that fires with how many were let through.
    """
    gate = DeferredSemaphore(inFlight)
    running = [
        gate.run(state.reserve, guessOf(i % sources, name, (i, id(state))))
        for i in range(number)
    ]
    reservations = yield gatherResults(running)
    return sum(not each.wait for each in reservations)


@inlineCallbacks
def own(state: ISharedState, name: str, times: int) -> Any:
    """
    Have the owner of an account log in from where they always do.

    @return: a Deferred that fires with how often they got in.
    """
    rightly = 0
    for _ in range(times):
        mine = guessOf("home", name, "right")
        reservation = yield state.reserve(mine)
        if not reservation.wait:
            rightly += 1
            yield state.settle(mine, reservation, Outcome.RIGHT)
    return rightly


_WORK = {"guess": guess, "own": own}


class Guesser:
    """
    A process that makes guesses.
    """

    def __init__(self, url: str) -> None:
        """
        @param url: where the state is.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def begin(self, work: str, *arguments: object) -> None:
        """
        Have it begin with something.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([work, *arguments]).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """
        Wait for what has come of it.
        """
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """
        End it.
        """
        self._process.kill()
        self._process.communicate()


def _serve(url: str) -> None:
    """
    Do what is asked for.
    """
    from twisted.internet import reactor
    from twisted.internet.stdio import StandardIO
    from twisted.protocols.basic import LineReceiver

    from mycred._sql.client import DatabaseURL
    from mycred._state import SQLState

    running: Any = reactor
    state = SQLState([DatabaseURL.parse(url)], timeout=120.0)

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            work, *arguments = json.loads(line)
            done = _WORK[work](state, *arguments)
            done.addErrback(lambda failure: failure.getTraceback())
            done.addCallback(lambda answer: self.sendLine(json.dumps(answer).encode()))

        def connectionLost(self, *_: Any) -> None:
            running.stop()

    running.callWhenRunning(lambda: StandardIO(Asked()))
    running.run()


if __name__ == "__main__":
    _serve(sys.argv[1])


__all__ = ["ACCOUNT", "NEWCOMERS", "PAIR", "Guesser", "guess", "guessOf", "mostOf", "own"]
