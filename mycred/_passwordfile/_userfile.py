"""
A file with a line for each user, which is read again when it differs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from .._files import KeptFile, State, openRegular
from .._paths import AnyPath, asPath
from ._layout import LONGEST_LINE, Entry, Layout
from ._snapshot import Snapshot

# As much as most lines have, in bytes.
_LINE = 512


class UserFile(KeptFile[Snapshot]):
    """
    A file with a line for each user.

    The methods wait for the file system, and may be called in any thread.

    @ivar layout: how its lines are parsed.
    """

    #: As much as is read at a time where nothing is kept, in bytes: with less, a thread
    #: that reads would keep the reactor's waiting.
    CHUNK = 2**19

    #: As much as is searched at a time, in bytes.  Python searches long texts in another
    #: way than short ones: what is left of a long one after a line that was found would
    #: take another time than the whole.
    STEP = 2**14

    def __init__(self, path: AnyPath, layout: Layout) -> None:
        """
        @param path: the path of the file.
        @param layout: how its lines are parsed.
        """
        super().__init__(asPath(path), partial(_snapshotOf, layout))
        self.layout = layout

    def snapshot(self) -> Snapshot:
        """
        Return what the file holds, and read it only if it differs from what was
        read before.

        @raise OSError: if it can't be read, is no regular file, is too large, or
            goes on changing while it is read.
        """
        return self.read()

    def scan(self, name: bytes) -> Iterator[Entry]:
        """
        Iterate over the lines for a name, without keeping anything.  For each, the
        file is read so far; once there is none left, all of it has been read.

        @param name: the name, in a file whose lines begin with names.

        @raise OSError: as from L{snapshot}.
        """
        delimiter = self.layout.delimiter or b":"
        if delimiter in name or b"\n" in name:
            return
        start = b"\n" + name + delimiter
        # The file's first line begins like all others.
        kept, position, isFound = 1, -1, False
        with self.open() as file:
            buffer = bytearray(min(self.CHUNK, os.fstat(file.fileno()).st_size + 2))
            view = memoryview(buffer)
            buffer[0] = ord("\n")
            while size := os.readv(file.fileno(), [view[kept:]]):
                filled = kept + size
                for found in _placesOf(start, buffer, filled, self.STEP):
                    end = buffer.find(b"\n", found + 1, filled)
                    line = bytes(view[found + 1 : end]) if end >= 0 else None
                    entry = self._entryAt(file, position + found + 1, line)
                    isFound = True
                    if entry is not None:
                        yield entry
                # What is found may begin in one chunk and end in the next.
                kept = min(filled, len(start) - 1)
                position += filled - kept
                buffer[:kept] = buffer[filled - kept : filled]
            if not isFound:
                # A line is parsed for a name that has none, too, since it takes time.
                self._entryAt(file, 0, None)

    def number(self, entry: Entry) -> int:
        """
        Return the number of a line that was found, counted from 1.

        @raise OSError: as from L{snapshot}.
        """
        lines = 1
        with self.open() as file:
            for start in range(0, entry.start, self.CHUNK):
                size = min(self.CHUNK, entry.start - start)
                lines += os.pread(file.fileno(), size, start).count(b"\n")
        return lines

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        @raise OSError: if it can't be read, is no regular file or is too large.
        """
        return openRegular(self.path)

    def _entryAt(self, file: BinaryIO, position: int, line: bytes | None) -> Entry | None:
        """
        Return the entry of the line at a position.

        @param line: the line, if it is known already.

        @return: L{None} if it holds no user.
        """
        newline = b"\n"
        if line is None:
            line = b""
            while b"\n" not in line and len(line) < LONGEST_LINE:
                more = os.pread(file.fileno(), _LINE, position + len(line))
                if not more:
                    break
                line += more
            line, newline, _ = line.partition(b"\n")
        parsed = self.layout.parse(line)
        return parsed and Entry(*parsed, position, not newline)


def _snapshotOf(layout: Layout, text: bytes, state: State) -> Snapshot:
    """
    Return a snapshot of what a file holds.
    """
    return Snapshot(text, layout, state)


def _placesOf(part: bytes, buffer: bytearray, filled: int, step: int) -> Iterator[int]:
    """
    Iterate over the places of a text in a buffer.

    @param filled: how much of the buffer counts.
    @param step: as much as is searched at a time.
    """
    for begin in range(0, filled, step):
        end = min(begin + step + len(part) - 1, filled)
        found = buffer.find(part, begin, end)
        while found >= 0:
            yield found
            found = buffer.find(part, found + 1, end)


__all__ = ["UserFile"]
