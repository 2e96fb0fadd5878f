"""
What asks a home of shared state as long as it answers in time.

It is up, down, or on probation::

    state       a request                  it fails         it answers
    up          is sent                    down             up
    down        is answered here; after    -                -
                the pause: on probation
    on probation  is answered here         down, longer     up

One request at a time finds out whether it is back, and no login waits for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._failover import Backoff
from .._secrets import printable
from ._errors import StateUnavailable
from ._interface import ISharedState
from ._overdue import OverdueWatch

_log = Logger()

#: How long a login waits for the home at most, in seconds.
LONGEST_WAIT = 0.9

# How long the probe of one that is down may take, with a connection that is made for it.
_LONGEST_PROBE = 6.0

# How long it must work until a failure is the first one again.
_LONG = 60.0

_DOWN = (
    "The shared state {name} can't be asked: {reason}. Until it can, guesses are counted "
    "in this process alone."
)
_BACK = "The shared state {name} answers again."


class _Request:
    """
    What waits for the home.
    """

    __slots__ = ("answer", "began", "instead", "late", "then")

    def __init__(
        self,
        began: float,
        then: Callable[[Any], Any],
        instead: Callable[[], Any],
        late: Callable[[Any], object],
    ) -> None:
        self.answer: Deferred[Any] = Deferred()
        self.began = began
        self.then = then
        self.instead = instead
        self.late = late


class Home:
    """
    A home of shared state that may be down.

    @ivar name: what it is called in the log.
    @ivar isDown: whether it is.
    """

    def __init__(
        self,
        shared: ISharedState,
        name: str,
        reactor: Any,
        backAgain: Callable[[], object],
    ) -> None:
        """
        @param shared: the home.
        @param backAgain: is called when it works again.
        """
        self.name = name
        self.isDown = False
        self._shared = shared
        self._reactor = reactor
        self._backAgain = backAgain
        self._requests: dict[_Request, None] = {}
        self._watch = OverdueWatch(reactor, LONGEST_WAIT, self._oldest, self._expire)
        self._backoff = Backoff()
        self._upSince = self._retryAt = 0.0
        self._probe: Deferred[Any] | None = None

    def ask(
        self,
        begin: Callable[[], Any],
        then: Callable[[Any], Any],
        instead: Callable[[], Any],
        late: Callable[[Any], object],
    ) -> Any:
        """
        Ask the home.

        @param begin: asks it.
        @param then: returns the answer, of what the home says.
        @param instead: returns the answer if it doesn't say anything in time.
        @param late: is called with what it says after that.

        @return: the answer, or a L{Deferred} that fires with it.
        """
        if self.isDown:
            self._probeIfDue()
            return instead()
        try:
            asked = begin()
        except Exception:
            self._fail(Failure())
            return instead()
        if not isinstance(asked, Deferred):
            return then(asked)
        request = _Request(self._reactor.seconds(), then, instead, late)
        self._requests[request] = None
        self._watch.begin()
        asked.addCallbacks(
            self._cbAsked,
            self._ebAsked,
            callbackArgs=(request,),
            errbackArgs=(request,),
        )
        return request.answer

    def close(self) -> None:
        """
        Wait for nothing any more.
        """
        self._watch.stop()
        if self._probe is not None:
            self._probe.cancel()

    def _cbAsked(self, result: Any, request: _Request) -> None:
        """
        Answer with what the home says.
        """
        if self._requests.pop(request, self) is self:
            request.late(result)
            return
        _answer(request, lambda: request.then(result))

    def _ebAsked(self, failure: Failure, request: _Request) -> None:
        """
        Know that the home is down, unless that is known.
        """
        if request in self._requests:
            self._fail(failure)

    def _oldest(self) -> float | None:
        """
        Return since when the first request waits.
        """
        return next((request.began for request in self._requests), None)

    def _expire(self) -> None:
        """
        Know that the home doesn't answer in time.
        """
        self._fail(Failure(StateUnavailable("it doesn't answer in time")))

    def _fail(self, failure: Failure) -> None:
        """
        Know that the home is down, and answer all who wait.
        """
        now = self._reactor.seconds()
        if now > self._upSince + _LONG:
            self._backoff.reset()
        self._retryAt = now + self._backoff.fail()
        self._watch.stop()
        if not self.isDown:
            self.isDown = True
            self._log(failure)
        requests, self._requests = self._requests, {}
        for request in requests:
            _answer(request, request.instead)

    def _log(self, failure: Failure) -> None:
        """
        Log why the home is down.
        """
        if failure.check(StateUnavailable):
            reason = printable(failure.getErrorMessage().rstrip("."))
            _log.warn(_DOWN, name=self.name, reason=reason)
        else:
            _log.failure(
                _DOWN, failure, name=self.name, reason=type(failure.value).__name__
            )

    def _probeIfDue(self) -> None:
        """
        Find out whether the home is back, if it is time.
        """
        if self._probe is not None or self._reactor.seconds() < self._retryAt:
            return
        # Something is written: one that can only be read is no home.
        self._probe = probe = maybeDeferred(
            self._shared.compareAndSet, b"probe", None, b"", 0.001
        )
        timer = self._reactor.callLater(_LONGEST_PROBE, probe.cancel)

        def end(result: Any) -> Any:
            self._probe = None
            if timer.active():
                timer.cancel()
            return result

        probe.addBoth(end).addCallbacks(self._cbProbe, self._ebProbe)

    def _cbProbe(self, _: object) -> None:
        """
        Ask the home again.
        """
        self.isDown = False
        self._upSince = self._reactor.seconds()
        _log.info(_BACK, name=self.name)
        self._backAgain()

    def _ebProbe(self, _: Failure) -> None:
        """
        Leave the home alone for a while.
        """
        self._retryAt = self._reactor.seconds() + self._backoff.fail()


def _answer(request: _Request, make: Callable[[], Any]) -> None:
    """
    Answer a request, unless nobody waits any more.
    """
    made = maybeDeferred(make)
    if request.answer.called:
        made.addErrback(lambda _: None)
    else:
        made.chainDeferred(request.answer)


__all__ = ["LONGEST_WAIT", "Home"]
