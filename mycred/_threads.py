"""
The threads themselves, in which work that blocks is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread, current_thread


class ThreadPool:
    """
    A pool of threads, started one by one as there is work.

    Twisted's own pool does more, and takes as long for it as a fast hash does.
    And it waits for its threads, of which one may hang in a system call for ever:
    these don't keep the process from ending.
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
        Have something done.  What it raises goes nowhere.

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

        @raise RuntimeError: if that can't be.
        """
        name = f"mycred-{len(self._threads)}"
        thread = Thread(target=self._work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def lost(self) -> list[Callable[[], object]]:
        """
        Forget the threads that have died, as a library in C can have them do, and start
        others in their places, for what waits.

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
        End the threads, which have nothing to do.
        """
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if _isAlive(thread):
                thread.join()
        self._threads.clear()

    def _work(self) -> None:
        """
        Do one job after another, until there are no more.
        """
        me = current_thread()
        while (job := self._jobs.get()) is not None:
            self._underWay[me] = job
            with suppress(BaseException):
                job()
            del self._underWay[me]
            # While it waits for the next one, it holds on to nobody's password.
            del job


def _isAlive(thread: Thread) -> bool:
    """
    Return whether a thread is there: one that C code has ended is still alive to
    Python.
    """
    tasks = "/proc/self/task"
    isGone = not os.path.exists(f"{tasks}/{thread.native_id}")
    return thread.is_alive() and not (isGone and os.path.exists(tasks))


def processorCount() -> int:
    """
    Count the processors that this process may use.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


__all__ = ["ThreadPool", "processorCount"]
