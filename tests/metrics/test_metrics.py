"""
Tests for L{mycred._metrics._metrics} and L{mycred.metrics}.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._metrics import FAMILIES
from mycred.error import UnauthorizedLogin
from mycred.metrics import LoginMetrics
from mycred.portal import Portal, SessionPortal

from ..kit.metrics import ended, promtool, totals
from ..kit.portals import ALICE, Checker, raising
from ..kit.sessions import Realm

ROOT = Path(mycred.__file__).parents[1]

# Looks for what an import does besides.
_ALONE = """
import sys
{hiding}
import mycred.metrics, mycred._metrics
try:
    mycred.metrics.{making}
except ImportError as error:
    print(error)
assert "twisted.internet.reactor" not in sys.modules
assert {library} or "prometheus_client" not in sys.modules
"""


class MetricsTests(SynchronousTestCase):
    """
    Tests for metrics as C{prometheus_client} takes them.
    """

    def setUp(self) -> None:
        self.metrics = LoginMetrics()

    def test_registry(self) -> None:
        """
        A registry takes them, knows their names, and tells their values.
        """
        registry = CollectorRegistry()
        registry.register(self.metrics)
        self.assertRaises(ValueError, registry.register, LoginMetrics())
        self.metrics(ended())
        self.metrics(ended(UnauthorizedLogin()))
        page = generate_latest(registry).decode()
        self.assertEqual(totals(page, "outcome"), {"accepted": 1, "refused": 1})
        labels = {"auth_type": "memory", "outcome": "refused"}
        counted = registry.get_sample_value("mycred_login_duration_seconds_count", labels)
        self.assertEqual(counted, 1)

    def test_promtool(self) -> None:
        """
        Names, units and helps are as Prometheus wants them.
        """
        self.metrics(ended())
        self.assertEqual(promtool(generate_latest(self.metrics)), "")  # type: ignore[arg-type]

    def test_described(self) -> None:
        """
        Each family is described, and has a sentence of help.
        """
        described = {one.name: one for one in self.metrics.describe()}
        self.assertEqual(set(described), set(FAMILIES))
        for metric in described.values():
            self.assertTrue(metric.documentation.endswith("."), metric)
            self.assertEqual(metric.samples, [])

    def test_imports(self) -> None:
        """
        To import the module, or to make metrics, chooses no reactor; without
        C{prometheus_client} the module can be imported, and the error says what to
        install.
        """
        hidden = "sys.modules['prometheus_client'] = None"
        for hiding, making, said in [
            ("", "LoginMetrics()", ""),
            ("", "makeMetrics({'listen': 'tcp:0'})", ""),
            (hidden, "LoginMetrics()", "pip install '.[metrics]' in a checkout"),
            (hidden, "MetricsResource(None)", "pip install '.[metrics]' in a checkout"),
            ("", "metricsOptions", ""),
        ]:
            program = _ALONE.format(
                hiding=hiding, making=making, library=bool(hiding or "(" in making)
            )
            done = subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                text=True,
                cwd=ROOT,
            )
            self.assertEqual(done.stderr, "", making)
            self.assertIn(said, done.stdout)
            self.assertEqual(bool(said), bool(done.stdout))


class WatchTests(SynchronousTestCase):
    """
    Tests for the metrics of a portal.
    """

    def counted(self, portal: Portal, answer: Any, session: bool) -> dict[str, float]:
        """
        Return what is counted at a login.

        @param answer: what the checker answers.
        @param session: whether the login is that of a connection.
        """
        metrics = LoginMetrics()
        portal.registerChecker(Checker(answer))
        asked = SessionPortal(portal, service="my") if session else portal
        asked.watch(metrics)
        asked.login(ALICE, None).addErrback(lambda _: None)
        self.flushLoggedErrors()
        return totals(generate_latest(metrics).decode(), "outcome")  # type: ignore[arg-type]

    def test_everyLogin(self) -> None:
        """
        Each login is counted once, by a portal and by one for a connection, whether it is
        accepted, refused, or fails by a defect.
        """
        for answer, outcome in [
            (lambda: b"alice", "accepted"),
            (raising(UnauthorizedLogin()), "refused"),
            (raising(ZeroDivisionError()), "failed"),
        ]:
            for session in (False, True):
                counted = self.counted(Portal(Realm()), answer, session)
                self.assertEqual(counted, {outcome: 1})
