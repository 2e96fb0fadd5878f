"""
Numbers of a server for those who watch it: logins, queues, servers.

    - L{LoginMetrics} counts logins, and reads the rest when it is asked.
    - L{MetricsResource} is the page that Prometheus reads.
    - L{ListeningMetrics} have such a page, where a program has no option for that.
    - L{SharedMetrics} are those of several processes.
"""

from ._listening import (
    EXAMPLE,
    ListeningMetrics,
    listenAt,
    logPlace,
    makeMetrics,
    metricsOptions,
)
from ._metrics import FAMILIES, LoginMetrics, MissingLibrary
from ._page import MetricsResource
from ._shared import SharedMetrics, Slots
from ._site import MetricsSite

__all__ = [
    "EXAMPLE",
    "FAMILIES",
    "ListeningMetrics",
    "LoginMetrics",
    "MetricsResource",
    "MetricsSite",
    "MissingLibrary",
    "SharedMetrics",
    "Slots",
    "listenAt",
    "logPlace",
    "makeMetrics",
    "metricsOptions",
]
