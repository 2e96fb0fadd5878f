"""
Tests for the example of C{doc/metrics.rst} (L{mycred.metrics}).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers

from mycred.metrics import LoginMetrics

from .kit.examples import load
from .kit.metrics import totals


class MetricsServerTests(TestCase):
    """
    Tests for the web site that counts its logins.
    """

    def request(self, port: Any, path: str, **headers: str) -> Any:
        """
        Request a page.
        """
        url = f"http://127.0.0.1:{port.getHost().port}{path}"
        given = Headers({name: [value] for name, value in headers.items()})
        agent: Any = Agent(reactor)
        return agent.request(b"GET", url.encode(), given)

    @inlineCallbacks
    def test_counted(self) -> Iterator[Any]:
        """
        What users do on the one site is told by the other one; who only looks isn't
        counted.
        """
        ports = []
        for site in load("metrics_server").makeSites(LoginMetrics()):
            ports.append(reactor.listenTCP(0, site, interface="127.0.0.1"))
            self.addCleanup(ports[-1].stopListening)
        users, numbers = ports
        codes = []
        for password in ("sesame", "wrong", "sesame", None):
            given = {}
            if password is not None:
                token = b64encode(f"alice:{password}".encode()).decode()
                given["Authorization"] = f"Basic {token}"
            answer: Any = yield self.request(users, "/", **given)
            yield readBody(answer)
            codes.append(answer.code)
        self.assertEqual(codes, [200, 401, 200, 401])
        answer = yield self.request(numbers, "/metrics")
        page: Any = yield readBody(answer)
        outcomes = totals(page.decode(), "outcome")
        self.assertEqual(outcomes, {"accepted": 2, "refused": 1})
