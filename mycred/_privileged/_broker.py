"""
The broker: it starts workers, and others for those that end or hang.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from socket import MSG_DONTWAIT, socket
from typing import Any

from .._processtree import endWith, kill
from ._wire import (
    Order,
    Start,
    WireError,
    drain,
    encode,
    packEnd,
    receive,
    send,
    unpackMessage,
)
from ._worker import Backend, makeBackend, serveRequests

# For how long a worker that was killed is waited for, in seconds: one that hangs in
# the kernel doesn't end.
_PATIENCE = 0.1

# After how long it is tried again to start a worker for which there was no memory, or
# no room among the processes, in milliseconds.
_AGAIN = 1000

# With what a worker ends that has answered enough questions, or that nobody will ask
# any more: nothing that a module would end it with.
_ENOUGH, _UNASKED = 119, 118

# What ends a server, which tells the broker by its own end.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Broker:
    """
    What starts the workers.
    """

    def __init__(self, control: socket, ends: list[socket], backend: Backend) -> None:
        """
        @param control: where the server orders workers to be replaced.
        @param ends: where the workers are asked, one each.
        @param backend: what they ask for verdicts.
        """
        self._control = control
        self._ends = ends
        self._backend = backend
        self._wakeup, self._alarm = os.pipe()
        self._places: dict[int, int] = {}
        self._empty: set[int] = set()

    @classmethod
    def serve(cls, control: socket, ends: list[socket], folders: list[str]) -> None:
        """
        Be a broker, until the server ends.

        @param folders: where modules are, once all is imported that is needed.
        """
        os.chdir("/")
        # A core would hold passwords.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        try:
            given = unpackMessage(Start, receive(control))
            backend = makeBackend(given.kind, given.settings)
        except ValueError as error:
            send(control, str(error))
            return
        # The server may fall to somebody who writes modules into its folders.
        sys.path[:] = folders
        broker = cls(control, ends, backend)
        try:
            broker.start()
            send(control, "")
            broker.run()
        finally:
            for pid in broker._places:
                kill(pid)

    def start(self) -> None:
        """
        Start the workers, and get to know when one ends.

        @raise OSError: if they can't be started.
        """
        os.set_blocking(self._alarm, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for place in range(len(self._ends)):
            self._fork(place)

    def run(self) -> None:
        """
        Do what is to be done, until the server ends.
        """
        poll = select.poll()
        for one in (self._control.fileno(), self._wakeup):
            poll.register(one, select.POLLIN)
        while True:
            ready = {number for number, _ in poll.poll(_AGAIN if self._empty else None)}
            with suppress(BlockingIOError):
                os.read(self._wakeup, 4096)
            self._reap()
            if self._control.fileno() in ready:
                order = self._order()
                if order is None:
                    return
                self._replace(order.place)
                with suppress(BrokenPipeError):
                    send(self._control, order.number)
            for place in list(self._empty):
                self._start(place)

    def _order(self) -> Order | None:
        """
        Receive an order.

        @return: L{None} if the server has ended, or sends something else.
        """
        try:
            order = unpackMessage(Order, receive(self._control))
        except (OSError, WireError):
            return None
        return order if 0 <= order.place < len(self._ends) else None

    def _start(self, place: int) -> None:
        """
        Start a worker, now or later.
        """
        try:
            self._fork(place)
        except OSError:
            self._empty.add(place)
        else:
            self._empty.discard(place)

    def _fork(self, place: int) -> None:
        """
        Start a worker.

        @raise OSError: if that can't be done now.
        """
        broker = os.getpid()
        pid = os.fork()
        if pid:
            self._places[pid] = place
            return
        status = 1
        try:
            endWith(broker)
            signal.set_wakeup_fd(-1)
            # Caught, and not ignored: that would go over to what modules start.
            for number in _IGNORED:
                signal.signal(number, lambda number, frame: None)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in self._ends:
                if end is not self._ends[place]:
                    end.close()
            self._control.close()
            os.close(self._wakeup)
            os.close(self._alarm)
            ready = partial(endWith, broker)
            isAsked = serveRequests(self._ends[place], self._backend, ready)
            status = _ENOUGH if isAsked else _UNASKED
        finally:
            os._exit(status)

    def _reap(self) -> None:
        """
        Start workers for those that have ended.
        """
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            place, code = self._places.pop(pid, None), os.waitstatus_to_exitcode(status)
            if place is None or code == _UNASKED:
                continue
            if code != _ENOUGH:
                # Whoever waits for it needn't do so until the deadline.
                notice = encode(packEnd(_describe(code)))
                with suppress(OSError):
                    self._ends[place].send(notice, MSG_DONTWAIT)
            self._start(place)

    def _replace(self, place: int) -> None:
        """
        Kill a worker and what it has started, and start another one.
        """
        for pid in [pid for pid, its in self._places.items() if its == place]:
            del self._places[pid]
            kill(pid)
            until = time.monotonic() + _PATIENCE
            while time.monotonic() < until:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.001)
        drain(self._ends[place])
        self._start(place)


def _describe(code: int) -> str:
    """
    Tell how a process has ended.
    """
    how: Any = code
    if code < 0:
        with suppress(ValueError):
            how = signal.Signals(-code).name
    return f"a process that checks logins has ended ({how})"


__all__ = ["Broker"]
