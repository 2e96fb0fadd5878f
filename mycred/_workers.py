"""
The threads in which work that blocks is done.

They are mycred's own: the reactor's default pool resolves names, and a storm of
logins must not hold those up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from .error import TemporaryFailure

_T = TypeVar("_T")


class Workers:
    """
    A bounded pool of threads with a bounded queue.

    @ivar queueLimit: how many jobs may wait or be under way at a time.
    """

    def __init__(
        self, reactor: Any, threads: int | None = None, queueLimit: int = 1000
    ) -> None:
        """
        @param reactor: the reactor whose thread gets the results, and with
            whose end the threads end.
        @param threads: how many threads there may be; as many as there are
            processors if L{None}.
        @param queueLimit: how many jobs may wait or be under way at a time.
        """
        self.queueLimit = queueLimit
        self._reactor = reactor
        self._jobs = 0
        self._stopped = False
        self._pool = ThreadPool(0, threads or os.cpu_count() or 1, "mycred")
        reactor.callWhenRunning(self._start)

    def run(self, function: Callable[..., _T], *args: object) -> Deferred[_T]:
        """
        Call a function in a thread.

        @param function: what to call.  It must not touch Twisted.
        @param args: what to call it with.

        @return: a L{Deferred} that fires with what the function returns or
            raises, or fails with L{TemporaryFailure} if the queue is full.
            Cancelled while it waits, the function is not called any more.
        """
        if self._stopped or self._jobs >= self.queueLimit:
            return fail(TemporaryFailure("Too many logins at a time"))
        self._jobs += 1
        result: Deferred[_T] = Deferred()

        def work() -> None:
            outcome: Any
            if self._stopped or result.called:
                outcome = Failure(TemporaryFailure("The server is stopping"))
            else:
                try:
                    outcome = function(*args)
                except BaseException:
                    outcome = Failure()
            self._reactor.callFromThread(done, outcome)

        def done(outcome: Any) -> None:
            self._jobs -= 1
            if not result.called:
                result.callback(outcome)

        self._pool.callInThread(work)
        return result

    def _start(self) -> None:
        """
        Start the threads as soon as there is a reactor that will stop them.
        """
        # Before: after that, the reactor doesn't take answers from threads.
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._pool.start()

    def _stop(self) -> Deferred[None]:
        """
        Let the jobs that are being done end, and drop those that wait.

        @return: a L{Deferred} that fires when all of them have their answers.
        """
        self._stopped = True
        self._pool.stop()
        answered: Deferred[None] = Deferred()
        self._reactor.callFromThread(answered.callback, None)
        return answered


_ofReactor: WeakKeyDictionary[Any, Workers] = WeakKeyDictionary()


def workersOf(reactor: Any) -> Workers:
    """
    Return the workers of a reactor, the same for all checkers.
    """
    if reactor not in _ofReactor:
        _ofReactor[reactor] = Workers(reactor)
    return _ofReactor[reactor]


__all__ = ["Workers", "workersOf"]
