"""
Tests for the metrics of the example server (L{mycred.demo._metricspage}).
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import smtplib
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from twisted.trial.unittest import SynchronousTestCase

from mycred._processtree import descendants
from mycred.demo._metricspage import makeMetrics

from ..kit.metrics import promtool, totals
from ..kit.privileged import until
from ..kit.protocols import Refused
from ..kit.server import PATIENCE, Server, ServerTests, refusal

_PLACE = "--metrics=tcp:0:interface=127.0.0.1"


def pageOf(server: Server) -> str:
    """
    Return the metrics of a server.
    """
    [port] = re.findall(r"\] MetricsSite starting on (\d+)\n", server.log)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def tried(login: Any, *args: str) -> Any:
    """
    Return the answer to a login that may be refused.
    """
    with contextlib.suppress(Refused, smtplib.SMTPAuthenticationError):
        return login(*args)


class MetricsPageTests(ServerTests, SynchronousTestCase):
    """
    Tests for C{--metrics}.
    """

    def smtp(self, server: Server, name: str, password: str) -> None:
        """
        Log in over SMTP.
        """
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE) as client:
            client.login(name, password)

    def test_mixed(self) -> None:
        """
        The counters are what clients of several protocols have done, and promtool finds
        nothing to say of the page.
        """
        server = self.start(
            self.passwords(alice="sesame"), _PLACE, offered="pop3 imap smtp http"
        )
        self.assertIn("Metrics are served at", server.log)
        counts = {"pop3": (2, 1), "imap": (3, 2), "smtp": (1, 1), "http": (2, 3)}
        logins: dict[str, Any] = {
            "pop3": server.pop3,
            "imap": server.imap,
            "smtp": lambda *args: self.smtp(server, *args),
            "http": server.http,
        }
        for service, (right, wrong) in counts.items():
            for password in ["sesame"] * right + ["wrong"] * wrong:
                tried(logins[service], "alice", password)
        page = pageOf(server)
        services = totals(page, "protocol")
        # A client of SMTP tries one mechanism after the other.
        self.assertGreaterEqual(services.pop("smtp"), 2)
        self.assertEqual(services, {"pop3": 3, "imap": 5, "http": 5})
        outcomes = totals(page, "outcome")
        server.stop()
        for outcome, total in outcomes.items():
            self.assertEqual(server.log.count(f" Login {outcome}: "), total, server.log)
        self.assertEqual(outcomes["accepted"], 8)
        self.assertEqual(totals(page, "auth_type"), {"file": sum(outcomes.values())})
        up = totals(page, "kind", "mycred_server_up")
        self.assertEqual(up, {"database": 1})
        self.assertEqual(promtool(page.encode()), "")

    def test_processes(self) -> None:
        """
        With several processes there is one page for all.  Nothing on it falls when one of
        them is killed, also if it is the one that serves the page.
        """
        server = self.start(
            self.passwords(alice="sesame"), _PLACE, "--processes=2", offered="imap"
        )

        def counted(logins: int) -> bool:
            with contextlib.suppress(OSError):
                page = pageOf(server)
                workers = totals(page, "worker", "mycred_read_timestamp_seconds")
                isTold = totals(page, "outcome") == {"accepted": logins}
                return isTold and set(workers) == {"1", "2"}
            return False

        def logIn(times: int) -> None:
            for _ in range(times):
                server.imap("alice", "sesame").logout()

        logIn(12)
        until(lambda: counted(12))
        for number in (1, 2):
            self.killed(server, number)
            until(lambda: counted(12))
        logIn(8)
        until(lambda: counted(20))
        self.assertEqual(promtool(pageOf(server).encode()), "")
        server.stop()
        self.assertNotIn("Traceback", server.log)
        self.assertEqual(server.log.count("Metrics are served at"), 1)

    def killed(self, server: Server, number: int) -> None:
        """
        Kill a worker, and wait until there is another one.
        """

        def worker() -> int | None:
            for pid in descendants(server.pid):
                with contextlib.suppress(OSError):
                    title = Path(f"/proc/{pid}/cmdline").read_text()
                    if title.endswith(f"\0myapp: worker {number} of 2\0"):
                        return pid
            return None

        first = until(worker)
        os.kill(first, signal.SIGKILL)
        until(lambda: worker() not in (None, first))

    def test_notAsked(self) -> None:
        """
        Without C{--metrics} nothing is counted, nor served.
        """
        options = {"metrics": None, "worker": None, "credCheckers": []}
        self.assertIsNone(makeMetrics(options))

    def test_wrong(self) -> None:
        """
        A place that can't be right is told in one line.
        """
        for place, said in [
            ("9100", "--metrics=9100: "),
            ("tcp:http", "--metrics=tcp:http: port: write a number"),
        ]:
            done = refusal("--auth=memory:alice:sesame", f"--metrics={place}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"twistd myapp: {said}", done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
