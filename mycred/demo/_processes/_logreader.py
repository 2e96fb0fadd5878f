"""
Read what a worker writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor

from ..._types import Timer

# How much a pipe holds, in bytes.
_WHOLE = 2**16


class Lines:
    """
    Lines out of pieces of data.

    @ivar rest: the line that hasn't ended yet.
    """

    def __init__(self, longest: int) -> None:
        """
        @param longest: how long a line may be, in bytes; a longer one is cut into pieces.
        """
        self._longest = longest
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """
        Return the lines that end in a piece of data.
        """
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > self._longest:
            lines.append(self.rest)
            self.rest = b""
        return lines


class LogReader(FileDescriptor):
    """
    A pipe into which a worker writes lines.

    It is read some times a second and not for each line: the processor has other things
    to do.  What the pipe can't hold a worker waits with.

    @cvar pause: how long nothing is read then, in seconds.
    """

    pause = 0.02

    _timer: Timer | None = None
    _descriptor = -1

    def __init__(
        self, reactor: Any, received: Callable[[bytes], object], longest: int
    ) -> None:
        """
        @param reactor: what waits for it.
        @param received: what is called with each line.
        @param longest: how long a line may be, in bytes.  No more is read at a time:
            there may be as many lines in it.
        """
        super().__init__(reactor)
        self._reactor = reactor
        self._received = received
        self._lines = Lines(longest)
        self._piece = min(longest, _WHOLE)

    def begin(self) -> int:
        """
        Open the pipe.

        @return: the worker's end of it, which the caller closes.
        """
        self._descriptor, end = os.pipe()
        os.set_blocking(self._descriptor, False)
        self.startReading()
        return end

    def fileno(self) -> int:
        """
        Return the descriptor of the pipe.
        """
        return self._descriptor

    def doRead(self) -> None:
        """
        Read what there is, and then nothing for a while.
        """
        self.stopReading()
        if self._read(self._piece):
            self._timer = self._reactor.callLater(self.pause, self._goOn)

    def _goOn(self) -> None:
        """
        Read again.
        """
        self._timer = None
        self.startReading()

    def _read(self, most: int) -> bool:
        """
        Read what there is.

        @param most: how much is read at most, in bytes.

        @return: whether there may be more.
        """
        try:
            data = os.read(self._descriptor, most)
        except OSError:
            return False
        for line in self._lines.feed(data):
            self._received(line)
        return bool(data)

    def end(self) -> bytes:
        """
        Read what there still is, as much as a pipe holds, and close the pipe: other
        processes may have the other end.

        @return: a line that has no end.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.stopReading()
        if self._descriptor >= 0:
            self._read(_WHOLE)
            os.close(self._descriptor)
            self._descriptor = -1
        return self._lines.rest


__all__ = ["Lines", "LogReader"]
