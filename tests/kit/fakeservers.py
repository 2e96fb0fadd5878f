"""
Servers that a test has fail, hang and come back, on a clock that it moves: what is asked
of them is nothing, so there is no protocol.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Failover, Fault, Lost, Server, Slow, Terms, _server

#: What connections are for.
ROLES = ("search", "user")

# What a server does when a connection is opened, and when something is asked on one.
WELL, REFUSES, HANGS, BREAKS, MUTE = MOODS = (
    "works",
    "can't be reached",
    "hangs",
    "breaks off",
    "accepts, and hangs",
)
_OPENS = {WELL, BREAKS, MUTE}


class FakeClock:
    """
    The time.

    @ivar now: what it is, in seconds.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """
        Return the time.
        """
        return self.now

    def waitUntil(self, until: float) -> None:
        """
        Let time pass.
        """
        self.now = max(self.now, until)


class FakeConnection:
    """
    A connection.

    @ivar isOpen: whether it wasn't closed.
    """

    isReused = False
    isClean = True

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._age = server.age
        self.usedAt = time.monotonic()
        server.connections.append(self)

    @property
    def isOpen(self) -> bool:
        """
        Whether it wasn't closed.
        """
        return self in self._server.connections

    def ask(self, until: float) -> str:
        """
        Have something answered.

        @return: the name of the server.
        """
        server = self._server
        if not self.isOpen:
            raise AssertionError("it was closed")
        if self._age != server.age or server.mood in (REFUSES, BREAKS):
            raise Lost(f"{server.name}: the connection is lost")
        server.hangIn({HANGS, MUTE}, until)
        self.usedAt = time.monotonic()
        return server.name

    def close(self) -> None:
        """
        Close it.
        """
        self._server.connections.remove(self)


class FakeServer(Server[str, FakeConnection]):
    """
    A server.

    @ivar name: its name.
    @ivar mood: what it does, one of L{MOODS}.
    @ivar age: how often it was restarted, which ends its connections.
    @ivar connections: those that are open.
    @ivar opened: how many were opened.
    @ivar touched: how often a login has asked it, or tried to.
    """

    def __init__(
        self, name: str, clock: FakeClock, terms: Terms, most: int | None = None
    ) -> None:
        super().__init__(name, ROLES, terms, most)
        self.name = name
        self.mood = WELL
        self.age = self.opened = self.touched = 0
        self.connections: list[FakeConnection] = []
        self._clock = clock

    def open(self, role: str, until: float) -> FakeConnection:
        """
        Open a connection for a login.
        """
        self.touched += 1
        return self._connect(until)

    def openAnswered(self, role: str, until: float) -> FakeConnection:
        """
        Open a connection, and have something answered.
        """
        connection = self._connect(until)
        try:
            connection.ask(until)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, until: float) -> FakeConnection:
        """
        Open a connection.
        """
        self.hangIn({HANGS}, until)
        if self.mood not in _OPENS:
            raise Fault(f"{self.name} can't be reached")
        self.opened += 1
        return FakeConnection(self)

    def hangIn(self, moods: set[str], until: float) -> None:
        """
        Let the deadline pass, if the server is in one of these moods.

        @raise Slow: if it is.
        """
        if self.mood in moods:
            self._clock.waitUntil(until)
            raise Slow(f"{self.name} doesn't answer in time")

    def restart(self) -> None:
        """
        End all connections, and work.
        """
        self.age += 1
        self.mood = WELL


class FakeThreads:
    """
    Threads that begin when a test says so.

    @ivar waiting: their names, and what they have to do.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Callable[[], object]]] = []

    def __call__(
        self, target: Callable[[], object], name: str, daemon: bool
    ) -> FakeThreads:
        """
        Take the place of L{threading.Thread}.
        """
        self._next = name, target
        return self

    def start(self) -> None:
        """
        Let what has to be done wait.
        """
        self.waiting.append(self._next)

    def run(self, isReady: Callable[[str], bool] = lambda name: True) -> None:
        """
        Do what waits.

        @param isReady: a function that returns whether to do it now, by a thread's name.
        """
        ready = [each for each in self.waiting if isReady(each[0])]
        for each in ready:
            self.waiting.remove(each)
            each[1]()


class FakeCondition:
    """
    What is waited for on a clock.
    """

    def __init__(self, clock: FakeClock, meanwhile: Callable[[], object]) -> None:
        """
        @param clock: the clock.
        @param meanwhile: what others do while somebody waits.
        """
        self._clock = clock
        self._meanwhile = meanwhile
        self._isNotified = False

    def __enter__(self, *_: object) -> None:
        """
        Do nothing: there is one thread.
        """

    __exit__ = __enter__

    def notify_all(self) -> None:
        """
        Wake who waits.
        """
        self._isNotified = True

    def wait(self, timeout: float) -> None:
        """
        Let others go on; let time pass if nobody is woken by that.
        """
        self._isNotified = False
        self._meanwhile()
        if not self._isNotified:
            self._clock.now += timeout


class FakeServersTestCase(SynchronousTestCase):
    """
    Base of the tests with these servers.
    """

    def setUp(self) -> None:
        self.clock = FakeClock()
        self.threads = FakeThreads()
        self.notes: list[str] = []
        self.patch(time, "monotonic", self.clock.monotonic)
        self.patch(_server, "Thread", self.threads)
        # No other thread finds anything out meanwhile.
        self.patch(Failover, "longestWait", 0.0)

    def server(self, most: int | None = None) -> FakeServer:
        """
        Return a server that stands alone.
        """
        return FakeServer("a", self.clock, self.terms(), most)

    def terms(self) -> Terms:
        """
        Return how it is used.
        """
        return Terms("server of the tests", 10.0, 3.0, self.notes.append)


__all__ = [
    "BREAKS",
    "HANGS",
    "MOODS",
    "MUTE",
    "REFUSES",
    "ROLES",
    "WELL",
    "FakeClock",
    "FakeCondition",
    "FakeConnection",
    "FakeServer",
    "FakeServersTestCase",
    "FakeThreads",
]
