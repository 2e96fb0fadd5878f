"""
The broker: it starts workers, and others for those that end or hang.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from ._wire import WireError, drain, receive, send, unpackSettings
from ._work import Look, makeLook, work

# For how long a worker that was killed is waited for, in seconds: one that hangs in
# the kernel doesn't end.
_PATIENCE = 0.1

# With what a worker ends that has answered enough questions: nothing that a module
# would end it with.
_ENOUGH = 119

# What ends a server, which tells the broker by its own end.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Broker:
    """
    What starts the workers.
    """

    def __init__(self, control: socket, ends: list[socket], look: Look) -> None:
        """
        @param control: where the server orders workers to be replaced.
        @param ends: where the workers are asked, one each.
        @param look: how they find a verdict.
        """
        self._control = control
        self._ends = ends
        self._look = look
        self._wakeup, self._alarm = os.pipe()
        self._places: dict[int, int] = {}

    @classmethod
    def serve(cls, control: socket, ends: list[socket]) -> None:
        """
        Be a broker, until the server ends.
        """
        os.chdir("/")
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        try:
            look = makeLook(*unpackSettings(receive(control)))
        except ValueError as error:
            send(control, str(error))
            return
        broker = cls(control, ends, look)
        broker.start()
        send(control, "")
        broker.run()

    def start(self) -> None:
        """
        Start the workers, and get to know when one ends.
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
        while True:
            both: list[Any] = [self._control, self._wakeup]
            ready, _, _ = select.select(both, [], [])
            if self._wakeup in ready:
                with suppress(BlockingIOError):
                    os.read(self._wakeup, 4096)
                self._reap()
            if self._control in ready:
                order = self._order()
                if order is None:
                    break
                self._replace(order)
                send(self._control, order)
        for pid in self._places:
            _kill(pid)

    def _order(self) -> int | None:
        """
        Receive an order.

        @return: the place whose worker is to be replaced; L{None} if the server has
            ended, or talks nonsense.
        """
        try:
            order = receive(self._control)
        except (OSError, WireError):
            return None
        places = range(len(self._ends))
        return order if isinstance(order, int) and order in places else None

    def _fork(self, place: int) -> None:
        """
        Start a worker.
        """
        pid = os.fork()
        if pid:
            self._places[pid] = place
            return
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # The programs that modules start are to be ended as any others.
            for number in (*_IGNORED, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            for end in self._ends:
                if end is not self._ends[place]:
                    end.close()
            self._control.close()
            os.close(self._wakeup)
            os.close(self._alarm)
            work(self._ends[place], self._look)
            status = _ENOUGH
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
            place = self._places.pop(pid, None)
            if place is not None:
                if os.waitstatus_to_exitcode(status) != _ENOUGH:
                    # Whoever waits for it needn't do so until the deadline.
                    with suppress(OSError):
                        send(self._ends[place], [None, _describe(status), []])
                self._fork(place)

    def _replace(self, place: int) -> None:
        """
        Kill a worker and what it has started, and start another one.
        """
        for pid in [pid for pid, its in self._places.items() if its == place]:
            del self._places[pid]
            _kill(pid)
            until = time.monotonic() + _PATIENCE
            while time.monotonic() < until:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.001)
        drain(self._ends[place])
        self._fork(place)


def _descendants(pid: int) -> list[int]:
    """
    List the processes that a process has started, as far as the system tells.
    """
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return [*children, *(one for child in children for one in _descendants(child))]


def _kill(pid: int) -> None:
    """
    End a process, and what it has started.
    """
    for one in [*_descendants(pid), pid]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _describe(status: int) -> str:
    """
    Tell how a process has ended.
    """
    code: Any = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(ValueError):
            code = signal.Signals(-code).name
    return f"a process that checks logins has ended ({code})"


__all__ = ["Broker"]
