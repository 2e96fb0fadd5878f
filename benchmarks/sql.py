"""
Look-ups and logins from PostgreSQL, MariaDB and SQLite, with 10,000 users.

First the layer that asks databases, against the plain driver: both in as many threads,
each with a connection of its own.  "threads" do nothing but look-ups; "reactor" has them
done in threads for a reactor, by Twisted's pool for the plain driver, and by
L{Workers<mycred.workers.Workers>} for mycred.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median
from typing import Any
from unittest import SkipTest

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.threads import deferToThreadPool
from twisted.logger import globalLogBeginner
from twisted.python.threadpool import ThreadPool

from mycred._sql import Database, DatabaseURL
from mycred.workers import Workers

from ._databases import KINDS, QUERY, Users, databaseOf
from ._lag import measured, underReactor

USERS, ROUNDS, LOOKUPS, THREADS, AT_A_TIME = 10_000, 7, 4000, 4, 50

# What is to be reached: so much of the plain driver's rate.
LEAST = 0.8

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
        print(
            f"{users.kind:11} {where:8} {median(theirs):9.0f}/s {median(ours):9.0f}/s "
            f"{share:7.1%}{'' if share >= LEAST else ' MISSED'}"
        )


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of it.
    """
    # As in a server: what is logged isn't kept for observers that come later.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    pool = ThreadPool(THREADS, THREADS)
    pool.start()
    try:
        print(f"Look-ups, {THREADS} threads; goal: {LEAST:.0%} of the driver's")
        print("database    in           driver      mycred     share")
        for kind in KINDS:
            try:
                with databaseOf(kind, b"x" * 60, NAMES) as users:
                    yield compareLookUps(reactor, users, pool)
            except SkipTest as missing:
                print(f"({kind}: {missing})")
    finally:
        pool.stop()


def main() -> None:
    """
    Print look-ups a second.
    """
    underReactor(run)
