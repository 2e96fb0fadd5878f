"""
End a worker when the process that has started it ends, in whatever way.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ReactorNotRunning
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure

from ..._processtree import endWith
from ._relay import Relay


class Lifeline(FileDescriptor):
    """
    A pipe through which nothing comes, but its end.

    It is for systems that don't end a worker themselves, as Linux does.
    """

    def __init__(self, reactor: Any, descriptor: int = 0) -> None:
        """
        @param reactor: the reactor, which is stopped then.
        @param descriptor: the descriptor of the pipe.
        """
        super().__init__(reactor)
        self._reactor = reactor
        self._descriptor = descriptor

    def fileno(self) -> int:
        """
        Return the descriptor of the pipe.
        """
        return self._descriptor

    def doRead(self) -> Exception | None:
        """
        Notice the end of the pipe.
        """
        return None if os.read(self._descriptor, 1024) else CONNECTION_LOST

    def connectionLost(self, reason: Failure) -> None:
        """
        Stop the reactor.  Some notice the end of a pipe themselves.
        """
        super().connectionLost(reason)
        with suppress(ReactorNotRunning):
            self._reactor.stop()


class WorkerService(Service):
    """
    What a process does besides since it is a worker.
    """

    def __init__(self, parent: int, relay: Relay, reactor: Any) -> None:
        """
        @param parent: the process ID of the one that has started it.
        @param relay: what sends its log.
        @param reactor: the reactor.
        """
        self._parent = parent
        self._relay = relay
        self._reactor = reactor

    def startService(self) -> None:
        """
        Say when clients are served, and end when the process does that has started this
        one.
        """
        super().startService()
        # Again, since it may have become another user.
        endWith(self._parent)
        Lifeline(self._reactor).startReading()
        self._reactor.callWhenRunning(self._relay.ready)


__all__ = ["Lifeline", "WorkerService"]
