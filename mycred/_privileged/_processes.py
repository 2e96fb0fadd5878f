"""
A broker and its workers, as the server sees them.
"""

from __future__ import annotations

import os
import secrets
import select
import time
import weakref
from collections.abc import Sequence
from queue import SimpleQueue
from socket import MSG_PEEK, socket, socketpair
from threading import Lock

from .._records import pack
from .._verdict import Kind, Verdict
from ._launch import close, end as endOf, start
from ._wire import (
    Order,
    Reply,
    Request,
    Start,
    WireError,
    drain,
    receive,
    send,
    unpackReply,
)


class WorkerProcesses:
    """
    A broker and its workers.

    @cvar patience: how long to wait for the broker to begin, and to replace a worker, in
        seconds.
    @ivar close: a callable that ends them.  They also end with this object, and with the
        server.
    """

    patience = 20.0

    def __init__(
        self, kind: str, settings: object, processes: int, directories: Sequence[str]
    ) -> None:
        """
        @param kind: as for L{PrivilegedClient}.
        @param settings: as for L{PrivilegedClient}.
        @param processes: how many workers to start.
        @param directories: where modules are found.

        @raise ValueError: if the workers can't use these settings.
        @raise OSError: if the processes can't be started.
        """
        self._ordering = Lock()
        ours: list[socket] = []
        theirs: list[socket] = []
        try:
            for _ in range(processes + 1):
                end, other = socketpair()
                ours.append(end)
                theirs.append(other)
            process = start(kind, theirs)
        except BaseException:
            close(ours)
            raise
        finally:
            close(theirs)
        self.close = weakref.finalize(self, endOf, process, ours)
        self._control, *ends = ours
        self._idle: SimpleQueue[tuple[int, socket]] = SimpleQueue()
        for place in enumerate(ends):
            self._idle.put(place)
        try:
            self._begin(kind, settings, directories)
        except BaseException:
            self.close()
            raise

    @property
    def isOver(self) -> bool:
        """
        Whether the broker has ended, other than by L{close}.
        """
        if not self.close.alive:
            return False
        poll = select.poll()
        poll.register(self._control, 0)
        return bool(poll.poll(0))

    def ask(self, name: bytes, password: bytes, peer: str | None, until: float) -> Reply:
        """
        Send a request to an idle worker, and wait for its reply.

        @param name: the name of the user.
        @param password: the password, or the key.
        @param peer: the address of the client, if it is known.
        @param until: when to give up, as L{time.monotonic} counts; then the worker is
            replaced.

        @raise OSError: if the processes have ended.
        """
        place, end = self._idle.get()
        try:
            # Unique, also in another process after a fork.
            number = secrets.randbits(62)
            notices = _notices(end)
            end.settimeout(max(until - time.monotonic(), 1e-3))
            try:
                send(end, pack(Request(number, name, password, peer)))
                reply = self._receiveReply(end, number, name, until)
                return Reply(reply.verdict, (*notices, *reply.notes))
            except (TimeoutError, WireError) as error:
                self._replace(place)
                what = "makes no sense"
                if isinstance(error, TimeoutError):
                    what = "hasn't come in time"
                return unsure(name, f"an answer {what}; its process was replaced")
        finally:
            self._idle.put((place, end))

    def _receiveReply(self, end: socket, number: int, name: bytes, until: float) -> Reply:
        """
        Wait for the reply to a request.
        """
        self._waitForMessage(end, until)
        while (message := receive(end, until)) is not None:
            received = unpackReply(message)
            if isinstance(received, str):
                return unsure(name, received)
            if received[0] == number:
                return received[1]
            # Otherwise it is a late one, to another request.
            self._waitForMessage(end, until)
        raise OSError("no answer will come")

    def _waitForMessage(self, end: socket, until: float) -> None:
        """
        Wait until something has come.

        @raise TimeoutError: if nothing comes in time.
        @raise OSError: if the broker has ended: its workers end, too, and one that
            hangs would be waited for until the deadline.
        """
        poll = select.poll()
        poll.register(end, select.POLLIN)
        poll.register(self._control, 0)
        ready = dict(poll.poll(max(until - time.monotonic(), 1e-3) * 1000))
        if not ready:
            raise TimeoutError("nothing has come")
        if end.fileno() not in ready:
            raise OSError("their broker has ended")

    def _begin(self, kind: str, settings: object, directories: Sequence[str]) -> None:
        """
        Send the broker its settings, and wait until it has begun.
        """
        path = os.fsencode("\0".join(directories))
        try:
            self._control.sendall(len(path).to_bytes(4, "big") + path)
            send(self._control, pack(Start(kind, settings)))
            problem = receive(self._control, time.monotonic() + self.patience)
        except (OSError, WireError):
            problem = None
        if problem is None:
            raise OSError("the processes that check logins don't begin")
        if problem:
            raise ValueError(str(problem))

    def _replace(self, place: int) -> None:
        """
        Have a worker replaced.

        @raise OSError: if the broker doesn't do that in time.
        """
        number, until = secrets.randbits(62), time.monotonic() + self.patience
        with self._ordering:
            self._control.settimeout(self.patience)
            send(self._control, pack(Order(place, number)))
            try:
                reply = receive(self._control, until)
                while reply not in (None, number):
                    # It is a late one, to another order.
                    reply = receive(self._control, until)
            except WireError:
                reply = None
        if reply is None:
            raise OSError("none is replaced")


def _notices(end: socket) -> list[str]:
    """
    Return how the worker has ended, as often as that happened since the last request.
    """
    notices: list[str] = []
    try:
        # Hardly ever has it, and to wait for a message would take a millisecond.
        end.setblocking(False)
        end.recv(1, MSG_PEEK)
    except OSError:
        return notices
    try:
        while (message := receive(end, time.monotonic())) is not None:
            received = unpackReply(message)
            if isinstance(received, str):
                notices.append(received)
    except (OSError, WireError):
        drain(end)
    return notices


def unsure(name: bytes, why: str) -> Reply:
    """
    Return the reply that nothing could be found out.

    @param why: what is to be logged.
    """
    return Reply(Verdict(Kind.UNSURE, name, why))


__all__ = ["WorkerProcesses", "unsure"]
