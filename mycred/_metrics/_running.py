"""
Begin something when the reactor runs, whichever reactor that will be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import ILogObserver, LogEvent, LogPublisher, globalLogPublisher

_REACTOR = "twisted.internet.reactor"


@implementer(ILogObserver)
class WhenRunning:
    """
    Call a function in the reactor's thread, once the reactor runs.

    What is made while a command line is parsed mustn't import a reactor: the program may
    choose another one later.  Each program of Twisted's logs something after it has
    chosen, so that the log's events tell when to look.
    """

    def __init__(
        self,
        call: Callable[[Any], object],
        publisher: LogPublisher = globalLogPublisher,
    ) -> None:
        """
        @param call: the function, which is called with the reactor.
        @param publisher: where events are logged.
        """
        self._call: Callable[[Any], object] | None = call
        self._publisher = publisher
        self._isSeen = False
        publisher.addObserver(self)
        self({})

    def __call__(self, event: LogEvent) -> None:
        """
        Look whether there is a reactor, in any thread.
        """
        reactor: Any = sys.modules.get(_REACTOR)
        if self._isSeen or not IReactorFromThreads.providedBy(reactor):
            return
        self._isSeen = True
        # Not at once: the publisher goes through its observers now.
        reactor.callFromThread(self._begin, reactor)

    def cancel(self) -> None:
        """
        Don't call the function any more.
        """
        self._call = None
        self._publisher.removeObserver(self)

    def _begin(self, reactor: object) -> None:
        """
        Call the function.
        """
        call = self._call
        self.cancel()
        if call is not None:
            call(reactor)


__all__ = ["WhenRunning"]
