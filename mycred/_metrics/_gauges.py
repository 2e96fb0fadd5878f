"""
What is read when metrics are: queues, threads, servers, tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from .._gauged import (
    SERVERS,
    TABLES,
    THREADS,
    LiveObjects,
    ServerGauge,
    TableGauge,
    ThreadsGauge,
)
from .._secrets import printable
from ._samples import Family, Labels, Sample

_T = TypeVar("_T")

#: What is read.
READ = {
    "mycred_threads": Family("gauge", "Threads that there may be, by what they do."),
    "mycred_threads_busy": Family("gauge", "Threads that do something now."),
    "mycred_waiting": Family("gauge", "Callers that wait for what threads do."),
    "mycred_waiting_limit": Family("gauge", "Callers that may wait at a time."),
    "mycred_server_up": Family(
        "gauge", "Whether a server that logins need works, as far as is known: 1 or 0."
    ),
    "mycred_table_entries": Family("gauge", "Entries in a table of limited size."),
    "mycred_table_limit": Family("gauge", "Entries that such a table may have."),
    "mycred_read_timestamp_seconds": Family(
        "gauge", "When a process has last told its numbers, as Unix time."
    ),
}

# The numbers of a pool of threads.
_POOLS: dict[str, Callable[[ThreadsGauge], int]] = {
    "mycred_threads": lambda pool: pool.threads,
    "mycred_threads_busy": lambda pool: pool.busy,
    "mycred_waiting": lambda pool: pool.waiting,
    "mycred_waiting_limit": lambda pool: pool.queueLimit,
}

# The numbers of a table.
_TABLES: dict[str, Callable[[TableGauge], int]] = {
    "mycred_table_entries": len,
    "mycred_table_limit": lambda table: table.limit,
}


class Gauges:
    """
    The numbers that change while a server runs, of all pools, servers and tables that
    there are.
    """

    def __init__(
        self,
        threads: LiveObjects[ThreadsGauge] = THREADS,
        servers: LiveObjects[ServerGauge] = SERVERS,
        tables: LiveObjects[TableGauge] = TABLES,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        """
        @param threads: the pools of threads.
        @param servers: the servers.
        @param tables: the tables.
        @param seconds: returns the Unix time.
        """
        self._threads, self._servers, self._tables = threads, servers, tables
        self._seconds = seconds

    def samples(self) -> Iterator[Sample]:
        """
        Return what there is now.
        """
        pools = self._threads.all()
        for family, count in _POOLS.items():
            for job, value in _total(pools, lambda pool: pool.job, count).items():
                yield Sample(family, "", (("pool", printable(job)),), value)
        up: dict[Labels, bool] = {}
        for server in self._servers.all():
            # A path may have bytes that aren't UTF-8: no page could have those.
            name = printable(server.name)
            labels: Labels = (("kind", server.kind), ("server", name))
            # Several checkers may ask the same one.
            up[labels] = up.get(labels, True) and not server.isDown
        for labels, isUp in up.items():
            yield Sample("mycred_server_up", "", labels, int(isUp))
        tables = self._tables.all()
        for family, number in _TABLES.items():
            sizes = _total(tables, lambda table: table.tableName, number)
            for table, value in sizes.items():
                yield Sample(family, "", (("table", printable(table)),), value)
        yield Sample("mycred_read_timestamp_seconds", "", (), self._seconds())


def _total(
    ones: list[_T], name: Callable[[_T], str], number: Callable[[_T], int]
) -> dict[str, int]:
    """
    Return the sum of a number over all objects of a name, by name.
    """
    totals: dict[str, int] = {}
    for one in ones:
        totals[name(one)] = totals.get(name(one), 0) + number(one)
    return totals


__all__ = ["READ", "Gauges"]
