"""
The broker: it starts the workers, and replaces those that end or hang.
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

# How long to wait for a worker that was killed, in seconds: one that hangs in the kernel
# doesn't end.
_KILL_WAIT = 0.1

# The exit status of a worker that has answered enough requests, and of one whose server
# has ended: no PAM module is likely to exit with these.
_ENOUGH, _UNASKED = 119, 118

# Signals that end a server: the broker ends when the server has, and not by itself.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Broker:
    """
    The process that starts the workers.

    @cvar retryDelay: after how long to try again to start a worker for which there was no
        memory, or no room in the process table, in milliseconds.
    """

    retryDelay = 1000

    def __init__(self, control: socket, ends: list[socket], backend: Backend) -> None:
        """
        @param control: the connection on which the server sends orders.
        @param ends: the connections of the workers, one each.
        @param backend: what the workers ask for verdicts.
        """
        self._control = control
        self._ends = ends
        self._backend = backend
        self._wakeup, self._alarm = os.pipe()
        self._places: dict[int, int] = {}
        self._empty: set[int] = set()

    @classmethod
    def serve(cls, control: socket, ends: list[socket], directories: list[str]) -> None:
        """
        Run a broker, until the server ends.

        @param directories: where modules are found once all that is needed is imported.
        """
        os.chdir("/")
        # A core dump would hold passwords.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for one in _IGNORED:
            signal.signal(one, signal.SIG_IGN)
        try:
            given = unpackMessage(Start, receive(control))
            backend = makeBackend(given.kind, given.settings)
        except ValueError as error:
            send(control, str(error))
            return
        # An attacker who controls the server might write modules into its directories.
        sys.path[:] = directories
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
        Start the workers, and be woken up when one ends.

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
        Replace workers that end, and those that the server says hang, until it ends.
        """
        poll = select.poll()
        for one in (self._control.fileno(), self._wakeup):
            poll.register(one, select.POLLIN)
        while True:
            changed = poll.poll(self.retryDelay if self._empty else None)
            ready = {descriptor for descriptor, _ in changed}
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

        @return: the order; L{None} if the server has ended, or sent anything else.
        """
        try:
            order = unpackMessage(Order, receive(self._control))
        except (OSError, WireError):
            return None
        return order if 0 <= order.place < len(self._ends) else None

    def _start(self, place: int) -> None:
        """
        Start a worker; later, if that can't be done now.
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
            # Caught, and not ignored: programs that modules start would inherit that.
            for one in _IGNORED:
                signal.signal(one, lambda number, frame: None)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in self._ends:
                if end is not self._ends[place]:
                    end.close()
            self._control.close()
            os.close(self._wakeup)
            os.close(self._alarm)
            ready = partial(endWith, broker)
            mayGoOn = serveRequests(self._ends[place], self._backend, ready)
            status = _ENOUGH if mayGoOn else _UNASKED
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
                # The login that waits for it needn't wait until the deadline.
                notice = encode(packEnd(_endOf(code)))
                with suppress(OSError):
                    self._ends[place].send(notice, MSG_DONTWAIT)
            self._start(place)

    def _replace(self, place: int) -> None:
        """
        Kill a worker and what it has started, and start another one.
        """
        for pid in [pid for pid, taken in self._places.items() if taken == place]:
            del self._places[pid]
            kill(pid)
            until = time.monotonic() + _KILL_WAIT
            while time.monotonic() < until:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.001)
        drain(self._ends[place])
        self._start(place)


def _endOf(code: int) -> str:
    """
    Return how a process has ended, in words.

    @param code: the exit status; of a signal, its negative number.
    """
    how = str(code)
    if code < 0:
        with suppress(ValueError):
            how = signal.Signals(-code).name
    return f"a process that checks logins has ended ({how})"


__all__ = ["Broker"]
