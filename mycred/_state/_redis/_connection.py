"""
One connection to a Redis server, which all logins share.

It is made when it is needed, and given up as soon as one answer takes too long or is an
error: the next request looks for the server anew, which may have become another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    gatherResults,
    inlineCallbacks,
    succeed,
)
from twisted.python.failure import Failure

from ..._secrets import printable
from .._errors import StateUnavailable
from .._overdue import OverdueWatch
from ._answers import ScriptUnknown, refusalOf
from ._calls import clockOf
from ._greeting import Command, greeting
from ._protocol import endpointOf, makeFactory
from ._url import RedisURL

_SLOW = "it doesn't answer"
_CLOSED = "the connection was closed"


class Connection:
    """
    A connection to a server.
    """

    def __init__(
        self,
        url: RedisURL,
        claim: Command,
        reactor: Any,
        longestOpening: float,
        timeout: float,
    ) -> None:
        """
        @param url: where it is.
        @param claim: a command that must succeed before others are sent.
        @param longestOpening: how long it may take to connect and to log in, in seconds.
        @param timeout: how long an answer may take, in seconds.
        """
        self._url = url
        self._greeting = (*greeting(url), claim, (b"TIME",))
        self._reactor = reactor
        self._longestOpening = longestOpening
        self._isClosed = False
        self._opening: Deferred[Any] | None = None
        self._waiting: list[tuple[Callable[[], Command], Deferred[Any]]] = []
        # The protocol as soon as others than the greeting may be sent.
        self._protocol: Any = None
        # When those commands were sent that wait for a reply, the first one first.
        self._sent: deque[float] = deque()
        self._watch = OverdueWatch(reactor, timeout, self._oldest, self._expire)
        # When that was sent to which the last reply came.
        self._asked = 0.0
        # By how much the server's clock is ahead, in microseconds.
        self._ahead = 0

    def ask(self, make: Callable[[], Command]) -> Deferred[Any]:
        """
        Send a command.

        @param make: returns it; it is called when there is a connection.

        @return: a L{Deferred} that fires with the reply, or fails with
            L{StateUnavailable}.
        """
        if self._protocol is not None:
            return self._send(make())
        answer: Deferred[Any] = Deferred()
        self._waiting.append((make, answer))
        if self._opening is None:
            self._connect()
        return answer

    def clock(self) -> int:
        """
        Return the server's clock, in microseconds.  It may be ahead of that by the time
        that its last answer took, and is never behind: where the reactor is held up, it
        sends what it is asked and reads the replies later.
        """
        return int(self._reactor.seconds() * 1_000_000) + self._ahead

    def noteClock(self, clock: int) -> None:
        """
        Note what the last reply has told of the server's clock.
        """
        self._ahead = clock - int(self._asked * 1_000_000)

    def close(self) -> Deferred[Any]:
        """
        Close it for good.

        @return: a L{Deferred} that fires when it is closed.
        """
        self._isClosed = True
        protocol, opening = self._protocol, self._opening
        if protocol is not None:
            closed: Deferred[Any] = protocol.whenDisconnected()
            self._drop(protocol, _CLOSED)
            return closed
        if opening is not None:
            opening.cancel()
        return succeed(None)

    def _connect(self) -> None:
        """
        Connect, and then send what waits.
        """
        if self._isClosed:
            self._failWaiting(StateUnavailable(_CLOSED))
            return
        self._opening = opening = self._open()
        timer = self._reactor.callLater(self._longestOpening, opening.cancel)

        def stop(result: Any) -> Any:
            self._opening = None
            if timer.active():
                timer.cancel()
            return result

        opening.addBoth(stop).addCallbacks(self._cbOpen, self._ebOpen)

    @inlineCallbacks
    def _open(self) -> Generator[Deferred[Any], Any, Any]:
        """
        Return a protocol that has greeted the server.
        """
        protocol = yield endpointOf(self._url, self._reactor).connect(makeFactory())
        self._asked = self._reactor.seconds()
        try:
            sent = [protocol.execute_command(*command) for command in self._greeting]
            replies = yield gatherResults(sent, consumeErrors=True)
            self.noteClock(clockOf(replies[-1]))
        except Exception as error:
            protocol.transport.abortConnection()
            failure = error.subFailure if isinstance(error, FirstError) else Failure()
            raise _errorOf(failure, protocol) from None
        return protocol

    def _cbOpen(self, protocol: Any) -> None:
        """
        Send what waits.
        """
        self._protocol, self._sent = protocol, deque()
        protocol.whenDisconnected().addCallback(self._cbLost)
        waiting, self._waiting = self._waiting, []
        for make, answer in waiting:
            if answer.called:
                # Nobody waits for it any more.
                continue
            self.ask(make).chainDeferred(answer)

    def _ebOpen(self, failure: Failure) -> None:
        """
        Fail those who wait.
        """
        self._failWaiting(_errorOf(failure, None))

    def _failWaiting(self, error: StateUnavailable) -> None:
        """
        Fail those who wait for a connection.
        """
        waiting, self._waiting = self._waiting, []
        for _, answer in waiting:
            if not answer.called:
                answer.errback(error)

    def _send(self, command: Command) -> Deferred[Any]:
        """
        Send a command.
        """
        protocol, sent = self._protocol, self._sent
        sent.append(self._reactor.seconds())
        self._watch.begin()

        def cbReply(reply: Any) -> Any:
            self._asked = sent.popleft()
            return reply

        def ebReply(failure: Failure) -> Any:
            sent.popleft()
            error = _errorOf(failure, protocol)
            if not isinstance(error, ScriptUnknown):
                self._drop(protocol, str(error))
            raise error from None

        answer: Deferred[Any] = protocol.execute_command(*command)
        return answer.addCallbacks(cbReply, ebReply)

    def _oldest(self) -> float | None:
        """
        Return when the first command was sent that waits for a reply.
        """
        return self._sent[0] if self._sent else None

    def _expire(self) -> None:
        """
        Give up a connection on which a reply is overdue.
        """
        self._drop(self._protocol, _SLOW)

    def _drop(self, protocol: Any, why: str) -> None:
        """
        Use a connection no more.
        """
        if protocol is not self._protocol:
            return
        protocol.noteWhy(why)
        self._protocol = None
        self._sent = deque()
        self._watch.stop()
        protocol.transport.abortConnection()

    def _cbLost(self, protocol: Any) -> None:
        """
        Know that a connection was lost.
        """
        self._drop(protocol, protocol.reason)


def _errorOf(failure: Failure, protocol: Any) -> StateUnavailable:
    """
    Return why something failed.

    @param protocol: the protocol that it was asked by; L{None} if there was none.
    """
    from txredisapi import RedisError, ResponseError

    error = failure.value
    if isinstance(error, StateUnavailable):
        return error
    if isinstance(error, ResponseError):
        return refusalOf(str(error))
    if isinstance(error, CancelledError):
        return StateUnavailable(_SLOW)
    if isinstance(error, RedisError):
        # Its words are about this library's own state.
        return StateUnavailable(protocol.reason)
    return StateUnavailable(printable(str(error)) or type(error).__name__)


__all__ = ["Connection"]
