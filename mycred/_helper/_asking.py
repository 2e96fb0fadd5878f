"""
Ask the workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import weakref
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from socket import socket, socketpair
from threading import Lock
from typing import Any, NamedTuple

from .._accounts import Kind, Verdict
from ._wire import (
    WireError,
    drain,
    packRequest,
    packSettings,
    receive,
    send,
    unpackAnswer,
)

# For how long the broker may take to begin, and to replace a worker, in seconds.
_PATIENCE = 20.0


class Answer(NamedTuple):
    """
    An answer.

    @ivar verdict: the verdict.
    @ivar notes: what the log should be told.
    """

    verdict: Verdict
    notes: list[str]


class Helper:
    """
    Workers in processes of their own, that can be asked about logins.

    @ivar processes: how many they are, and so how many threads may ask at a time.
    @ivar close: a callable that ends them; they also end when this is forgotten,
        and with the server.
    """

    def __init__(self, kind: str, *settings: Any, processes: int) -> None:
        """
        @param kind: how they find a verdict, C{unix} or C{pam}.
        @param settings: what decides it, and what JSON can hold.
        @param processes: how many there are.

        @raise ValueError: if it can't be done with these settings.
        @raise OSError: if the processes can't be started.
        """
        self.processes = processes
        self._numbers = count()
        self._ordering = Lock()
        pairs = [socketpair() for _ in range(processes)]
        self._control, control = socketpair()
        theirs = [control, *(end for _, end in pairs)]
        ours = [self._control, *(end for end, _ in pairs)]
        try:
            process = _start(kind, theirs)
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(theirs)
        self.close = weakref.finalize(self, _end, process, ours)
        self._idle: SimpleQueue[tuple[int, socket]] = SimpleQueue()
        for place, (end, _) in enumerate(pairs):
            self._idle.put((place, end))
        try:
            self._begin([kind, *settings])
        except BaseException:
            self.close()
            raise

    def ask(
        self, name: bytes, password: bytes, peer: str | None, seconds: float
    ) -> Answer:
        """
        Ask for a verdict, and wait for it.

        @param name: the name.
        @param password: the password.
        @param peer: the address of the peer, if it is known.
        @param seconds: for how long to wait; the worker is replaced then.
        """
        place, end = self._idle.get()
        try:
            number = next(self._numbers)
            until = time.monotonic() + seconds
            end.settimeout(seconds)
            try:
                send(end, packRequest(number, name, password, peer))
                return self._answer(end, number, name, until)
            except (TimeoutError, WireError) as error:
                self._replace(place, end)
                what = "makes no sense"
                if isinstance(error, TimeoutError):
                    what = f"hasn't come within {seconds:g} s"
                return _unsure(name, f"an answer {what}; its process was replaced")
        except OSError as error:
            why = f"the processes that check logins are gone ({error})"
            return _unsure(name, f"{why}; restart the server")
        finally:
            self._idle.put((place, end))

    def _answer(self, end: socket, number: int, name: bytes, until: float) -> Answer:
        """
        Wait for the answer to a question.
        """
        while (message := receive(end, until)) is not None:
            answered, verdict, notes = unpackAnswer(message)
            if answered == number:
                return Answer(verdict, notes)
            if answered is None:
                return _unsure(name, verdict)
            # Otherwise it comes too late, for somebody else.
        raise OSError("no answer will come")

    def _begin(self, settings: list[Any]) -> None:
        """
        Tell the broker what it must know, and wait until it has begun.
        """
        # Where mycred itself is, in case that an import hook knows it here.
        folders = [*sys.path, str(Path(__file__).parents[2])]
        path = os.fsencode("\0".join(map(os.path.abspath, folders)))
        try:
            self._control.sendall(len(path).to_bytes(4, "big") + path)
            send(self._control, packSettings(settings))
            problem = receive(self._control, time.monotonic() + _PATIENCE)
        except (TimeoutError, WireError):
            problem = None
        if problem is None:
            raise OSError("the processes that check logins don't begin")
        if problem:
            raise ValueError(problem)

    def _replace(self, place: int, end: socket) -> None:
        """
        Have a worker replaced, and forget what it may have said.

        @raise OSError: if the broker doesn't do so.
        """
        with self._ordering:
            send(self._control, place)
            until = time.monotonic() + _PATIENCE
            if receive(self._control, until) != place:
                raise OSError("no answer will come")
        drain(end)


def _start(kind: str, ends: list[socket]) -> subprocess.Popen[bytes]:
    """
    Start the broker.

    @param kind: what shows in ps(1).
    @param ends: what it inherits.
    """
    numbers = [end.fileno() for end in ends]
    program = Path(__file__).with_name("__main__.py")
    return subprocess.Popen(  # noqa: S603
        # Whoever can set the environment or the folder doesn't decide what runs here.
        [sys.executable, "-I", str(program), kind, *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        # Not the terminal's, or a pipe's, which would stay open when twistd has become
        # a daemon.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=numbers,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes], ends: list[socket]) -> None:
    """
    End the broker, and with it the workers.
    """
    _close(ends)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close(ends: list[socket]) -> None:
    """
    Close connections.
    """
    for end in ends:
        end.close()


def _unsure(name: bytes, why: str) -> Answer:
    """
    Answer that nothing could be found out.
    """
    return Answer(Verdict(Kind.UNSURE, name, why), [])


__all__ = ["Answer", "Helper"]
