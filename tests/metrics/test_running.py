"""
Tests for L{mycred._metrics._running}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import LogEvent, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._metrics._running import WhenRunning


@implementer(IReactorFromThreads)
class Reactor:
    """
    A reactor that runs when the test says so.
    """

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callFromThread(self, call: Callable[..., object], *args: object) -> None:
        """
        Call something when it runs.
        """
        self.calls.append(lambda: call(*args))

    def run(self) -> None:
        """
        Run.
        """
        while self.calls:
            self.calls.pop(0)()

    callInThread = suggestThreadPoolSize = getThreadPool = None


class RunningTests(SynchronousTestCase):
    """
    Tests for what begins when the reactor runs.
    """

    def setUp(self) -> None:
        self.publisher = LogPublisher()
        self.begun: list[object] = []
        self.reactor = Reactor()

    def install(self, reactor: object) -> None:
        """
        Have a reactor be the installed one; L{None} for none.
        """
        modules = {**sys.modules, "twisted.internet.reactor": reactor}
        if reactor is None:
            del modules["twisted.internet.reactor"]
        self.patch(sys, "modules", modules)

    def begin(self) -> WhenRunning:
        """
        Wait for the reactor.
        """
        return WhenRunning(self.begun.append, self.publisher)

    def test_later(self) -> None:
        """
        It begins when the reactor runs that is chosen later, and once.
        """
        self.install(None)
        self.begin()
        self.publisher({})
        self.install(self.reactor)
        self.publisher({})
        self.publisher({})
        self.assertEqual(self.begun, [])
        self.reactor.run()
        self.publisher({})
        self.reactor.run()
        self.assertEqual(self.begun, [self.reactor])

    def test_already(self) -> None:
        """
        If the reactor is chosen already, nothing needs to be logged.
        """
        self.install(self.reactor)
        self.begin()
        self.reactor.run()
        self.assertEqual(self.begun, [self.reactor])

    def test_choosing(self) -> None:
        """
        While the module is being imported that chooses the reactor there is none.
        """
        self.install(sys)
        self.begin()
        self.publisher({})
        self.install(self.reactor)
        self.publisher({})
        self.reactor.run()
        self.assertEqual(self.begun, [self.reactor])

    def test_canceled(self) -> None:
        """
        It doesn't begin any more when it is canceled, before the reactor is chosen and
        after that.
        """
        for isChosen in (False, True):
            self.install(self.reactor if isChosen else None)
            waiting = self.begin()
            waiting.cancel()
            self.install(self.reactor)
            self.publisher({})
            self.reactor.run()
        self.assertEqual(self.begun, [])

    def test_others(self) -> None:
        """
        Other observers miss no event, and afterwards this one is gone.
        """
        events: list[LogEvent] = []
        self.install(None)
        self.begin()
        self.publisher.addObserver(events.append)  # type: ignore[arg-type]
        self.install(self.reactor)
        for number in range(3):
            self.publisher({"number": number})
            self.reactor.run()
        self.assertEqual([event["number"] for event in events], [0, 1, 2])
        observers: Any = self.publisher._observers
        self.assertEqual(observers, [events.append])
