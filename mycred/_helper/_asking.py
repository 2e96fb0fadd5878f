"""
Ask the workers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import subprocess
import sys
import time
import weakref
from pathlib import Path
from queue import SimpleQueue
from socket import MSG_PEEK, socket, socketpair
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

# For how long the broker may take to begin, and to replace a worker, in seconds; and
# to end.
_PATIENCE, _PATIENCE_AT_THE_END = 20.0, 1.0

# What the processes are told of the server's environment.  There may be passwords in
# the rest, and modules start programs.
_VARIABLES = {"LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TZ"}


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
        @param kind: how they find a verdict, C{unix}, C{pam} or C{sshkey}.
        @param settings: what decides it, and what JSON can hold.
        @param processes: how many there are.

        @raise ValueError: if it can't be done with these settings.
        @raise OSError: if the processes can't be started.
        """
        if processes < 1:
            raise ValueError("it takes one process at least")
        self.processes = processes
        self._ordering = Lock()
        ours: list[socket] = []
        theirs: list[socket] = []
        try:
            for _ in range(processes + 1):
                end, other = socketpair()
                ours.append(end)
                theirs.append(other)
            process = _start(kind, theirs)
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(theirs)
        self.close = weakref.finalize(self, _end, process, ours)
        self._control, *ends = ours
        self._idle: SimpleQueue[tuple[int, socket]] = SimpleQueue()
        for place in enumerate(ends):
            self._idle.put(place)
        try:
            self._begin([kind, *settings])
        except BaseException:
            self.close()
            raise

    def ask(self, name: bytes, password: bytes, peer: str | None, until: float) -> Answer:
        """
        Ask for a verdict, and wait for it.

        @param name: the name.
        @param password: the password, or the key.
        @param peer: the address of the peer, if it is known.
        @param until: how long to wait, as L{time.monotonic} counts; then the worker is
            replaced.
        """
        place, end = self._idle.get()
        try:
            # Nobody else has it, also not another process after a fork.
            number = secrets.randbits(62)
            notices = _notices(end)
            end.settimeout(max(until - time.monotonic(), 1e-3))
            try:
                send(end, packRequest(number, name, password, peer))
                verdict, notes = self._answer(end, number, name, until)
                return Answer(verdict, [*notices, *notes])
            except (TimeoutError, WireError) as error:
                self._replace(place)
                what = "makes no sense"
                if isinstance(error, TimeoutError):
                    what = "hasn't come in time"
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
        except (OSError, WireError):
            problem = None
        if problem is None:
            raise OSError("the processes that check logins don't begin")
        if problem:
            raise ValueError(problem)

    def _replace(self, place: int) -> None:
        """
        Have a worker replaced.

        @raise OSError: if the broker doesn't do so.
        """
        number, until = secrets.randbits(62), time.monotonic() + _PATIENCE
        with self._ordering:
            self._control.settimeout(_PATIENCE)
            send(self._control, [place, number])
            try:
                reply = receive(self._control, until)
                while reply not in (None, number):
                    # It comes too late, for another order.
                    reply = receive(self._control, until)
            except WireError:
                reply = None
        if reply is None:
            raise OSError("none is replaced")


def _start(kind: str, ends: list[socket]) -> subprocess.Popen[bytes]:
    """
    Start the broker.

    @param kind: what shows in ps(1).
    @param ends: what it inherits.
    """
    # The first three it gets from elsewhere; here they may have been closed.
    high: list[socket] = []
    program = Path(__file__).with_name("__main__.py")
    try:
        for end in ends:
            high.append(socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)))
        numbers = [end.fileno() for end in high]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", str(program), kind, *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            # Not the terminal's, or a pipe's, which would stay open when twistd is a
            # daemon.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=numbers,
            start_new_session=True,
            env=_environment(),
        )
    finally:
        _close(high)


def _environment() -> dict[str, str]:
    """
    Choose what the processes are told of the environment.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in _VARIABLES or name.startswith("LC_")
    }


def _end(process: subprocess.Popen[bytes], ends: list[socket]) -> None:
    """
    End the broker, and with it the workers.
    """
    _close(ends)
    try:
        process.wait(_PATIENCE_AT_THE_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close(ends: list[socket]) -> None:
    """
    Close connections.
    """
    for end in ends:
        end.close()


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
            answered, text, _ = unpackAnswer(message)
            if answered is None:
                notices.append(text)
    except (OSError, WireError):
        drain(end)
    return notices


def _unsure(name: bytes, why: str) -> Answer:
    """
    Answer that nothing could be found out.
    """
    return Answer(Verdict(Kind.UNSURE, name, why), [])


__all__ = ["Answer", "Helper"]
