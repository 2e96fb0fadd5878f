"""
Tests for L{mycred._metrics._metrics} and L{mycred.metrics}.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._metrics import FAMILIES
from mycred.error import UnauthorizedLogin
from mycred.metrics import LoginMetrics
from mycred.portal import Portal, SessionPortal
from mycred.stack import CheckerStack

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
    mycred._metrics.{making}
except ImportError as error:
    print(error)
assert "twisted.internet.reactor" not in sys.modules
assert {library} or "prometheus_client" not in sys.modules
"""


def raised(event: object) -> None:
    """
    Fail, as what watches logins mustn't.
    """
    raise ZeroDivisionError


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
        return self.outcomes(metrics)

    def outcomes(self, metrics: LoginMetrics) -> dict[str, float]:
        """
        Return how many logins there were, by outcome.
        """
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

    def test_later(self) -> None:
        """
        One that takes its time is counted when the realm has answered, as accepted; when
        the client has gone meanwhile, as that.
        """
        for isCancelled, outcome in [(False, "accepted"), (True, "cancelled")]:
            metrics, realm = LoginMetrics(), Realm()
            asked: Deferred[bytes] = Deferred()
            realm.waiting = Deferred()
            portal = Portal(realm, [Checker(lambda asked=asked: asked)])
            portal.watch(metrics)
            login = portal.login(ALICE, None)
            login.addErrback(lambda _: None)
            asked.callback(b"alice")
            self.assertEqual(self.outcomes(metrics), {})
            if isCancelled:
                login.cancel()
            else:
                realm.waiting.callback(realm.login())
            self.assertEqual(self.outcomes(metrics), {outcome: 1})

    def test_broken(self) -> None:
        """
        If one of those who watch fails, that is logged, and neither the login nor the
        others suffer: those of a portal, those of one for a connection, and a stack's.
        """
        stack = CheckerStack(
            [Checker(lambda: succeed(b"alice"))],
            metrics=raised,  # type: ignore[list-item]
        )
        for checker in (Checker(lambda: succeed(b"alice")), stack):
            for session in (False, True):
                metrics = LoginMetrics()
                portal = Portal(Realm(), [checker])
                portal.watch(raised)
                portal.watch(metrics)
                asked = SessionPortal(portal, service="my") if session else portal
                self.successResultOf(asked.login(ALICE, None))
                self.assertEqual(self.outcomes(metrics), {"accepted": 1})
                self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.successResultOf(stack.requestAvatarId(ALICE))
        self.successResultOf(Portal(Realm(), [stack]).login(ALICE, None))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
