"""
The page that Prometheus reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.task import CooperativeTask, TaskStopped, cooperate
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ._metrics import insistOnLibrary

if TYPE_CHECKING:
    from prometheus_client import Metric

_Steps = Iterator[None]

# The line that ends a page of OpenMetrics.
_END = b"# EOF\n"

# A version of a format that is none: the library fails over it, or says that the page has
# it.
_strange = re.compile(r"version=(?![0-9]{1,3}(\.[0-9]{1,3}){1,2}(?:[;,\s]|$))")

_TROUBLE = b"The metrics can't be read; the log says why.\n"


class Collector(Protocol):
    """
    What has metrics: L{LoginMetrics<mycred.metrics.LoginMetrics>}, or a registry of
    C{prometheus_client}, which may have those of a program, too.
    """

    def collect(self) -> Iterator[Metric]:
        """
        Return the metrics.
        """


class MetricsResource(Resource):
    """
    A page with metrics, in the format that the reader asks for.

    It is made in the reactor's thread, a piece at a time, with other events between two
    of them.  C{prometheus_client.twisted} has one, too: it takes the reactor's threads,
    in which names are resolved, and chooses the reactor when it is imported.
    """

    isLeaf = True

    _log = Logger()

    def __init__(
        self,
        metrics: Collector,
        *,
        cooperate: Callable[
            [Iterator[None]], CooperativeTask[Iterator[None]]
        ] = cooperate,
    ) -> None:
        """
        @param metrics: what has the metrics.
        @param cooperate: what goes through an iterator, with other events between.

        @raise MissingLibrary: if C{prometheus_client} isn't installed.
        """
        insistOnLibrary()
        super().__init__()
        self._metrics = metrics
        self._cooperate = cooperate

    def render_GET(self, request: Request) -> int:
        """
        Begin to make the page.
        """
        from prometheus_client.exposition import choose_encoder

        accepted = (request.getHeader(b"Accept") or b"").decode("ascii", "replace")
        encode, kind = choose_encoder("" if _strange.search(accepted) else accepted)
        request.setHeader(b"Content-Type", kind.encode("ascii"))
        pieces: list[bytes] = []
        task = self._cooperate(_encoded(self._metrics, encode, pieces))
        request.notifyFinish().addErrback(lambda _: task.stop())
        done = task.whenDone()
        done.addCallback(lambda _: _answer(request, b"".join(pieces)))
        done.addErrback(self._ebFailed, request)
        return NOT_DONE_YET

    def _ebFailed(self, failure: Failure, request: Request) -> None:
        """
        Say that there is no page, unless the reader has gone.
        """
        if failure.check(TaskStopped):
            return
        self._log.failure("The metrics can't be read", failure=failure)
        request.setResponseCode(INTERNAL_SERVER_ERROR)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        _answer(request, _TROUBLE)


class MetricsSite(Site):
    """
    A site that has nothing but the page C{/metrics}.
    """

    noisy = False

    def __init__(self, metrics: Collector) -> None:
        """
        @param metrics: what has the metrics.
        """
        root = Resource()
        root.putChild(b"metrics", MetricsResource(metrics))
        # A reader that says nothing isn't waited for for long, in seconds.
        super().__init__(root, timeout=30)

    def log(self, request: object) -> None:
        """
        Log no request: Prometheus sends one each few seconds.
        """


class _One:
    """
    A registry with one metric.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        """
        Return it.
        """
        yield self._metric


def _encoded(
    metrics: Collector, encode: Callable[[Any], bytes], pieces: list[bytes]
) -> _Steps:
    """
    Encode metrics one by one.

    @param encode: what encodes all metrics of a registry.
    @param pieces: what gets the pieces of the page.
    """
    isEnded = False
    for metric in metrics.collect():
        piece = encode(_One(metric))
        isEnded = piece.endswith(_END)
        pieces.append(piece.removesuffix(_END))
        yield
    if isEnded:
        pieces.append(_END)


def _answer(request: Request, page: bytes) -> None:
    """
    Answer a request with a page.
    """
    request.setHeader(b"Content-Length", b"%d" % len(page))
    request.write(page)
    request.finish()


__all__ = ["Collector", "MetricsResource", "MetricsSite"]
