"""
Tests for L{mycred._metrics._listening}.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from ftplib import FTP, error_perm
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import Agent, readBody

from mycred._contracts import InvalidAuthArgumentString
from mycred._metrics import (
    EXAMPLE,
    ListeningMetrics,
    listenAt,
    logPlace,
    makeMetrics,
    metricsOptions,
)

from ..kit.metrics import ended, totals
from ..kit.running import Running
from ..kit.server import PATIENCE

_FREE = "tcp:0:interface=127.0.0.1"


class LogTestCase(TestCase):
    """
    Base of the tests that look at the log.
    """

    def setUp(self) -> None:
        self.events: list[dict[str, Any]] = []
        observe: Any = self.events.append
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def logged(self, field: str) -> list[Any]:
        """
        Return the values of a field in what metrics have logged.
        """
        namespace = "mycred._metrics._listening"
        events = [e for e in self.events if e.get("log_namespace") == namespace]
        return [event[field] for event in events if field in event]


class ListeningTests(LogTestCase):
    """
    Tests for metrics at a port of their own.
    """

    @inlineCallbacks
    def began(self, metrics: ListeningMetrics) -> Iterator[Deferred[Any]]:
        """
        Wait until they are served, or can't be.
        """
        began: Deferred[None] = Deferred()
        reactor.callFromThread(began.callback, None)
        yield began
        self.addCleanup(metrics.close)

    @inlineCallbacks
    def test_served(self) -> Iterator[Deferred[Any]]:
        """
        They are served once the reactor runs, and the log says where; until they are
        closed.
        """
        metrics = makeMetrics(
            metricsOptions.parse(f"listen={_FREE.replace(':', chr(92) + ':')}")
        )
        self.assertEqual(self.logged("address"), [])
        yield self.began(metrics)
        [address] = self.logged("address")
        self.assertEqual(address.host, "127.0.0.1")
        metrics(ended())
        agent: Any = Agent(reactor)
        url = b"http://127.0.0.1:%d/metrics" % address.port
        answer = yield agent.request(b"GET", url)
        page: Any = yield readBody(answer)
        self.assertEqual(totals(page.decode(), "outcome"), {"accepted": 1})
        yield metrics.close()
        failed = agent.request(b"GET", url)
        yield self.assertFailure(failed, Exception)

    @inlineCallbacks
    def test_inUse(self) -> Iterator[Deferred[Any]]:
        """
        A port in use is an error in the log, and logins are counted all the same.
        """
        port: Any = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number = port.getHost().port
        metrics = ListeningMetrics(f"tcp:{number}:interface=127.0.0.1")
        yield self.began(metrics)
        [why] = self.logged("why")
        self.assertIn("Address already in use", why)
        [event] = [e for e in self.events if "why" in e]
        self.assertEqual(event["log_level"].name, "error")
        metrics(ended())
        yield metrics.close()

    @inlineCallbacks
    def test_closedBefore(self) -> Iterator[Deferred[Any]]:
        """
        What is closed before the reactor runs is never served.
        """
        metrics = ListeningMetrics(_FREE)
        self.assertIsNone(metrics.close())
        yield self.began(metrics)
        self.assertEqual(self.logged("address"), [])


class Port:
    """
    A port.
    """

    def __init__(self, address: object) -> None:
        self.getHost = lambda: address


class PlaceTests(LogTestCase, SynchronousTestCase):
    """
    Tests for places to listen at.
    """

    def test_public(self) -> None:
        """
        A place that other machines can reach is warned of.
        """
        for address, isPublic in [
            (IPv4Address("TCP", "0.0.0.0", 9100), True),
            (IPv4Address("TCP", "198.51.100.1", 9100), True),
            (IPv4Address("TCP", "127.0.0.1", 9100), False),
            (UNIXAddress("/run/metrics"), False),
        ]:
            self.events.clear()
            port: Any = Port(address)
            logPlace(port, "--metrics=x")
            self.assertEqual(self.logged("option"), ["--metrics=x"] * isPublic)
            [place] = self.logged("place")
            host = getattr(address, "host", None)
            right = "/run/metrics" if host is None else f"{host}, port 9100"
            self.assertEqual(place, right)

    def test_certificates(self) -> None:
        """
        There is no warning where readers need a certificate.
        """
        port: Any = Port(IPv4Address("TCP", "198.51.100.1", 9100))
        for known, said in (("optional", 1), ("required", 0)):
            logPlace(port, f"--metrics=mtls:9100:clientCA=ca.pem:clientCert={known}")
            self.assertEqual(len(self.logged("option")), said)
            self.events.clear()

    def test_wrong(self) -> None:
        """
        A description that can't be right is refused at the start, with one that would be.
        """
        for wrong in (
            "",
            "9100",
            "tcp:http",
            "tcp",
            "nothing:9100",
            "stdio:",
            "tcp:1:x=2",
        ):
            error = self.assertRaises(ValueError, listenAt, wrong)
            if wrong:
                self.assertIn(EXAMPLE, str(error))
            self.assertNotIn("int()", str(error))
        for right in (EXAMPLE, "unix:/run/metrics:mode=660", "tcp6:9100"):
            self.assertEqual(listenAt(right), right)
        error = self.assertRaises(InvalidAuthArgumentString, metricsOptions.parse, "")
        self.assertEqual(str(error), "listen must be given")

    def test_notMade(self) -> None:
        """
        A UNIX socket isn't made before the reactor runs.
        """
        path = Path(self.mktemp())
        listenAt(f"unix:{path}")
        self.assertFalse(path.exists())


class ProgramTests(SynchronousTestCase):
    """
    Tests for a program of Twisted's.
    """

    def test_ftp(self) -> None:
        """
        Twisted's FTP server counts its logins, and serves their number, as the file of a
        stack says.
        """
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        (folder / "users").write_text("alice:sesame\n")
        settings = folder / "login.ini"
        settings.write_text(
            f"[stack]\ncheckers = file:{folder}/users\n[metrics]\nlisten = {_FREE}\n"
        )
        ftp = ["ftp", "--port=0", f"--root={folder}", f"--auth=stack:{settings}"]
        server = Running("MetricsSite", *ftp)
        self.addCleanup(server.stop)
        [port] = re.findall(r"FTPFactory starting on (\d+)", server.log)
        for password in ("sesame", "wrong", "sesame"):
            with FTP(timeout=PATIENCE) as client:
                client.connect("127.0.0.1", int(port))
                with contextlib.suppress(error_perm):
                    client.login("alice", password)
        url = f"http://127.0.0.1:{server.port}/metrics"
        with urlopen(url, timeout=PATIENCE) as answer:
            page = answer.read().decode()
        self.assertEqual(totals(page, "outcome"), {"accepted": 2, "refused": 1})
        self.assertEqual(totals(page, "auth_type"), {"file": 3})
