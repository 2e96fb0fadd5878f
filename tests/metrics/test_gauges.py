"""
Tests for L{mycred._metrics._gauges} and L{mycred._gauged}.
"""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import given, strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Failover, Server as OneOfSeveral
from mycred._gauged import SERVERS, THREADS, LiveObjects
from mycred._metrics._gauges import Gauges
from mycred._secrets import printable
from mycred.metrics import LoginMetrics
from mycred.testing import SteppedWorkers

from ..kit.metrics import totals, valuesOf


class Server:
    """
    Somebody else's server.
    """

    kind = "directory"

    def __init__(self, name: str, isDown: bool) -> None:
        self.name, self.isDown = name, isDown


class Table(list[int]):
    """
    A table.
    """

    tableName = "cached logins"
    limit = 10
    __hash__ = object.__hash__  # type: ignore[assignment]


def serversOn(page: str) -> list[Any]:
    """
    Return what a page tells of servers.
    """
    families = {one.name: one for one in text_string_to_metric_families(page)}
    return list(families["mycred_server_up"].samples)


class LiveObjectsTests(SynchronousTestCase):
    """
    Tests for what notes itself.
    """

    def test_forgotten(self) -> None:
        """
        What isn't used any more, or says so, isn't found.
        """
        living: LiveObjects[Server] = LiveObjects()
        kept, closed = Server("a", False), Server("b", False)
        for one in (kept, closed, Server("c", False)):
            living.add(one)
        living.discard(closed)
        del one
        gc.collect()
        self.assertEqual(living.all(), [kept])


class GaugesTests(SynchronousTestCase):
    """
    Tests for what is read.
    """

    def setUp(self) -> None:
        self.threads: LiveObjects[Any] = LiveObjects()
        self.servers: LiveObjects[Any] = LiveObjects()
        self.tables: LiveObjects[Any] = LiveObjects()
        self.gauges = Gauges(self.threads, self.servers, self.tables, lambda: 1234.5)

    def test_threads(self) -> None:
        """
        Queues and threads are told by what they do; those who do the same are added up.
        """
        pools = [SteppedWorkers() for _ in range(2)]
        for workers in pools:
            self.threads.add(workers)
            for _ in range(3):
                workers.run(lambda: None)
        login = (("pool", "login"),)
        samples = list(self.gauges.samples())
        self.assertEqual(valuesOf(samples, "mycred_waiting"), {login: 6})
        self.assertEqual(valuesOf(samples, "mycred_threads_busy"), {})
        threads = pools[0].threads + pools[1].threads
        self.assertEqual(valuesOf(samples, "mycred_threads"), {login: threads})
        limit = valuesOf(samples, "mycred_waiting_limit")
        self.assertEqual(limit, {login: 2 * pools[0].queueLimit})

    def test_busy(self) -> None:
        """
        A thread is busy while it does something.
        """
        workers = SteppedWorkers()
        self.threads.add(workers)
        seen: list[dict[Any, float]] = []
        workers.run(
            lambda: seen.append(valuesOf(self.gauges.samples(), "mycred_threads_busy"))
        )
        workers.step()
        self.assertEqual(seen, [{(("pool", "login"),): 1}])
        self.assertEqual(valuesOf(self.gauges.samples(), "mycred_threads_busy"), {})

    def test_servers(self) -> None:
        """
        A server is up, or it is down; it is one, whoever asks it.
        """
        servers = [Server("a", False), Server("b", True), Server("b", False)]
        for server in servers:
            self.servers.add(server)
        samples = {
            dict(sample.labels)["server"]: sample.value
            for sample in self.gauges.samples()
            if sample.family == "mycred_server_up"
        }
        self.assertEqual(samples, {"a": 1, "b": 0})

    def test_tables(self) -> None:
        """
        Tables are told by what is in them.
        """
        tables = [Table([1, 2]), Table([3])]
        for table in tables:
            self.tables.add(table)
        samples = list(self.gauges.samples())
        label = ("table", "cached logins")
        found = valuesOf(samples, "mycred_table_entries")
        self.assertEqual(found, {(label,): 3})
        self.assertEqual(valuesOf(samples, "mycred_table_limit"), {(label,): 20})

    @given(st.text(st.characters(exclude_categories=[])))
    def test_anyName(self, name: str) -> None:
        """
        Whatever something is called, the page can be read.
        """
        server, table, workers = Server(name, True), Table([1]), SteppedWorkers()
        table.tableName = workers.job = name
        servers: LiveObjects[Any] = LiveObjects()
        tables: LiveObjects[Any] = LiveObjects()
        threads: LiveObjects[Any] = LiveObjects()
        servers.add(server)
        tables.add(table)
        threads.add(workers)
        metrics = LoginMetrics(gauges=Gauges(threads, servers, tables))
        page = generate_latest(metrics).decode()  # type: ignore[arg-type]
        shown = printable(name)
        self.assertEqual(totals(page, "table", "mycred_table_entries"), {shown: 1})
        self.assertEqual(set(totals(page, "pool", "mycred_threads")), {shown})
        self.assertIn(shown, [one.labels["server"] for one in serversOn(page)])

    def test_time(self) -> None:
        """
        The time is told, so that a process that hangs is noticed.
        """
        found = valuesOf(self.gauges.samples(), "mycred_read_timestamp_seconds")
        self.assertEqual(found, {(): 1234.5})

    def test_noted(self) -> None:
        """
        Workers and servers of a failover note themselves; servers until they are closed.
        """
        workers = SteppedWorkers()
        self.assertIn(workers, THREADS.all())
        failover: Failover[str, Any] = Failover(
            [lambda terms: OneOfSeveral("a.example.org", ("any",), terms)],
            "server of the directory",
        )
        [server] = failover.servers
        self.assertIn(server, SERVERS.all())
        told = (server.kind, server.name, server.isDown)
        self.assertEqual(told, ("directory", "a.example.org", False))
        server.health.markDown(0.0, "gone")
        self.assertTrue(server.isDown)
        failover.close()
        self.assertNotIn(server, SERVERS.all())
