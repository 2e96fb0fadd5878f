"""
Tests for L{mycred._metrics._page}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Site

from mycred._metrics import LoginMetrics, MetricsResource, MetricsSite

from ..kit.metrics import ended, totals
from ..kit.web import Answer

_OPENMETRICS = "application/openmetrics-text; version=1.0.0"


# What an Accept header may be made of.
_WORDS = [
    *("application/openmetrics-text", "text/plain", "*/*", ",", ";", " ", "="),
    *("version=", "1.0.0", "1.", "0.0.4", "2", "99999.0", "escaping=", "allow-utf-8"),
]

# Others than what no header may hold.
_CHARACTERS = st.characters(codec="latin-1", exclude_categories=["Cc"])


class Broken:
    """
    A collector that fails.
    """

    def collect(self) -> Iterator[Metric]:
        """
        Fail, after the first metric.
        """
        yield Metric("first", "The first.", "gauge")
        raise ZeroDivisionError("secret")


class Turn:
    """
    A call of the reactor's.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call

    def cancel(self) -> None:
        """
        Never call.
        """
        self.call = lambda: None


class PageTests(SynchronousTestCase):
    """
    Tests for the page.
    """

    def setUp(self) -> None:
        self.turns: list[Turn] = []

    def schedule(self, call: Callable[[], object]) -> Turn:
        """
        Call something at the reactor's next turn.
        """
        self.turns.append(Turn(call))
        return self.turns[-1]

    def ask(self, metrics: Any, method: str = "GET", accept: str = "*/*") -> Any:
        """
        Ask for the page.

        @return: the protocol of the server.
        """
        each = Cooperator(lambda: lambda: True, self.schedule)
        resource = MetricsResource(metrics, cooperate=each.cooperate)
        site: Any = Site(resource, reactor=Clock())
        protocol = site.buildProtocol(None)
        self.transport = StringTransport()
        protocol.makeConnection(self.transport)
        protocol.dataReceived(
            f"{method} /metrics HTTP/1.0\r\nAccept: {accept}\r\n\r\n".encode("latin-1")
        )
        return protocol

    def answer(self, metrics: Any, method: str = "GET", accept: str = "*/*") -> Answer:
        """
        Return the answer to a request for the page.
        """
        self.ask(metrics, method, accept)
        while self.turns:
            self.turns.pop(0).call()
        return Answer(self.transport.value())

    def test_page(self) -> None:
        """
        The page has the metrics in the format of Prometheus.
        """
        metrics = LoginMetrics()
        metrics(ended())
        answer = self.answer(metrics)
        self.assertEqual(answer.status, 200)
        kind = answer.headers["Content-Type"]
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(totals(answer.page.decode(), "protocol"), {"imap": 1})
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.page))

    def test_negotiated(self) -> None:
        """
        Who asks for OpenMetrics gets that, with one end.
        """
        metrics = LoginMetrics()
        metrics(ended())
        answer = self.answer(metrics, accept=f"{_OPENMETRICS},text/plain;q=0.5")
        self.assertIn("application/openmetrics-text", answer.headers["Content-Type"])
        text = answer.page.decode()
        self.assertTrue(text.endswith("# EOF\n"))
        families = [one.name for one in text_string_to_metric_families(text)]
        self.assertIn("mycred_logins", families)

    def test_programs(self) -> None:
        """
        The registry of a program may have more.
        """
        registry = CollectorRegistry()
        registry.register(LoginMetrics())
        Counter("shop_sales", "Sales.", registry=registry).inc(3)
        self.assertIn(b"\nshop_sales_total 3.0\n", self.answer(registry).page)

    def test_methods(self) -> None:
        """
        The page can be read, and its size be asked for; nothing else.
        """
        answer = self.answer(LoginMetrics(), "HEAD")
        self.assertEqual((answer.status, answer.page), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 1000)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            self.assertIn(self.answer(LoginMetrics(), method).status, (405, 501))

    def test_pieces(self) -> None:
        """
        Between two metrics the reactor has a turn.
        """
        registry = CollectorRegistry()
        for number in range(20):
            Gauge(f"number_{number}", "A number.", registry=registry)
        self.ask(registry)
        turns = 0
        while self.turns:
            self.assertEqual(self.transport.value(), b"")
            self.turns.pop(0).call()
            turns += 1
        self.assertGreaterEqual(turns, 20)
        self.assertIn(b"\nnumber_19 0.0\n", self.transport.value())

    def test_gone(self) -> None:
        """
        When the reader has gone the rest of the page isn't made.
        """
        protocol = self.ask(LoginMetrics())
        self.turns.pop(0).call()
        protocol.connectionLost(Failure(ConnectionDone()))
        while self.turns:
            self.turns.pop(0).call()
        self.assertEqual(self.transport.value(), b"")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_broken(self) -> None:
        """
        A collector that fails is told to the log, and not to the reader.
        """
        answer = self.answer(Broken())
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.page, b"The metrics can't be read; the log says why.\n")
        [failure] = self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(str(failure.value), "secret")

    @given(st.lists(st.sampled_from(_WORDS) | _CHARACTERS, max_size=8))
    def test_strange(self, words: list[str]) -> None:
        """
        Whatever a reader would like to have, it gets a page.
        """
        accept = "".join(words)
        answer = self.answer(LoginMetrics(), accept=accept)
        self.assertEqual(answer.status, 200)
        self.assertIn(b"mycred_login", answer.page)

    def test_site(self) -> None:
        """
        A site of its own has the page at C{/metrics} and nothing else, and logs nothing
        at each request.
        """
        site = MetricsSite(LoginMetrics())
        resource: Any = site.resource
        self.assertEqual(list(resource.listNames()), [b"metrics"])
        self.assertIsInstance(resource.children[b"metrics"], MetricsResource)
        self.assertIsNone(site.log(object()))
