"""
The page that Prometheus reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import CooperativeTask, Cooperator, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from ._encoding import Collector, encodeAll
from ._metrics import insistOnLibrary

_Steps = Iterator[None]

# A version of a format that none has: the library fails over it, or says that the page
# has it; and readers who name different ones would have a page made each.
_strange = re.compile(r"version=(?!(?:0\.0\.[14]|1\.0\.0)(?:[;,\s]|$))")

# The reactor does something else for so long after each 0.01 s of making pages, however
# many are asked for, in seconds.
_PAUSE = 0.02

_TROUBLE = b"The metrics can't be read; the log says why.\n"


class MetricsResource(Resource):
    """
    A page with metrics, in the format that the reader asks for.

    It is made in the reactor's thread, a piece at a time, with other events between two
    of them.  Those who ask for it meanwhile get the same page.
    C{prometheus_client.twisted} has one, too: it takes the reactor's threads, in which
    names are resolved, and chooses the reactor when it is imported.
    """

    isLeaf = True

    _log = Logger()

    def __init__(
        self,
        metrics: Collector,
        *,
        cooperate: Callable[[_Steps], CooperativeTask[_Steps]] | None = None,
    ) -> None:
        """
        @param metrics: what has the metrics.
        @param cooperate: what goes through an iterator, with other events between; what
            leaves two thirds of the time to these if L{None}.

        @raise MissingLibrary: if C{prometheus_client} isn't installed.
        """
        insistOnLibrary()
        super().__init__()
        self._metrics = metrics
        self._cooperate = cooperate or Cooperator(scheduler=_later).cooperate
        # The page that is being made, and who waits for it, by its format.
        self._making: dict[str, tuple[CooperativeTask[_Steps], list[Request]]] = {}

    def render_GET(self, request: Request) -> int:
        """
        Begin to make the page, unless that is being done.
        """
        from prometheus_client.exposition import choose_encoder

        accepted = (request.getHeader(b"Accept") or b"").decode("ascii", "replace")
        encode, kind = choose_encoder("" if _strange.search(accepted) else accepted)
        request.setHeader(b"Content-Type", kind.encode("ascii"))
        if kind not in self._making:
            self._begin(kind, encode)
        task, waiting = self._making[kind]

        def ebGone(_: Failure) -> None:
            waiting.remove(request)
            if not waiting:
                task.stop()

        waiting.append(request)
        request.notifyFinish().addErrback(ebGone)
        return NOT_DONE_YET

    def _begin(self, kind: str, encode: Callable[[Any], bytes]) -> None:
        """
        Begin to make a page.
        """
        pieces: list[bytes] = []
        task = self._cooperate(encodeAll(self._metrics, encode, pieces))
        waiting: list[Request] = []
        self._making[kind] = task, waiting

        def cbDone(result: object) -> object:
            del self._making[kind]
            return result

        done = task.whenDone().addBoth(cbDone)
        done.addCallback(lambda _: _answer(waiting, b"".join(pieces)))
        done.addErrback(self._ebFailed, waiting)

    def _ebFailed(self, failure: Failure, waiting: list[Request]) -> None:
        """
        Say that there is no page, unless all who waited have gone.
        """
        if failure.check(TaskStopped):
            return
        self._log.failure("The metrics can't be read", failure=failure)
        for request in waiting:
            request.setResponseCode(INTERNAL_SERVER_ERROR)
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        _answer(waiting, _TROUBLE)


def _later(call: Callable[[], None]) -> Any:
    """
    Call something after a pause.
    """
    from twisted.internet import reactor

    return reactor.callLater(_PAUSE, call)


def _answer(waiting: list[Request], page: bytes) -> None:
    """
    Answer requests with a page.
    """
    for request in waiting:
        request.setHeader(b"Content-Length", b"%d" % len(page))
        request.write(page)
        request.finish()


__all__ = ["MetricsResource"]
