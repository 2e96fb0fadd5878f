"""
Opening a connection in a thread that isn't waited for beyond the deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Union

from ..._failover import Fault, Pool, Slow
from ._connection import Connection

# How long opening takes, in seconds, before the server is probed.
_PATIENCE = 1.0

_Outcome = Union[Connection, Exception]


class Opening:
    """
    A connection that is being opened.
    """

    def __init__(
        self, name: str, connect: Callable[[], Connection], pool: Pool[Connection]
    ) -> None:
        """
        @param name: the server's, for messages.
        @param connect: what opens the connection, and may take long.
        @param pool: gets a connection that comes too late, and keeps a place for it until
            then.
        """
        self._name = name
        self._connect = connect
        self._pool = pool
        self._lock = Lock()
        self._outcome: SimpleQueue[_Outcome] = SimpleQueue()
        self._free: Callable[[], None] | None = None

    def wait(
        self, until: float, isHopeless: Callable[[], bool], done: Callable[[], None]
    ) -> Connection:
        """
        Begin, and wait for the connection.

        @param until: the deadline, by L{time.monotonic}.
        @param isHopeless: a function that returns whether to give up before, which is
            called now and then.
        @param done: a function that is called in the thread when that ends.

        @raise Fault: if there is no connection.
        """
        try:
            Thread(target=self._work, args=(done,), daemon=True).start()
        except RuntimeError as error:
            done()
            raise Fault(f"{self._name}: {error}") from None
        outcome = self._take(until, isHopeless)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _take(self, until: float, isHopeless: Callable[[], bool]) -> _Outcome:
        """
        Wait for what comes out of it.
        """
        while True:
            left = until - time.monotonic()
            try:
                return self._outcome.get(timeout=max(0.0, min(left, _PATIENCE)))
            except Empty:
                if time.monotonic() < until and not isHopeless():
                    continue
            with self._lock:
                if self._outcome.empty():
                    self._free = self._pool.hold()
                    return Slow(f"{self._name} can't be reached in time")

    def _work(self, done: Callable[[], None]) -> None:
        """
        Open the connection, and hand it over, or put it into the pool.
        """
        try:
            outcome: _Outcome = self._connect()
        except Exception as error:
            outcome = error
        finally:
            done()
        with self._lock:
            if self._free is None:
                self._outcome.put(outcome)
                return
        self._free()
        if isinstance(outcome, Connection):
            self._pool.offer(outcome)


__all__ = ["Opening"]
