"""
Tests for the page about metrics, and the dashboard and the alerts in C{doc/examples}, by
the numbers that L{mycred._metrics} tells.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from mycred._gauged import LiveObjects
from mycred._mechanism import MECHANISMS
from mycred._metrics import FAMILIES, LoginMetrics
from mycred._metrics._counts import OUTCOMES
from mycred._metrics._gauges import Gauges

from ..kit.metrics import ended

EXAMPLES = Path(mycred.__file__).parents[1] / "doc" / "examples"
DASHBOARD = EXAMPLES / "grafana-dashboard.json"
ALERTS = EXAMPLES / "prometheus-alerts.yml"

# The mechanisms that have no name of SASL's.
_WAYS = {name for name in MECHANISMS if name.islower()}

# The labels that a number gets from Prometheus, or as one of several processes.
_ADDED = {"instance", "worker"}

_bucket = 'mycred_login_duration_seconds_bucket{{outcome="accepted",le="{}"}}'

# For each alert, numbers that raise it: a rule for one each minute, by series.
_RAISED = {
    "LoginsImpossible": {
        'mycred_logins_total{outcome="temporary",auth_type="ldap"}': "0+6x30",
    },
    "LoginsFailByDefect": {
        'mycred_logins_total{outcome="failed",auth_type="sql"}': "0x5 1x25",
    },
    "PasswordsGuessed": {
        'mycred_logins_total{outcome="refused",protocol="imap"}': "0+50x30",
        'mycred_logins_total{outcome="throttled",protocol="imap"}': "0+50x30",
    },
    "LoginsSlow": {
        _bucket.format("5.0"): "0+1x30",
        _bucket.format("10.0"): "0+9x30",
        _bucket.format("+Inf"): "0+9x30",
    },
    "LoginsQueue": {
        'mycred_waiting{pool="login"}': "501x30",
        'mycred_waiting_limit{pool="login"}': "1000x30",
    },
    "ServerDown": {
        'mycred_server_up{kind="directory",server="a",worker="1"}': "1x30",
        'mycred_server_up{kind="directory",server="a",worker="2"}': "1x5 0x25",
    },
    "WorkerHangs": {'mycred_read_timestamp_seconds{worker="2"}': "0+60x10 600x20"},
}

# Numbers of a server that is well, and used.
_WELL = {
    'mycred_logins_total{outcome="accepted",auth_type="ldap"}': "0+100x30",
    'mycred_logins_total{outcome="refused",auth_type="ldap"}': "0+20x30",
    'mycred_logins_total{outcome="temporary",auth_type="ldap"}': "3x30",
    'mycred_logins_total{outcome="temporary",auth_type="unknown"}': "0+6x30",
    'mycred_waiting{pool="login"}': "400x30",
    'mycred_waiting_limit{pool="login"}': "1000x30",
    'mycred_server_up{kind="directory",server="a"}': "1x30",
    "mycred_read_timestamp_seconds": "0+60x30",
}


class OneObject(LiveObjects[Any]):
    """
    One object.
    """

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self._one = type("One", (), {"__len__": lambda _: 1, **values})()

    def all(self) -> list[Any]:
        return [self._one]


def labelsOf() -> dict[str, set[str]]:
    """
    Return the names of all numbers as Prometheus has them, with their labels.
    """
    pool = OneObject(job="login", threads=1, busy=1, waiting=1, queueLimit=1)
    server = OneObject(kind="directory", name="a", isDown=False)
    gauges = Gauges(pool, server, OneObject(tableName="cached logins", limit=1))
    metrics = LoginMetrics(gauges=gauges)
    metrics(ended(cached=True))
    page = generate_latest(metrics).decode()  # type: ignore[arg-type]
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def promtool(*arguments: str) -> str:
    """
    Return what C{promtool} says, with its status.
    """
    try:
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise SkipTest("install prometheus")
    return f"{done.stdout}{done.stderr}(status {done.returncode})"


class MonitoringTestCase(SynchronousTestCase):
    """
    Base of the tests with queries.
    """

    def assertKnown(self, query: str) -> None:
        """
        Assert that a query names numbers and labels that there are.
        """
        known = labelsOf()
        names = set(re.findall(r"\bmycred_\w+", query))
        self.assertTrue(names, query)
        self.assertLessEqual(names, set(known), query)
        labels = set(re.findall(r'\b(\w+)(?:=~|!=|=)"', query))
        for listed in re.findall(r"\bby \(([^)]*)\)", query):
            labels.update(listed.split(", "))
        self.assertLessEqual(labels, set.union(*map(known.get, names), _ADDED), query)

    def written(self, name: str, content: object) -> str:
        """
        Write a file of JSON, which is YAML, too.

        @return: its path.
        """
        path = Path(self.mktemp()).with_name(name).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return str(path)


class PageTests(MonitoringTestCase):
    """
    Tests for the page about metrics.
    """

    page = (EXAMPLES.parent / "metrics.rst").read_text("utf-8")

    def test_complete(self) -> None:
        """
        It names all numbers and their labels, all outcomes and mechanisms, and none else.
        """
        told = set(re.findall(r"``(mycred_\w+)``", self.page))
        known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in labelsOf()}
        self.assertEqual(told, known)
        labels = set.union(*labelsOf().values()) - {"le"}
        words = {*labels, *OUTCOMES, *_WAYS, "worker", "unknown", "other"}
        self.assertLessEqual(words, set(re.findall(r"``(\w+)``", self.page)))


class DashboardTests(MonitoringTestCase):
    """
    Tests for the dashboard.
    """

    def setUp(self) -> None:
        dashboard = json.loads(DASHBOARD.read_text())
        targets = [one for panel in dashboard["panels"] for one in panel["targets"]]
        self.queries = [target["expr"] for target in targets]

    def test_known(self) -> None:
        """
        Each query names what there is, and is for the servers that are chosen.
        """
        for query in self.queries:
            self.assertKnown(query)
            self.assertIn('instance=~"$instance"', query)

    def test_complete(self) -> None:
        """
        All that is told is shown.
        """
        shown = " ".join(self.queries)
        for family in FAMILIES:
            self.assertIn(family, shown)

    def test_valid(self) -> None:
        """
        Prometheus understands each query.
        """
        rules = [
            {
                "record": f"query:{number}",
                "expr": query.replace("$instance", ".*").replace(
                    "$__rate_interval", "5m"
                ),
            }
            for number, query in enumerate(self.queries)
        ]
        path = self.written("rules.yml", {"groups": [{"name": "all", "rules": rules}]})
        said = promtool("check", "rules", path)
        self.assertIn(f"SUCCESS: {len(rules)} rules found", said)
        self.assertIn("(status 0)", said)


class AlertsTests(MonitoringTestCase):
    """
    Tests for the alerts.
    """

    def test_known(self) -> None:
        """
        They name what there is.
        """
        pattern = r"expr: ((?:.|\n)*?)\n +(?:for|labels):"
        queries = re.findall(pattern, ALERTS.read_text())
        self.assertEqual(len(queries), len(_RAISED))
        for query in queries:
            self.assertKnown(query)

    def test_valid(self) -> None:
        """
        Prometheus takes them.
        """
        said = promtool("check", "rules", str(ALERTS))
        self.assertIn(f"SUCCESS: {len(_RAISED)} rules found", said)
        self.assertIn("(status 0)", said)

    def test_raised(self) -> None:
        """
        Each is raised when it should be, and none of the others with it; none is raised
        by a server that is well.
        """
        cases = [({}, _WELL), *(({name}, given) for name, given in _RAISED.items())]
        tests = [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": values}
                    for series, values in given.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "18m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1}
                            for name in raised
                        ],
                    }
                ],
            }
            for raised, given in cases
        ]
        content = {
            "rule_files": [str(ALERTS)],
            "evaluation_interval": "1m",
            "tests": tests,
        }
        said = promtool("test", "rules", self.written("tests.yml", content))
        self.assertIn("SUCCESS", said)
        self.assertIn("(status 0)", said)
