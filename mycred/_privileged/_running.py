"""
The processes that run: a broker, and its workers.
"""

from __future__ import annotations

import os
import secrets
import select
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from queue import SimpleQueue
from socket import MSG_PEEK, socket, socketpair
from threading import Lock

from .._records import pack
from .._verdict import Kind, Verdict
from ._launch import close, end as endOf, start
from ._wire import (
    Answer,
    Order,
    Request,
    Start,
    WireError,
    drain,
    receive,
    send,
    unpackAnswer,
)

# For how long the broker may take to begin, and to replace a worker, in seconds.
_PATIENCE = 20.0


class Running:
    """
    A broker and its workers.

    @ivar close: a callable that ends them; they also end when this is forgotten,
        and with the server.
    """

    def __init__(
        self, kind: str, settings: object, processes: int, folders: Sequence[str]
    ) -> None:
        """
        @param kind: how they find a verdict.
        @param settings: what decides it.
        @param processes: how many workers there are.
        @param folders: where modules are.

        @raise ValueError: if it can't be done with these settings.
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
            self._begin(kind, settings, folders)
        except BaseException:
            self.close()
            raise

    @property
    def isOver(self) -> bool:
        """
        Whether the broker has ended by itself, and not by L{close}.
        """
        if not self.close.alive:
            return False
        poll = select.poll()
        poll.register(self._control, 0)
        return bool(poll.poll(0))

    def ask(self, name: bytes, password: bytes, peer: str | None, until: float) -> Answer:
        """
        Ask for a verdict, and wait for it.

        @param name: the name.
        @param password: the password, or the key.
        @param peer: the address of the peer, if it is known.
        @param until: how long to wait, as L{time.monotonic} counts; then the worker is
            replaced.

        @raise OSError: if the processes have ended.
        """
        place, end = self._idle.get()
        try:
            # Nobody else has it, also not another process after a fork.
            number = secrets.randbits(62)
            notices = _notices(end)
            end.settimeout(max(until - time.monotonic(), 1e-3))
            try:
                send(end, pack(Request(number, name, password, peer)))
                answer = self._answer(end, number, name, until)
                return replace(answer, notes=(*notices, *answer.notes))
            except (TimeoutError, WireError) as error:
                self._replace(place)
                what = "makes no sense"
                if isinstance(error, TimeoutError):
                    what = "hasn't come in time"
                return unsure(name, f"an answer {what}; its process was replaced")
        finally:
            self._idle.put((place, end))

    def _answer(self, end: socket, number: int, name: bytes, until: float) -> Answer:
        """
        Wait for the answer to a question.
        """
        self._wait(end, until)
        while (message := receive(end, until)) is not None:
            reply = unpackAnswer(message)
            if isinstance(reply, str):
                return unsure(name, reply)
            if reply[0] == number:
                return reply[1]
            # Otherwise it comes too late, for somebody else.
            self._wait(end, until)
        raise OSError("no answer will come")

    def _wait(self, end: socket, until: float) -> None:
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

    def _begin(self, kind: str, settings: object, folders: Sequence[str]) -> None:
        """
        Tell the broker what it must know, and wait until it has begun.
        """
        path = os.fsencode("\0".join(folders))
        try:
            self._control.sendall(len(path).to_bytes(4, "big") + path)
            send(self._control, pack(Start(kind, settings)))
            problem = receive(self._control, time.monotonic() + _PATIENCE)
        except (OSError, WireError):
            problem = None
        if problem is None:
            raise OSError("the processes that check logins don't begin")
        if problem:
            raise ValueError(str(problem))

    def _replace(self, place: int) -> None:
        """
        Have a worker replaced.

        @raise OSError: if the broker doesn't do so.
        """
        number, until = secrets.randbits(62), time.monotonic() + _PATIENCE
        with self._ordering:
            self._control.settimeout(_PATIENCE)
            send(self._control, pack(Order(place, number)))
            try:
                reply = receive(self._control, until)
                while reply not in (None, number):
                    # It comes too late, for another order.
                    reply = receive(self._control, until)
            except WireError:
                reply = None
        if reply is None:
            raise OSError("none is replaced")


def _notices(end: socket) -> list[str]:
    """
    Take notice of what has come while nobody asked: of a process that has ended.
    """
    notices: list[str] = []
    try:
        # There is hardly ever any, and to wait for it would take a millisecond.
        end.setblocking(False)
        end.recv(1, MSG_PEEK)
    except OSError:
        return notices
    try:
        while (message := receive(end, time.monotonic())) is not None:
            reply = unpackAnswer(message)
            if isinstance(reply, str):
                notices.append(reply)
    except (OSError, WireError):
        drain(end)
    return notices


def unsure(name: bytes, why: str) -> Answer:
    """
    Answer that nothing could be found out.
    """
    return Answer(Verdict(Kind.UNSURE, name, why))


__all__ = ["Running", "unsure"]
