"""
Files: open one, read it as it was at one moment, and notice when it differs.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from operator import attrgetter
from threading import Lock
from typing import BinaryIO, Generic, TypeVar

_T = TypeVar("_T")

#: What tells one state of a file from another: times, size and place.
Signature = tuple[int, int, int, int, int]

#: Within this time of its last change a file may change again without its times
#: telling, and its writer may not be done with it, in seconds.
SETTLING = 0.05

# The same where a file system counts whole seconds, of which some count two.
_COARSE_SETTLING = 2.0

_SECOND = 10**9

#: Larger files are refused, in bytes.
LARGEST = 2**29

# What takes longer to read than to come to rest, in bytes.
_LARGE = 2**20

# A file that changes while it is read is read so often before it is given up.
_TRIES = 5


#: Returns what tells one state of a file from another, by its C{os.stat_result}.
signatureOf: Callable[[os.stat_result], Signature] = attrgetter(
    "st_mtime_ns", "st_ctime_ns", "st_size", "st_ino", "st_dev"
)


class State:
    """
    The state in which a file was read.

    @ivar signature: what tells it from others.
    @ivar isYoung: whether the file may have been half-written.
    @ivar isProvisional: whether the file may have changed since without its state
        telling.
    """

    __slots__ = ("isProvisional", "isYoung", "signature")

    def __init__(self, signature: Signature, age: float) -> None:
        """
        @param signature: what tells it from others.
        @param age: for how long the file had been in that state, in seconds.
        """
        mtime, ctime = signature[:2]
        isCoarse = not (mtime % _SECOND or ctime % _SECOND)
        self.signature = signature
        self.isYoung = age < SETTLING
        self.isProvisional = age < (_COARSE_SETTLING if isCoarse else SETTLING)


class Watch:
    """
    What is remembered of a file between two checks of it: since when it is in its
    state.  Its times are those of a clock that may be another's, and aren't
    compared with any of this machine.
    """

    def __init__(self) -> None:
        self._seen: Signature | None = None
        self._since = 0.0

    def stateOf(self, status: os.stat_result) -> State:
        """
        Return the state that a file is in.
        """
        now, signature = time.monotonic(), signatureOf(status)
        if signature != self._seen:
            self._seen, self._since = signature, now
        return State(signature, now - self._since)


def readWhole(path: str, watch: Watch) -> tuple[bytes, State]:
    """
    Read a whole file, as it is at one moment.

    @param watch: what is remembered of the file.

    @return: what it holds, and its state.

    @raise OSError: if it can't be read, is no regular file, is too large, or goes on
        changing while it is read.
    """
    for _ in range(_TRIES):
        with openRegular(path) as file:
            status = os.fstat(file.fileno())
            state = watch.stateOf(status)
            if state.isYoung and status.st_size > _LARGE:
                # To wait takes less time than to read it twice.
                time.sleep(SETTLING)
                continue
            # In one call: with many short ones, a thread that reads would keep the
            # reactor's waiting.
            text = os.read(file.fileno(), status.st_size + 1)
            after = signatureOf(os.fstat(file.fileno()))
        if len(text) == status.st_size and after == state.signature:
            return text, state
    raise OSError(errno.EBUSY, "it changes while it is read", path)


class KeptFile(Generic[_T]):
    """
    What a file holds, parsed; it is read again when the file differs.

    The methods may be called in any thread.

    @ivar path: the path of the file.
    """

    def __init__(self, path: str, parse: Callable[[bytes, State], _T]) -> None:
        """
        @param path: the path of the file.
        @param parse: returns what is kept, of what the file holds and its state.
        """
        self.path = path
        self._parse = parse
        self._lock = Lock()
        self._watch = Watch()
        self._known: tuple[State, _T] | None = None

    def read(self) -> _T:
        """
        Return what is kept of the file.

        @raise OSError: as from L{readWhole}.
        """
        with self._lock:
            known = self._known
            if (
                known is None
                or known[0].isProvisional
                or known[0].signature != self.signature()
            ):
                # Not two of them at a time.
                self._known = known = None
                text, state = readWhole(self.path, self._watch)
                self._known = known = state, self._parse(text, state)
            return known[1]

    def signature(self) -> Signature:
        """
        Return what tells the state of the file from others.

        @raise OSError: if there is no such file.
        """
        return signatureOf(os.stat(self.path))

    def forget(self) -> None:
        """
        Drop what is kept.
        """
        self._known = None


def openRegular(path: str) -> BinaryIO:
    """
    Open a file for reading, without a buffer.

    @raise OSError: if it can't be read, is no regular file or is too large.
    """
    descriptor, _ = openDescriptor(path)
    return open(descriptor, "rb", buffering=0)


def openDescriptor(path: str) -> tuple[int, os.stat_result]:
    """
    Open a file for reading, in fewer calls than Python's own files take.

    @return: the descriptor, which the caller has to close, and the status of the file.

    @raise OSError: if it can't be read, is no regular file or is too large.
    """
    descriptor = _openWithoutWaiting(path, os.O_RDONLY)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if status.st_size > LARGEST:
            raise OSError(errno.EINVAL, f"it is larger than {LARGEST} bytes", path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _openWithoutWaiting(path: str, flags: int) -> int:
    """
    Open a file, and don't wait for a writer if it is a pipe.
    """
    return os.open(path, flags | os.O_NONBLOCK)


__all__ = [
    "LARGEST",
    "SETTLING",
    "KeptFile",
    "Signature",
    "State",
    "Watch",
    "openDescriptor",
    "openRegular",
    "readWhole",
    "signatureOf",
]
