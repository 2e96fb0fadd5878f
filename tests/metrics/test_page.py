"""
Tests for L{mycred._metrics._page}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from twisted.internet import reactor
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Site

from mycred._metrics import LoginMetrics, MetricsResource

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


class Slow:
    """
    A collector that counts how often it is asked.
    """

    made = 0

    def collect(self) -> Iterator[Metric]:
        """
        Return two metrics.
        """
        self.made += 1
        yield Metric("first", "The first.", "gauge")
        yield Metric("second", "The second.", "gauge")


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

    def made(self, metrics: Any) -> Site:
        """
        Return a site with the page.
        """
        each = Cooperator(lambda: lambda: True, self.schedule)
        resource = MetricsResource(metrics, cooperate=each.cooperate)
        return Site(resource, reactor=Clock())

    def ask(
        self, site: Any, method: str = "GET", accept: str = "*/*"
    ) -> tuple[Any, StringTransport]:
        """
        Ask for the page.

        @return: the protocol of the server, and its transport.
        """
        protocol = site.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(
            f"{method} /metrics HTTP/1.0\r\nAccept: {accept}\r\n\r\n".encode("latin-1")
        )
        return protocol, transport

    def turn(self) -> None:
        """
        Have the reactor do all that is to be done.
        """
        while self.turns:
            self.turns.pop(0).call()

    def answer(self, metrics: Any, method: str = "GET", accept: str = "*/*") -> Answer:
        """
        Return the answer to a request for the page.
        """
        _, transport = self.ask(self.made(metrics), method, accept)
        self.turn()
        return Answer(transport.value())

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
        _, transport = self.ask(self.made(registry))
        turns = 0
        while self.turns:
            self.assertEqual(transport.value(), b"")
            self.turns.pop(0).call()
            turns += 1
        self.assertGreaterEqual(turns, 20)
        self.assertIn(b"\nnumber_19 0.0\n", transport.value())

    def test_shared(self) -> None:
        """
        Those who ask for the page while it is made get the same one, each in the format
        that they ask for; one who asks later gets a new one.
        """
        metrics = Slow()
        site = self.made(metrics)
        asked = [self.ask(site, accept=accept) for accept in ("*/*", _OPENMETRICS) * 2]
        self.turn()
        self.assertEqual(metrics.made, 2)
        for number, (_, transport) in enumerate(asked):
            answer = Answer(transport.value())
            isOpen = answer.headers["Content-Type"].startswith("application/openmetrics")
            self.assertEqual(isOpen, bool(number % 2))
            self.assertIn(b"first", answer.page)
        self.ask(site)
        self.turn()
        self.assertEqual(metrics.made, 3)

    def test_manyFormats(self) -> None:
        """
        Readers who name formats that there aren't get the same page, too.
        """
        metrics = Slow()
        site = self.made(metrics)
        for version in ("1.0.1", "2.0.0", "1.0.0.0", *map(str, range(90))):
            self.ask(site, accept=f"application/openmetrics-text; version={version}")
        self.turn()
        self.assertEqual(metrics.made, 1)

    def test_gone(self) -> None:
        """
        A reader may go before the page is made; the others get theirs.  When all have
        gone it isn't made.
        """
        site = self.made(LoginMetrics())
        protocol, transport = self.ask(site)
        _, other = self.ask(site)
        self.turns.pop(0).call()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.turn()
        self.assertEqual(transport.value(), b"")
        self.assertEqual(Answer(other.value()).status, 200)
        gone = [self.ask(site) for _ in range(2)]
        self.turns.pop(0).call()
        for each, _ in gone:
            each.connectionLost(Failure(ConnectionDone()))
        [last] = self.turns
        last.call()
        self.assertEqual(self.turns, [last])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_broken(self) -> None:
        """
        A collector that fails is told to the log, and not to the reader.
        """
        answer = self.answer(Broken())
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.page, b"The metrics can't be read; the log says why.\n")
        self.assertIn("text/plain", answer.headers["Content-Type"])
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

    def test_pace(self) -> None:
        """
        However often the page is asked for, the reactor has time for others.
        """
        clock = Clock()
        self.patch(reactor, "callLater", clock.callLater)
        resource = MetricsResource(LoginMetrics())
        for _ in range(20):
            _, transport = self.ask(Site(resource, reactor=Clock()))
            self.assertEqual(transport.value(), b"")
            while not transport.value():
                [call] = clock.getDelayedCalls()
                self.assertAlmostEqual(call.getTime() - clock.seconds(), 0.02)
                clock.advance(0.02)
