"""
Logins that have ended, and what metrics say of them.
"""

from __future__ import annotations

import subprocess
from time import monotonic
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest

from mycred._audit import LoginEvent
from mycred._metrics._samples import Labels, Sample
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import UsernamePassword


def ended(
    error: Exception | None = None,
    service: Any = "imap",
    authType: Any = "memory",
    seconds: float = 0.002,
    cached: bool | None = None,
    credentials: Any = None,
) -> LoginEvent:
    """
    Return how a login has ended.

    @param error: what it has failed with, unless it was accepted.
    @param service: the protocol.
    @param authType: what its checker calls itself.
    @param seconds: how long it took.
    @param cached: whether a cache knew it.
    @param credentials: what was presented; a name and a password if L{None}.
    """
    checker: Any = InMemoryUsernamePasswordDatabaseDontUse()
    checker.authType = authType
    presented: Any = credentials or UsernamePassword(b"alice", b"sesame")
    presented.service = service
    result = None if error is None else Failure(error)
    event = LoginEvent(presented, result, monotonic(), checker, b"alice", cached)
    event.seconds = seconds
    return event


def valuesOf(samples: Any, family: str, suffix: str = "") -> dict[Labels, float]:
    """
    Return the numbers of a family that aren't 0, by their labels.
    """
    found: list[Sample] = [one for one in samples if one[:2] == (family, suffix)]
    return {one.labels: one.value for one in found if one.value}


def totals(page: str, label: str, name: str = "mycred_logins_total") -> dict[str, float]:
    """
    Return the numbers on a page by the values of one label, all others added up, without
    those that are 0.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name and sample.value:
                value = sample.labels[label]
                found[value] = found.get(value, 0) + sample.value
    return found


def promtool(page: bytes) -> str:
    """
    Return what C{promtool check metrics} says of a page, with its status if that isn't 0.
    """
    command = ["promtool", "check", "metrics"]
    try:
        done = subprocess.run(command, input=page, capture_output=True)
    except FileNotFoundError:
        raise SkipTest("install prometheus")
    said = (done.stdout + done.stderr).decode()
    return said + (f" (status {done.returncode})" if done.returncode else "")
