"""
Tests for L{mycred._metrics._shared}.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st
from prometheus_client import generate_latest

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._gauged import LiveObjects
from mycred._metrics import FAMILIES, SharedMetrics, Slots
from mycred._metrics._encoding import encodeAll
from mycred._metrics._gauges import Gauges
from mycred._metrics._samples import counted
from mycred._metrics._shared import HALF
from mycred.error import UnauthorizedLogin

from ..kit.metrics import ended, totals


class SharedTestCase(SynchronousTestCase):
    """
    Base of the tests with a file that processes share.
    """

    def setUp(self) -> None:
        path = Path(self.mktemp())
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, self.descriptor)
        self.slots = Slots(self.descriptor)


class SlotsTests(SharedTestCase):
    """
    Tests for the slots.
    """

    def test_written(self) -> None:
        """
        A slot has what was written into it last; one that wasn't written has nothing.
        """
        self.assertIsNone(self.slots.read(1))
        for data in (b"first", b"second, longer", b"3", b""):
            self.slots.write(1, data)
            self.assertEqual(Slots(self.descriptor).read(1), data)
        self.assertIsNone(self.slots.read(2))
        self.slots.write(2, b"other")
        self.assertEqual([self.slots.read(n) for n in (1, 2)], [b"", b"other"])

    def test_torn(self) -> None:
        """
        What was written in part is as if it hadn't been, wherever it broke off.
        """
        for length in range(0, 60, 7):
            self.slots.write(1, b"whole")
            before = os.pread(self.descriptor, 2 * HALF, 0)
            self.slots.write(1, b"x" * 40)
            after = os.pread(self.descriptor, 2 * HALF, 0)
            # The half that has changed is the one that was written.
            begin = next(i for i in (0, HALF) if before[i : i + 30] != after[i : i + 30])
            rest = after[begin + length : begin + 80].ljust(80, b"?")
            os.pwrite(self.descriptor, bytes(byte ^ 255 for byte in rest), begin + length)
            self.assertEqual(self.slots.read(1), b"whole")

    def test_tooLong(self) -> None:
        """
        What is too long is refused, and leaves the slot as it was.
        """
        self.slots.write(1, b"whole")
        self.assertRaises(ValueError, self.slots.write, 1, b"x" * HALF)
        self.assertEqual(self.slots.read(1), b"whole")

    @given(st.binary(max_size=100), st.integers(0, 2 * HALF))
    @settings(max_examples=50)
    def test_anything(self, data: bytes, offset: int) -> None:
        """
        Whatever stands in the file, it can be read and written.
        """
        os.pwrite(self.descriptor, data, offset)
        self.slots.read(1)
        self.slots.write(1, b"whole")
        self.assertEqual(self.slots.read(1), b"whole")


class SharedMetricsTests(SharedTestCase):
    """
    Tests for the metrics of several processes.
    """

    def worker(self, number: int) -> SharedMetrics:
        """
        Return the metrics of one of two processes.
        """
        gauges = Gauges(
            LiveObjects(), LiveObjects(), LiveObjects(), lambda: 100.0 + number
        )
        return SharedMetrics(self.slots, number, 2, gauges=gauges)

    def page(self, metrics: SharedMetrics) -> str:
        """
        Return the page.
        """
        return generate_latest(metrics).decode()  # type: ignore[arg-type]

    def test_together(self) -> None:
        """
        The page has what all processes have counted: this one up to now, others as they
        have told last.
        """
        first, second = self.worker(1), self.worker(2)
        for metrics in (first, second, second):
            metrics(ended())
        second.share()
        self.assertEqual(totals(self.page(first), "outcome"), {"accepted": 3})
        second(ended())
        first(ended())
        self.assertEqual(totals(self.page(first), "outcome"), {"accepted": 4})
        self.assertEqual(totals(self.page(second), "outcome"), {"accepted": 5})

    def test_inSteps(self) -> None:
        """
        While a page is made of what many processes tell, the reactor has a turn after
        each of them.
        """
        gauges = Gauges(LiveObjects(), LiveObjects(), LiveObjects(), lambda: 7.0)
        metrics = SharedMetrics(self.slots, 1, 20, gauges=gauges)
        metrics(ended())
        pieces: list[bytes] = []
        steps = encodeAll(metrics, generate_latest, pieces)  # type: ignore[arg-type]
        for _ in range(20):
            next(steps)
        self.assertEqual(pieces, [])
        list(steps)
        page = b"".join(pieces)
        self.assertEqual(page, generate_latest(metrics))  # type: ignore[arg-type]

    def test_gauges(self) -> None:
        """
        Numbers that change are told of each process.
        """
        self.worker(2).share()
        name = "mycred_read_timestamp_seconds"
        found = totals(self.page(self.worker(1)), "worker", name)
        self.assertEqual(found, {"1": 101, "2": 102})

    def test_neverFall(self) -> None:
        """
        A process that takes the place of another goes on with its counts, again and
        again.
        """
        for logins in range(1, 4):
            worker = self.worker(2)
            worker(ended())
            worker.share()
            del worker
            total = totals(self.page(self.worker(1)), "outcome")
            self.assertEqual(total, {"accepted": logins})

    def test_histograms(self) -> None:
        """
        Durations are added up, too.
        """
        first, second = self.worker(1), self.worker(2)
        first(ended(seconds=0.003))
        second(ended(seconds=2))
        second.share()
        page = self.page(first)
        buckets = totals(page, "le", "mycred_login_duration_seconds_bucket")
        self.assertEqual([buckets["0.005"], buckets["1.0"], buckets["2.5"]], [1, 1, 2])

    def test_nonsense(self) -> None:
        """
        A process that writes what is no number of anything is left out, and the log says
        so.
        """
        first, second = self.worker(1), self.worker(2)
        first(ended())
        second(ended(UnauthorizedLogin()))
        second.share()
        self.slots.write(2, b'[["mycred_logins", "_total", [], "many"]]')
        self.assertEqual(totals(self.page(first), "outcome"), {"accepted": 1})

    def test_fullDisk(self) -> None:
        """
        When nothing can be written, logins are counted all the same, and the log says so
        once.
        """
        closed = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, closed)
        metrics = SharedMetrics(Slots(closed), 1, 1)
        events: list[dict[str, Any]] = []
        observe: Any = events.append
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        for _ in range(3):
            metrics(ended())
            metrics.share()
        [event] = events
        self.assertIn("Metrics can't be shared: ", event["log_format"])

    def test_room(self) -> None:
        """
        A slot holds as many numbers as there can be.
        """
        metrics = self.worker(1)
        for number in range(200):
            for error in (None, UnauthorizedLogin()):
                name = f"{'x' * 36}{number}"
                metrics(ended(error, authType=name, service=f"y{name}"))
        metrics.share()
        told = counted(FAMILIES, metrics.samples())
        self.assertGreater(len(told), 2000)
        self.assertEqual(self.worker(1)._before, told)
