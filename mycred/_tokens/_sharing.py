"""
Requests that several logins wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from ._errors import CannotTell

_T = TypeVar("_T")


class SharedRequests(Generic[_T]):
    """
    Requests of which there is one at a time for the same question.  Who asks meanwhile
    gets its answer, too.
    """

    def __init__(
        self, deadline: float, reactor: Any = None, goesOn: bool = False
    ) -> None:
        """
        @param deadline: how long a caller waits at most, in seconds.
        @param goesOn: whether a request goes on when nobody waits for it any more.
        @param reactor: the reactor; the one that is installed if L{None}.
        """
        self._deadline = deadline
        self._reactor = reactor
        self._goesOn = goesOn
        self._underWay: dict[Hashable, _Request[_T]] = {}

    def __len__(self) -> int:
        """
        Return how many requests are under way.
        """
        return len(self._underWay)

    def ask(self, key: Hashable, start: Callable[[], Deferred[_T]]) -> Deferred[_T]:
        """
        Wait for the answer to a request.

        @param key: what is equal where the same is asked.
        @param start: sends the request.

        @return: a L{Deferred} that fires with the answer, or fails as the request does,
            or with L{CannotTell} at the deadline.  When nobody waits any more, the
            request is cancelled, unless it is to go on.
        """
        reactor = self._reactor
        if reactor is None:
            from twisted.internet import reactor
        request = self._underWay.get(key)
        isNew = request is None
        if request is None:
            request = self._underWay[key] = _Request()
        answer: Deferred[_T] = Deferred(lambda _: self._leave(key, request, answer))

        def expire() -> None:
            self._leave(key, request, answer)
            answer.errback(CannotTell("too many tokens wait to be checked"))

        request.waiting[answer] = reactor.callLater(self._deadline, expire)
        if isNew:
            request.running = maybeDeferred(start)
            request.running.addBoth(self._end, key, request)
        return answer

    def _leave(self, key: Hashable, request: _Request[_T], answer: Deferred[_T]) -> None:
        """
        Wait no more, and drop a request that nobody waits for.
        """
        _stop(request.waiting.pop(answer, None))
        if self._goesOn or request.waiting:
            return
        if self._underWay.get(key) is request:
            del self._underWay[key]
            if request.running is not None:
                request.running.cancel()

    def _end(self, result: _T | Failure, key: Hashable, request: _Request[_T]) -> None:
        """
        Answer those who wait.
        """
        if self._underWay.get(key) is request:
            del self._underWay[key]
        while request.waiting:
            # One by one: what an answer brings about may make others leave.
            answer = next(iter(request.waiting))
            _stop(request.waiting.pop(answer))
            if isinstance(result, Failure):
                # Each login adds its own to a failure.
                answer.errback(Failure(result.value))
            else:
                answer.callback(result)


class _Request(Generic[_T]):
    """
    A request that is under way.

    @ivar waiting: the answers that callers wait for, with their timers.
    @ivar running: what fires with the answer of the server.
    """

    def __init__(self) -> None:
        self.waiting: dict[Deferred[_T], Any] = {}
        self.running: Deferred[Any] | None = None


def _stop(timer: Any) -> None:
    """
    Cancel a timer, if there is one that runs.
    """
    if timer is not None and timer.active():
        timer.cancel()


__all__ = ["SharedRequests"]
