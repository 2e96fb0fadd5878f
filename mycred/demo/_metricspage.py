"""
C{--metrics}: where Prometheus reads how many log in, and how the server is doing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from tempfile import mkstemp
from typing import Any

from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import LoopingCall

from .._metrics import (
    EXAMPLE,
    ListeningMetrics,
    LoginMetrics,
    MetricsSite,
    SharedMetrics,
    Slots,
    logPlace,
)
from ..portal import Portal
from ._protocols import METRICS

# How often a worker tells its numbers, in seconds.
_OFTEN = 1


def makeMetrics(options: Mapping[str, Any]) -> LoginMetrics | None:
    """
    Return what counts the logins of this process; L{None} if nothing is to be counted.

    @param options: the parsed command line.

    @raise ValueError: if that can't be; the text says what would help.
    """
    _insistOnOnePage(options)
    if not options[METRICS]:
        return None
    worker = options["worker"]
    try:
        if worker is None:
            return LoginMetrics()
        slots = Slots(worker.metrics)
        return SharedMetrics(slots, worker.number, options["processes"])
    except ImportError as error:
        raise ValueError(f"--{METRICS}: {error}") from None


def _insistOnOnePage(options: Mapping[str, Any]) -> None:
    """
    Insist that no stack has a page of its own, which each of several processes would want
    to serve at the same place.

    @raise ValueError: if one has.
    """
    for checker in options["credCheckers"]:
        isOwn = isinstance(getattr(checker, "metrics", None), ListeningMetrics)
        if isOwn and options["processes"] > 1:
            raise ValueError(
                "--auth: [metrics] of a stack is for one process; leave that section "
                f"out, and write --{METRICS}={EXAMPLE}, which counts those of all"
            )


def makePage(options: Mapping[str, Any]) -> MetricsSite:
    """
    Return the factory that serves the page.
    """
    return MetricsSite(options["loginMetrics"])


def openSlots(options: Mapping[str, Any]) -> int | None:
    """
    Return the descriptor of a new file that the workers share; L{None} if they need none.
    """
    if options["loginMetrics"] is None:
        return None
    descriptor, path = mkstemp()
    os.unlink(path)
    return descriptor


def watchLogins(options: Mapping[str, Any], portal: Portal, reactor: Any) -> None:
    """
    Have the logins of a portal counted.  A worker tells the others what it has counted,
    until its end.
    """
    metrics = options["loginMetrics"]
    if metrics is None:
        return
    portal.watch(metrics)
    if options["worker"] is not None:
        sharing = LoopingCall(metrics.share)
        sharing.clock = reactor
        reactor.callWhenRunning(sharing.start, _OFTEN)
        # Only then the last logins have ended.
        reactor.addSystemEventTrigger("after", "shutdown", metrics.share)


def logMetrics(options: Mapping[str, Any], port: IListeningPort | None) -> None:
    """
    Log where the page is, if there is one.
    """
    if port is not None:
        logPlace(port, f"--{METRICS}={options[METRICS]}")


__all__ = [
    "EXAMPLE",
    "logMetrics",
    "makeMetrics",
    "makePage",
    "openSlots",
    "watchLogins",
]
