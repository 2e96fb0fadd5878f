"""
What has numbers that change while a server runs, for those who watch it: pools of
threads, servers that may be down, tables.

Each notes itself here when it is made.  What isn't used any more is forgotten by itself.
"""

from __future__ import annotations

from threading import Lock
from typing import Generic, Protocol, TypeVar
from weakref import WeakSet

_T = TypeVar("_T")


class LiveObjects(Generic[_T]):
    """
    Objects that are in use, whichever threads make them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: WeakSet[_T] = WeakSet()

    def add(self, one: _T) -> None:
        """
        Note an object, by a weak reference.
        """
        with self._lock:
            self._found.add(one)

    def discard(self, one: _T) -> None:
        """
        Forget an object.
        """
        with self._lock:
            self._found.discard(one)

    def all(self) -> list[_T]:
        """
        Return the objects that there are, in any order.
        """
        with self._lock:
            return list(self._found)


class ThreadsGauge(Protocol):
    """
    A pool of threads with a queue.

    @ivar job: what it does, in a word or two, such as C{login}.
    @ivar threads: how many threads there may be.
    @ivar busy: how many of them do something now.
    @ivar waiting: how many callers wait for something to be done.
    @ivar queueLimit: how many may wait at a time.
    """

    @property
    def job(self) -> str: ...

    @property
    def threads(self) -> int: ...

    @property
    def busy(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    @property
    def queueLimit(self) -> int: ...


class ServerGauge(Protocol):
    """
    A server that logins need, such as a directory.

    @ivar kind: what it has, in a word or two, such as C{directory}.
    @ivar name: which one it is, without any secret.
    @ivar isDown: whether it has failed, and hasn't worked since.
    """

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def isDown(self) -> bool: ...


class TableGauge(Protocol):
    """
    A table of limited size.

    @ivar tableName: what is in it, in a word or two, such as C{cached logins}.
    @ivar limit: how many entries it may have.
    """

    @property
    def tableName(self) -> str: ...

    @property
    def limit(self) -> int: ...

    def __len__(self) -> int:
        """
        Return how many entries it has.
        """


#: The pools of threads.
THREADS: LiveObjects[ThreadsGauge] = LiveObjects()

#: The servers.
SERVERS: LiveObjects[ServerGauge] = LiveObjects()

#: The tables.
TABLES: LiveObjects[TableGauge] = LiveObjects()

__all__ = [
    "SERVERS",
    "TABLES",
    "THREADS",
    "LiveObjects",
    "ServerGauge",
    "TableGauge",
    "ThreadsGauge",
]
