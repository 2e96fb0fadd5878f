"""
Tests for L{mycred._metrics._encoding}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Summary,
    generate_latest,
)
from prometheus_client.core import GaugeHistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition, parser

from twisted.trial.unittest import SynchronousTestCase

from mycred._metrics._encoding import encodeAll


class Sizes:
    """
    A collector with a histogram that isn't counted.
    """

    def collect(self) -> list[Metric]:
        """
        Return it.
        """
        buckets = [("1", 2.0), ("+Inf", 3.0)]
        return [GaugeHistogramMetricFamily("sizes", "Sizes.", buckets, 7.0)]


class EncodingTests(SynchronousTestCase):
    """
    Tests for metrics that are encoded in pieces.
    """

    def setUp(self) -> None:
        self.registry = registry = CollectorRegistry()
        sales = Counter("sales", "Sales.\n\\Others.", ["shop"], registry=registry)
        times = Histogram("times", "Times.", ["shop"], registry=registry)
        amounts = Summary("amounts", "Amounts.", ["shop"], registry=registry)
        for number in range(700):
            for metric in (sales, times, amounts):
                metric.labels(f'{number}\\\n# TYPE"')
        Gauge("open", "Whether it is open.", registry=registry).set(1)
        Info("build", "The build.", registry=registry).info({"version": "1"})
        Counter("nothing", "Nothing yet.", ["shop"], registry=registry)
        registry.register(Sizes())  # type: ignore[arg-type]

    def encoded(self, encode: Callable[[Any], bytes]) -> bytes:
        """
        Return the metrics, encoded in pieces.
        """
        pieces: list[bytes] = []
        steps = list(encodeAll(self.registry, encode, pieces))
        self.assertGreater(len(steps), 20)
        return b"".join(pieces)

    def test_same(self) -> None:
        """
        The pieces together are what the library makes of all metrics, in both formats.
        """
        for encode in (generate_latest, exposition.generate_latest):
            self.assertEqual(self.encoded(encode), encode(self.registry))  # type: ignore[operator]

    def test_openMetrics(self) -> None:
        """
        A strict reader of OpenMetrics takes them.
        """
        page = self.encoded(exposition.generate_latest).decode()
        families = {one.name for one in parser.text_string_to_metric_families(page)}
        self.assertLessEqual({"sales", "times", "amounts", "open", "sizes"}, families)

    def test_empty(self) -> None:
        """
        Without metrics there is the end, where the format has one.
        """
        self.registry = CollectorRegistry()
        for encode, end in (
            (generate_latest, b""),
            (exposition.generate_latest, b"# EOF\n"),
        ):
            pieces: list[bytes] = []
            list(encodeAll(self.registry, encode, pieces))
            self.assertEqual(b"".join(pieces), end)
