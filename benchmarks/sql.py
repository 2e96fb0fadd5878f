"""
Look-ups and logins from PostgreSQL, MariaDB and SQLite, with 10,000 users.

First the layer that asks databases, against the plain driver: both in as many threads,
each with a connection of its own.  "threads" do nothing but look-ups; "reactor" has them
done in threads for a reactor, by Twisted's pool for the plain driver, and by
L{Workers<mycred.workers.Workers>} for mycred.

Then logins of 200 clients against bcrypt, as a share of what the processors can verify
with nothing around it; and how long it takes to let a user in, and to refuse a wrong
password and an unknown name (C{python -m benchmarks.timing sql} compares the latter).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from statistics import median
from typing import Any
from unittest import SkipTest

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread, deferToThreadPool
from twisted.logger import globalLogBeginner
from twisted.python.threadpool import ThreadPool

from mycred._sql.client import Database, DatabaseURL
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.credentials import UsernamePassword
from mycred.error import UnauthorizedLogin
from mycred.hashes import make
from mycred.workers import Workers

from ._databases import KINDS, QUERY, Users, serving
from ._lag import measured, underReactor
from ._subjects import SSHA
from .hashes import limit, together

USERS, ROUNDS, LOOKUPS, THREADS, AT_A_TIME = 10_000, 7, 4000, 4, 50

# Logins against bcrypt, and how many answers of a kind are timed.
CLIENTS, LOGINS, HASHING_ROUNDS, ANSWERS = 200, 200, 3, 2000

# What is to be reached: so much of the plain driver's rate; so much of what the
# processors can verify, with so much lag in milliseconds.
LEAST, LEAST_HASHES, MOST_LAG = 0.8, 0.95, 5.0

BCRYPT = make(b"sesame", cost=10)

NAMES = [f"user{number}" for number in range(USERS)]

LookUp = Callable[[str], object]


def plainly(users: Users) -> LookUp:
    """
    Return a look-up by the plain driver, with a connection for each thread.
    """
    own = threading.local()

    def lookUp(name: str) -> object:
        if not hasattr(own, "connection"):
            own.connection = users.connect()
        cursor = own.connection.cursor()
        cursor.execute(users.query, {"username": name})
        [row] = cursor.fetchall()
        cursor.close()
        return row

    return lookUp


def byLayer(database: Database) -> LookUp:
    """
    Return a look-up by mycred's layer.
    """

    def lookUp(name: str) -> object:
        until = time.monotonic() + 10
        [row] = database.read(QUERY, {"username": name}, until).rows
        return row

    return lookUp


def inThreads(lookUp: LookUp) -> float:
    """
    Look up in threads, and nothing else.

    @return: look-ups a second.
    """

    def work(first: int) -> None:
        for number in range(first, LOOKUPS, THREADS):
            lookUp(NAMES[number * 7919 % USERS])

    threads = [threading.Thread(target=work, args=[n]) for n in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return LOOKUPS / (time.perf_counter() - began)


def forReactor(run: Callable[..., Deferred[Any]], lookUp: LookUp) -> Any:
    """
    Look up for a reactor, so many at a time.

    @param run: calls a function in a thread.
    """
    numbers = count()

    async def client() -> None:
        for number in numbers:
            if number >= LOOKUPS:
                return
            await run(lookUp, NAMES[number * 7919 % USERS])

    return gatherResults([Deferred.fromCoroutine(client()) for _ in range(AT_A_TIME)])


@inlineCallbacks
def compareLookUps(reactor: Any, users: Users, pool: ThreadPool) -> Any:
    """
    Measure look-ups by the driver and by mycred, and print.
    """
    database = Database([DatabaseURL.parse(users.url)])
    lookUps = {"driver": plainly(users), "mycred": byLayer(database)}
    runs = {
        "driver": partial(deferToThreadPool, reactor, pool),
        "mycred": Workers(reactor, THREADS).run,
    }
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for who, lookUp in lookUps.items():
            yield deferToThreadPool(reactor, reactor.getThreadPool(), lookUp, NAMES[0])
            rates.setdefault(("threads", who), []).append(inThreads(lookUp))
        for who, lookUp in lookUps.items():
            work = partial(forReactor, runs[who], lookUp)
            seconds, _, _ = yield measured(reactor, work)
            rates.setdefault(("reactor", who), []).append(LOOKUPS / seconds)
    database.close()
    for where in ("threads", "reactor"):
        theirs, ours = rates[where, "driver"], rates[where, "mycred"]
        share = median(o / t for o, t in zip(ours, theirs))
        # A look-up in a file takes next to nothing by itself.
        isMet = share >= LEAST or users.kind == "SQLite"
        print(
            f"{users.kind:11} {where:8} {median(theirs):9.0f}/s {median(ours):9.0f}/s "
            f"{share:7.1%}{'' if isMet else ' MISSED'}"
        )


def typed(name: str, password: bytes = b"sesame") -> Any:
    """
    Return credentials.
    """
    return UsernamePassword(name.encode("ascii"), password)


def checkerOf(reactor: Any, users: Users) -> SQLChecker:
    """
    Return a checker, with as many connections as it has if nothing else is said, that
    waits for hashes even on a busy machine.
    """
    settings = sqlSettings(url=users.url, query=QUERY)
    return SQLChecker(settings, workers=Workers(reactor, deadline=600))


@inlineCallbacks
def mostConnections(users: Users, work: Callable[[], Any]) -> Any:
    """
    Do something, and return how many connections there were at most meanwhile.
    """
    counts: list[int] = []
    isOver = False

    def count() -> None:
        while not isOver:
            counts.append(users.connections())

    counting = deferToThread(count)
    yield work()
    isOver = True
    yield counting
    return max(counts)


@inlineCallbacks
def compareHashes(reactor: Any, users: Users) -> Any:
    """
    Measure logins of many clients, and print.
    """
    checker = checkerOf(reactor, users)

    def check(number: int) -> Any:
        return checker.requestAvatarId(typed(NAMES[number]))

    try:
        yield check(0)
        crowd = partial(together, check, CLIENTS, CLIENTS)
        most = yield mostConnections(users, crowd)
        results = []
        for _ in range(HASHING_ROUNDS):
            limited = limit(BCRYPT, LOGINS)
            work = partial(together, check, LOGINS, CLIENTS)
            seconds, p99, _ = yield measured(reactor, work)
            results.append((LOGINS / seconds, limited, p99))
    finally:
        checker.close()
    rate, limited, p99 = (median(column) for column in zip(*results))
    share = median(rate / limited for rate, limited, _ in results)
    isMet = share >= LEAST_HASHES and p99 <= MOST_LAG and most <= THREADS
    print(
        f"{users.kind:11} {rate:9.1f}/s {limited:9.1f}/s {share:7.1%} {p99:6.1f} ms "
        f"{most:7}{'' if isMet else ' MISSED'}"
    )


@inlineCallbacks
def compareAnswers(reactor: Any, users: Users) -> Any:
    """
    Measure how long answers take, one after another, and print.
    """
    checker = checkerOf(reactor, users)
    times: dict[str, list[float]] = {"right": [], "wrong": [], "unknown": []}

    def presented(number: int) -> dict[str, Any]:
        name = NAMES[number * 7919 % USERS]
        return {
            "right": typed(name),
            "wrong": typed(name, b"wrong"),
            "unknown": typed(f"nobody{number}"),
        }

    try:
        for number in range(ANSWERS):
            for what, credentials in presented(number).items():
                began = time.perf_counter()
                yield checker.requestAvatarId(credentials).addErrback(
                    lambda failure: failure.trap(UnauthorizedLogin)
                )
                times[what].append(time.perf_counter() - began)
    finally:
        checker.close()
    columns = "".join(f"{median(taken) * 1e6:9.0f} us" for taken in times.values())
    print(f"{users.kind:11}{columns}")


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of it.
    """
    # As in a server: what is logged isn't kept for observers that come later.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    pool = ThreadPool(THREADS, THREADS)
    pool.start()
    # From here on the reactor runs.
    yield deferLater(reactor, 0)
    try:
        with ExitStack() as stack:
            makers = []
            for kind in KINDS:
                try:
                    makers.append(stack.enter_context(serving(kind)))
                except SkipTest as missing:
                    print(f"({kind}: {missing})")
            print(
                f"Look-ups, {THREADS} threads; goal: {LEAST:.0%} of the driver's, but "
                "for SQLite"
            )
            print("database    in           driver      mycred     share")
            for making in makers:
                yield compareLookUps(reactor, making(SSHA, NAMES), pool)
            print(
                f"Logins against bcrypt 10, {CLIENTS} clients; goals: {LEAST_HASHES:.0%} "
                f"of the limit, a lag of {MOST_LAG} ms at p99, {THREADS} connections"
            )
            print("database         mycred       limit   share  lag p99  connections")
            for making in makers:
                yield compareHashes(reactor, making(BCRYPT, NAMES))
            print("One login after another, {SSHA}, median")
            print("database        right       wrong     unknown")
            for making in makers:
                yield compareAnswers(reactor, making(SSHA, NAMES))
    finally:
        pool.stop()


def main() -> None:
    """
    Print look-ups a second.
    """

    def measuring(reactor: Any) -> Any:
        # Nothing is logged here, so that it is printed.
        return run(reactor).addErrback(lambda failure: sys.exit(failure.getTraceback()))

    underReactor(measuring)
