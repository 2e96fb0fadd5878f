"""
The metrics of several processes that serve the same clients.

They share a file that has no name.  Each process writes its numbers into a slot of its
own, and the one that is asked reads them all.  A process that takes the place of another
goes on with what that one has counted, however it has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING

from twisted.logger import Logger

from ._gauges import Gauges
from ._metrics import FAMILIES, LoginMetrics, metricsOf
from ._samples import BadSamples, Sample, add, counted, decode, encode

if TYPE_CHECKING:
    from prometheus_client import Metric

# What stands before data: how often the slot was written, how long the data is, and a
# digest of all that.
_HEADER = Struct(">QI16s")

#: How much the half of a slot holds, in bytes, with the header.  Pages that were never
#: written take no room.
HALF = 2**20


class Slots:
    """
    A file with slots, each of which one process writes.

    A slot has two halves, written in turn: while one is being written the other is whole,
    also if the writer is killed.
    """

    def __init__(self, descriptor: int) -> None:
        """
        @param descriptor: the file.
        """
        self._descriptor = descriptor

    def read(self, number: int) -> bytes | None:
        """
        Return what was written into a slot last; L{None} if nothing was.

        @param number: which slot, from 1.
        """
        return max(self._halves(number), key=lambda half: half[0])[1]

    def write(self, number: int, data: bytes) -> None:
        """
        Write data into a slot.

        @raise ValueError: if it is too long.
        @raise OSError: if the disk is full.
        """
        if len(data) > HALF - _HEADER.size:
            raise ValueError("too long")
        turns = [turn for turn, _ in self._halves(number)]
        turn = max(turns) + 1
        header = _HEADER.pack(turn, len(data), _digest(turn, data))
        half = turns.index(min(turns))
        os.pwrite(self._descriptor, header + data, self._offset(number, half))

    def _halves(self, number: int) -> list[tuple[int, bytes | None]]:
        """
        Return the halves of a slot: how often the slot had been written with each, and
        what is in it; 0 and L{None} for a half that isn't whole.
        """
        return [self._half(self._offset(number, half)) for half in range(2)]

    def _half(self, offset: int) -> tuple[int, bytes | None]:
        """
        Return what is in a half.
        """
        header = os.pread(self._descriptor, _HEADER.size, offset)
        if len(header) == _HEADER.size:
            turn, length, digest = _HEADER.unpack(header)
            if length <= HALF - _HEADER.size:
                data = os.pread(self._descriptor, length, offset + _HEADER.size)
                if _digest(turn, data) == digest:
                    return turn, data
        return 0, None

    def _offset(self, number: int, half: int) -> int:
        """
        Return where a half begins.
        """
        return (2 * (number - 1) + half) * HALF


def _digest(turn: int, data: bytes) -> bytes:
    """
    Return a digest by which a half that was written in part is known.
    """
    return blake2b(b"%d:" % turn + data, digest_size=16).digest()


class SharedMetrics(LoginMetrics):
    """
    The metrics of one of several processes, and of all together.
    """

    _log = Logger()
    _isTold = False

    def __init__(
        self, slots: Slots, number: int, processes: int, *, gauges: Gauges | None = None
    ) -> None:
        """
        @param slots: the slots of all processes.
        @param number: which of the processes this one is, from 1.
        @param processes: how many there are.
        @param gauges: what reads queues, threads, servers and tables.
        """
        super().__init__(gauges=gauges)
        self._slots = slots
        self._number = number
        self._numbers = range(1, processes + 1)
        # What others have counted in this one's place.
        self._before = counted(FAMILIES, self._read(number))

    def share(self) -> None:
        """
        Tell the other processes what this one has counted.
        """
        samples = add(FAMILIES, [(None, self._before), (None, self.samples())])
        try:
            self._slots.write(self._number, encode(samples))
        except (OSError, ValueError) as error:
            if not self._isTold:
                self._isTold = True
                self._log.error("Metrics can't be shared: {why}", why=str(error))

    def collect(self) -> Iterator[Metric]:
        """
        Return the numbers of all processes together.
        """
        return (metric for metric in self.inSteps() if metric is not None)

    def inSteps(self) -> Iterator[Metric | None]:
        """
        Return the same, a process at each step: L{None} as long as there are more.
        """
        self.share()
        samples: list[Sample] = []
        for number in self._numbers:
            yield None
            samples = add(FAMILIES, [(None, samples), (str(number), self._read(number))])
        yield from metricsOf(samples)

    def _read(self, number: int) -> list[Sample]:
        """
        Return what a process has told last.
        """
        data = self._slots.read(number)
        try:
            return [] if data is None else decode(FAMILIES, data)
        except BadSamples as error:
            self._log.error("Metrics can't be read: {why}", why=str(error))
            return []


__all__ = ["HALF", "SharedMetrics", "Slots"]
