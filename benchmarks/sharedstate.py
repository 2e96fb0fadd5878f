"""
Two processes that count guesses together, in Redis and in databases.

A decision is what a guess at a password costs: one request to the state, for a source, a
network, an account and a password that no other guess has, so that no answer is known
before.  How many there are in a second is measured with so many under way at a time in
each process; how late the reactor comes, with as many in a second as are to be reached.

Beside them stands what the same clients do with nothing of mycred around it, in the same
way, and meanwhile: for Redis the same script by txredisapi alone, for a database
C{select 1}.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from itertools import count
from statistics import median
from typing import Any, NamedTuple
from unittest import SkipTest

from twisted.internet.defer import gatherResults, inlineCallbacks, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall, deferLater
from twisted.protocols.basic import LineReceiver

from mycred._sql.client import Database, DatabaseURL
from mycred._state import Bucket, Fallback, Guess, Limit, ProcessState
from mycred._state._redis import RedisURL
from mycred._state._redis._calls import Calls
from mycred._state._redis._protocol import endpointOf, makeFactory
from mycred.workers import Workers
from tests.kit.redisserver import RedisServer
from tests.kit.sharing import homeAt

from ._databases import serving
from ._lag import measured

# What is to be reached with Redis: decisions a second in each process, with so much lag
# in milliseconds.
GOAL, MOST_LAG = 2000, 5.0

ROUNDS, PROCESSES, AT_A_TIME, THREADS = 5, 2, 32, 4

# For how many seconds the lag is measured in a round.
PACED = 1.0

# How many requests a process makes in a round as fast as it can, and how many in a second
# while the lag is measured, by the kind of server.
REQUESTS = {"Redis": (6000, GOAL), "PostgreSQL": (1000, 100), "MariaDB": (1000, 100)}

_CHILD = "import sys; from benchmarks.sharedstate import serve; serve(sys.argv[1])"


class Round(NamedTuple):
    """
    What a round of one process has come to.

    @ivar rate: requests a second.
    @ivar lag: the 99th percentile of how late the reactor came, in milliseconds.
    @ivar spent: the process's processor time for a request, in microseconds.
    """

    rate: float
    lag: float
    spent: float


def guess(number: int, run: object) -> Guess:
    """
    Return a guess that is like no other one.

    @param run: what this process alone has.
    """
    key = blake2b(repr((number, run)).encode(), digest_size=8).digest()

    def bucket(table: str, free: int) -> Bucket:
        return Bucket(table, key, Limit(free, 60.0, 600.0))

    sources = bucket("address4", 20), bucket("network4", 50)
    return Guess(
        key,
        bucket("pair", 5),
        (*sources, bucket("newcomers", 200)),
        (*sources, bucket("account", 20)),
        key,
        86_400.0,
    )


@inlineCallbacks
def bare(url: str, reactor: Any, guesses: Iterator[Guess]) -> Any:
    """
    Return a L{Deferred} that fires with what makes a request without mycred.
    """
    if url.startswith("redis"):
        protocol = yield endpointOf(RedisURL.parse(url), reactor).connect(makeFactory())
        calls, isKnown = Calls(b"mycred:"), False

        def send() -> Any:
            call = calls.reserve(next(guesses), 1 << 52)
            return protocol.execute_command(*call.command(isKnown))

        yield send()
        isKnown = True
        return send
    database = Database([DatabaseURL.parse(url)], connections=THREADS)
    workers = Workers(reactor, THREADS)

    def ask() -> None:
        database.read("select 1", {}, time.monotonic() + 10)

    return lambda: workers.run(ask)


@inlineCallbacks
def asked(reactor: Any, request: Callable[[], Any], requests: int, rate: float) -> Any:
    """
    Make requests, so many at a time, and then so many in a second.

    @return: a L{Deferred} that fires with a L{Round}.
    """
    left = iter(range(requests))

    @inlineCallbacks
    def one() -> Any:
        for _ in left:
            yield request()

    spent, began = time.process_time(), time.perf_counter()
    yield gatherResults([one() for _ in range(AT_A_TIME)])
    seconds = time.perf_counter() - began
    spent = time.process_time() - spent
    made: list[Any] = []
    calls = LoopingCall.withCount(lambda n: made.extend(request() for _ in range(n)))
    calls.start(1 / rate, now=False)
    _, lag, _ = yield measured(reactor, lambda: deferLater(reactor, PACED))
    calls.stop()
    yield gatherResults(made)
    return Round(requests / seconds, lag, spent / requests * 1e6)


def serve(url: str) -> None:
    """
    Be one of the processes: make requests when told to.
    """
    from twisted.internet import reactor

    running: Any = reactor
    state = Fallback(homeAt(url), ProcessState(), "the server")
    run = time.monotonic()
    guesses = (guess(number, run) for number in count())
    kinds: dict[str, Callable[[], Any]] = {
        "decide": lambda: maybeDeferred(state.reserve, next(guesses)),
    }

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            kind, *numbers = json.loads(line)
            done = asked(running, kinds[kind], *numbers).addCallback(self.answer)
            done.addErrback(lambda failure: self.sayAndStop(failure.getTraceback()))

        def answer(self, result: Round) -> None:
            if state.isDown:
                self.sayAndStop(f"{url} was too slow")
            self.transport.write(json.dumps(result).encode() + b"\n")

        def sayAndStop(self, why: str) -> None:
            print(why, file=sys.stderr)
            self.transport.loseConnection()

        def connectionLost(self, *_: Any) -> None:
            with suppress(ReactorNotRunning):
                running.stop()

    def begin(request: Callable[[], Any]) -> None:
        kinds["bare"] = request
        StandardIO(Asked())

    running.callWhenRunning(lambda: bare(url, running, guesses).addCallback(begin))
    running.run()


@contextmanager
def processOn(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """
    Have a process that makes requests meanwhile.
    """
    command = [sys.executable, "-c", _CHILD, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def together(
    processes: list[subprocess.Popen[bytes]], kind: str, *numbers: float
) -> list[Round]:
    """
    Have all processes make requests at once.
    """
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(json.dumps([kind, *numbers]).encode() + b"\n")
        process.stdin.flush()
    answers = []
    for process in processes:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit(f"{kind}: the machine can't do so much at a time")
        answers.append(Round(*json.loads(line)))
    return answers


def compare(kind: str, url: str) -> None:
    """
    Measure one server, and print.
    """
    requests, rate = REQUESTS[kind]
    rounds: dict[str, list[Round]] = {"bare": [], "decide": []}
    ratios = []
    # Which makes tables, before both processes would.
    homeAt(url).check()
    with ExitStack() as stack:
        processes = [stack.enter_context(processOn(url)) for _ in range(PROCESSES)]
        for way in rounds:
            together(processes, way, requests // 5, rate)
        for _ in range(ROUNDS):
            for way, results in rounds.items():
                results += together(processes, way, requests, rate)
            ratios += [
                one.rate / other.rate
                for one, other in zip(*(r[-PROCESSES:] for r in rounds.values()))
            ]
    medians = {w: Round(*map(median, zip(*r))) for w, r in rounds.items()}
    for way, result in medians.items():
        isMissed = (way, kind) == ("decide", "Redis") and (
            result.rate < GOAL or result.lag > MOST_LAG
        )
        ratio = f"{median(ratios):6.2f}" if way == "decide" else " " * 6
        print(
            f"{kind:10} {way:7} {result.rate:8.0f}/s {ratio} {result.lag:9.1f} ms "
            f"{result.spent:9.0f} us{'  MISSED' if isMissed else ''}"
        )


@contextmanager
def serverOf(kind: str) -> Iterator[str]:
    """
    Have a server of a kind meanwhile, and yield its URL.

    @raise SkipTest: if there is no such program.
    """
    if kind != "Redis":
        with serving(kind) as make:
            yield make(b"x", []).url
        return
    server = RedisServer()
    try:
        yield server.url
    finally:
        server.stop()


def main() -> None:
    """
    Print requests a second in each process, lag, and processor time.
    """
    print(
        f"{PROCESSES} processes, {AT_A_TIME} requests at a time in each, median of "
        f"{ROUNDS} rounds; goal with Redis: {GOAL}/s in each, lag {MOST_LAG:.0f} ms"
    )
    print("server     request  in each   times  lag, p99    processor")
    for kind in REQUESTS:
        try:
            with serverOf(kind) as url:
                compare(kind, url)
        except SkipTest as reason:
            print(f"{kind:10} skipped: {reason}")
