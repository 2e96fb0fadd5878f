"""
A pool of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread, current_thread


class ThreadPool:
    """
    A pool of threads, which are started one by one as there is work.

    Twisted's own pool does more, and takes as long for that as a fast hash takes.  And it
    waits for its threads, one of which may hang in a system call for ever: these don't
    keep the process from ending.
    """

    def __init__(self, most: int) -> None:
        """
        @param most: how many threads there may be.
        """
        self._most = most
        self._threads: list[Thread] = []
        self._underWay: dict[Thread, Callable[[], object]] = {}
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()

    def callInThread(self, job: Callable[[], object]) -> None:
        """
        Have a job done.  What it raises is dropped.

        @raise RuntimeError: if there is no thread, and none can be started.
        """
        if len(self._threads) < self._most:
            try:
                self._start()
            except RuntimeError:
                if not self._threads:
                    raise
        self._jobs.put(job)

    def _start(self) -> None:
        """
        Start a thread.

        @raise RuntimeError: if that fails.
        """
        name = f"mycred-{len(self._threads)}"
        thread = Thread(target=self._work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def lost(self) -> list[Callable[[], object]]:
        """
        Forget the threads that have died, since a C library has ended them, and start
        others in their places if jobs wait.

        @return: the jobs that they haven't finished.
        """
        dead = [thread for thread in self._threads if not _isAlive(thread)]
        for thread in dead:
            self._threads.remove(thread)
            if not self._jobs.empty():
                with suppress(RuntimeError):
                    self._start()
        return [self._underWay.pop(t) for t in dead if t in self._underWay]

    def stop(self) -> None:
        """
        End the threads, after the jobs that they have.
        """
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if _isAlive(thread):
                thread.join()
        self._threads.clear()

    def _work(self) -> None:
        """
        Run jobs until there are no more.
        """
        me = current_thread()
        while (job := self._jobs.get()) is not None:
            self._underWay[me] = job
            with suppress(BaseException):
                job()
            del self._underWay[me]
            # While it waits for the next one, it keeps no password in memory.
            del job


def _isAlive(thread: Thread) -> bool:
    """
    Return whether a thread exists: one that C code has ended is still alive to Python.
    """
    tasks = "/proc/self/task"
    isGone = not os.path.exists(f"{tasks}/{thread.native_id}")
    return thread.is_alive() and not (isGone and os.path.exists(tasks))


def processorCount() -> int:
    """
    Return how many processors this process may use.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


__all__ = ["ThreadPool", "processorCount"]
