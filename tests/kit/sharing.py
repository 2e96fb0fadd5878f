"""
Processes whose logins are counted together, and what they must do under attack and when
the server that they share goes down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Union

from twisted.internet.defer import (
    DeferredSemaphore,
    gatherResults,
    inlineCallbacks,
    maybeDeferred,
)
from twisted.internet.task import deferLater
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from mycred._sql.client import DatabaseURL
from mycred._state import Fallback, ProcessState, RedisState, SQLState
from mycred.stack import CheckerStack, Throttle

from .forked import ROOT
from .guesses import mostOf
from .throttled import LIMITS, CountingChecker, typed

# Where the owner of the account is known.
_HOME = "203.0.113.80"

# How many logins each process has under way while the server goes down, and how long each
# rests between two, in seconds.
_PRESSING, _REST = 50, 0.01

# What a line of the log of the state begins with.
_STATE = "The shared state"

# How many guesses each process makes in an attack, and how many of them at a time.
_GUESSES, _TOGETHER = 5000, 250


def homeAt(url: str, **given: Any) -> Union[RedisState, SQLState]:
    """
    Return the home of shared state at a URL, which may hold the password.
    """
    if url.startswith("redis"):
        return RedisState(url, **given)
    return SQLState([DatabaseURL.parse(url)], **given)


class Process:
    """
    A process that logs in.

    @ivar said: what it has ended, and the lines of its log, in their order.
    """

    def __init__(self, url: str, isPatient: bool) -> None:
        """
        @param url: where the state is.
        @param isPatient: whether logins wait for its answers however long that takes.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, url, "patient" * isPatient],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._said: list[tuple[str, Any]] = []
        self.said: list[str] = []

    def begin(self, work: str, *arguments: object) -> None:
        """
        Have it begin with something.

        @param work: the name of a method of L{_Logins}.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([work, *arguments]).encode() + b"\n")
        self._process.stdin.flush()

    def end(self, work: str) -> Any:
        """
        Wait for what has come of something; or for a line of its log, of which C{work} is
        the beginning.
        """
        while True:
            for number, (what, answer) in enumerate(self._said):
                if what.startswith(work):
                    del self._said[number]
                    return answer
            assert self._process.stdout is not None
            self._said.append(json.loads(self._process.stdout.readline()))
            self.said.append(self._said[-1][0])

    def do(self, work: str, *arguments: object) -> Any:
        """
        Have it do something, and wait for what has come of it.
        """
        self.begin(work, *arguments)
        return self.end(work)

    def stop(self) -> None:
        """
        End it.
        """
        self._process.kill()
        self._process.communicate()


class _Logins:
    """
    What such a process does.
    """

    def __init__(self, url: str, isPatient: bool, say: Callable[..., None]) -> None:
        from twisted.internet import reactor

        self._reactor: Any = reactor
        self._say = say
        state: Any
        if isPatient:
            state = homeAt(url, timeout=120.0)
        else:
            state = Fallback(homeAt(url), ProcessState(), "the server")
        self._checker = CountingChecker()
        self._stack = CheckerStack([self._checker], throttle=Throttle(state))
        self._isOver = False
        self._pressing: Any = None
        globalLogPublisher.addObserver(self._note)

    def _note(self, event: Any) -> None:
        """
        Say what is logged of the state.
        """
        line = formatEvent(event)
        if line.startswith(_STATE):
            self._say(line, None)

    def outcome(self, name: str, password: str, host: str) -> Any:
        """
        Log in.

        @return: a Deferred that fires with the avatar ID, or the name of the error.
        """
        login = self._stack.requestAvatarId(typed(name.encode(), password.encode(), host))

        def cb(result: Any) -> str:
            if isinstance(result, Failure):
                return type(result.value).__name__
            return str(result, "ascii")

        return login.addBoth(cb)

    @inlineCallbacks
    def guess(self, hosts: list[str], number: int) -> Any:
        """
        Try very many passwords of the owner, each another one.

        @return: a Deferred that fires with how many were verified.
        """
        gate = DeferredSemaphore(_TOGETHER)
        words = [f"{os.getpid()} {n}" for n in range(number)]
        logins = [
            gate.run(self.outcome, "alice", word, hosts[n % len(hosts)])
            for n, word in enumerate(words)
        ]
        return Counter((yield gatherResults(logins)))["UnauthorizedLogin"]

    @inlineCallbacks
    def own(self, host: str, times: int) -> Any:
        """
        Have the owner log in.

        @return: a Deferred that fires with how often they got in.
        """
        outcomes = []
        for _ in range(times):
            outcomes.append((yield self.outcome("alice", "sesame", host)))
        return outcomes.count("alice")

    def press(self) -> None:
        """
        Log in on and on, so that nobody has to wait: rightly from home, and with one
        wrong password for each of many accounts from as many networks.
        """
        outcomes: Counter[str] = Counter()

        @inlineCallbacks
        def one(number: int) -> Any:
            while not self._isOver:
                number += _PRESSING
                network = f"10.{number >> 8 & 255}.{number & 255}"
                account = f"{os.getpid()}-{number}"
                who = (account, "x", f"{network}.1"), ("alice", "sesame", _HOME)
                outcomes[(yield self.outcome(*who[number % 2]))] += 1
                yield deferLater(self._reactor, _REST)

        running = [one(number) for number in range(_PRESSING)]
        self._pressing = gatherResults(running).addCallback(lambda _: outcomes)

    def rest(self) -> Any:
        """
        Log in no more.

        @return: a Deferred that fires with how often there was each outcome.
        """
        self._isOver = True
        return self._pressing


def _serve(url: str, isPatient: bool) -> None:
    """
    Be such a process.
    """
    from twisted.internet import reactor
    from twisted.internet.stdio import StandardIO
    from twisted.protocols.basic import LineReceiver

    running: Any = reactor

    class Told(LineReceiver):
        delimiter = b"\n"
        MAX_LENGTH = 1 << 20

        def connectionMade(self) -> None:
            self.logins = _Logins(url, isPatient, self.say)

        def lineReceived(self, line: bytes) -> None:
            work, *arguments = json.loads(line)
            done = maybeDeferred(getattr(self.logins, work), *arguments)
            done.addErrback(lambda failure: failure.getTraceback())
            done.addCallback(lambda answer: self.say(work, answer))

        def say(self, what: str, answer: Any) -> None:
            self.sendLine(json.dumps([what, answer]).encode())

        def connectionLost(self, *_: Any) -> None:
            running.stop()

    running.callWhenRunning(lambda: StandardIO(Told()))
    running.run()


class SharingCases:
    """
    What two processes do that count together.

    @ivar server: the server, which these tests have for themselves.
    @ivar url: where the state is.
    """

    server: Any
    url: str

    def begin(self: Any, isPatient: bool) -> list[Process]:
        """
        Start the processes.
        """
        processes = [Process(self.url, isPatient) for _ in range(2)]
        for each in processes:
            self.addCleanup(each.stop)
        return processes

    def test_attack(self: Any) -> None:
        """
        Of very many guesses in two processes from one address, one network of IPv4, one
        of IPv6, and 200 networks no more are verified than one process may verify.
        Meanwhile the owner gets in each time from where they are known, and afterwards
        from elsewhere.
        """
        processes = self.begin(isPatient=True)
        self.assertEqual(processes[0].do("own", _HOME, 1), 1)
        attacks = (
            (["192.0.2.1"], 0, "pair"),
            ([f"2001:db8::{n:x}" for n in range(1, 1000)], 0, "pair"),
            ([f"198.51.100.{n}" for n in range(256)], 0, "network"),
            ([f"10.0.{n}.1" for n in range(200)], 200, "account"),
        )
        for number, (hosts, free, limit) in enumerate(attacks):
            self.assertEqual(processes[1].do("own", f"198.18.{number}.7", 1), 1)
            began = time.monotonic()
            for each in processes:
                each.begin("guess", hosts, _GUESSES)
            self.assertEqual(processes[0].do("own", _HOME, 100), 100)
            verified = sum(each.end("guess") for each in processes)
            most = mostOf(LIMITS[limit], time.monotonic() - began)
            self.assertLessEqual(verified, free + most)
            self.assertGreater(verified, LIMITS[limit].free)

    def test_outage(self: Any) -> None:
        """
        Whatever becomes of the server while very many log in, nobody is refused for that
        reason.  Each process logs it once, counts by itself until the server is back, and
        then goes on with it.
        """
        processes = self.begin(isPatient=False)
        for each in processes:
            each.begin("press")
        outages = (
            (self.server.freeze, self.server.thaw),
            (self.server.kill, self.server.start),
        )
        for number, (stop, goOn) in enumerate(outages):
            stop()
            for each in processes:
                each.end(f"{_STATE} the server can't be asked")
                began = time.monotonic()
                verified = each.do("guess", [f"192.0.2.{number}"], 20)
                most = mostOf(LIMITS["pair"], time.monotonic() - began)
                self.assertLessEqual(verified, most)
                self.assertGreater(verified, LIMITS["pair"].free)
            goOn()
            for each in processes:
                each.end(f"{_STATE} the server answers again")
        for each in processes:
            outcomes = each.do("rest")
            self.assertEqual(set(outcomes), {"alice", "UnauthorizedLogin"})
            lines = [what for what in each.said if what.startswith(_STATE)]
            isBack = ["again" in line for line in lines]
            self.assertEqual(isBack, [bool(n % 2) for n in range(len(lines))])


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2] == "patient")


__all__ = ["Process", "SharingCases", "homeAt"]
