"""
Measure how late the reactor comes while something else is going on.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, inlineCallbacks


class Lag:
    """
    A tick that remembers how late each came.

    @ivar late: in seconds, for each tick.
    """

    TICK = 0.01

    def __init__(self, reactor: Any) -> None:
        self.late: list[float] = []
        self._reactor = reactor
        self._due = perf_counter() + self.TICK
        self._call = reactor.callLater(self.TICK, self._tick)

    def _tick(self) -> None:
        """
        Remember, and go on.
        """
        now = perf_counter()
        self.late.append(now - self._due)
        self._due = now + self.TICK
        self._call = self._reactor.callLater(self.TICK, self._tick)

    def stop(self) -> tuple[float, float]:
        """
        Stop.

        @return: the 99th percentile and the maximum, in milliseconds.
        """
        # What has stalled the reactor until now counts, too.
        self.late.append(max(0.0, perf_counter() - self._due))
        self._call.cancel()
        late = sorted(self.late)
        return late[int(len(late) * 0.99)] * 1e3, late[-1] * 1e3


@inlineCallbacks
def measured(reactor: Any, work: Callable[[], Any]) -> Any:
    """
    Do something while the reactor runs.

    @return: a L{Deferred} that fires with the seconds that it took, and the lag.
    """
    # Let what went before come to rest.
    yield task.deferLater(reactor, 0.1)
    lag = Lag(reactor)
    began = perf_counter()
    yield work()
    return perf_counter() - began, *lag.stop()


def underReactor(main: Callable[[Any], Deferred[Any]]) -> None:
    """
    Run a benchmark while a reactor runs.
    """
    try:
        task.react(main)
    except SystemExit as ended:
        if ended.code:
            raise
