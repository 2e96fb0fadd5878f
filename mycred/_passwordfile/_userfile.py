"""
A file with a line for each user, which is read again when it differs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from .._files import KeptFile, Signature, State, openRegular
from .._paths import AnyPath, asPath
from ._layout import LONGEST_LINE, Entry, Layout
from ._snapshot import Snapshot

# As much as is read at a time where nothing is kept, in bytes: with less, a thread
# that reads would keep the reactor's waiting.
_CHUNK = 2**19

# As much as is searched at a time, in bytes.  Python searches long texts in another way
# than short ones: what is left of a long one after a line that was found would take
# another time than the whole.
_STEP = 2**14

# As much as most lines have, in bytes.
_LINE = 512


class UserFile:
    """
    A file with a line for each user.

    The methods wait for the file system, and may be called in any thread.

    @ivar path: the name of the file.
    @ivar layout: how its lines are taken apart.
    """

    def __init__(self, path: AnyPath, layout: Layout) -> None:
        """
        @param path: the name of the file.
        @param layout: how its lines are taken apart.
        """
        self.path = asPath(path)
        self.layout = layout
        self._file = KeptFile(self.path, self._parse)

    def snapshot(self) -> Snapshot:
        """
        Return what the file holds, and read it only if it differs from what was
        read before.

        @raise OSError: if it can't be read, is no regular file, is too large, or
            goes on changing while it is read.
        """
        return self._file.read()

    def scan(self, name: bytes) -> Iterator[Entry]:
        """
        Look a name up without keeping anything: go through its lines.  For each, the
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
            buffer = bytearray(min(_CHUNK, os.fstat(file.fileno()).st_size + 2))
            view = memoryview(buffer)
            buffer[0] = ord("\n")
            while size := os.readv(file.fileno(), [view[kept:]]):
                filled = kept + size
                for found in _placesOf(start, buffer, filled):
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
                # To take a line apart takes time: it is done for whoever has none, too.
                self._entryAt(file, 0, None)

    def number(self, entry: Entry) -> int:
        """
        Return the number of a line that was found, counted from 1.

        @raise OSError: as from L{snapshot}.
        """
        lines = 1
        with self.open() as file:
            for start in range(0, entry.start, _CHUNK):
                size = min(_CHUNK, entry.start - start)
                lines += os.pread(file.fileno(), size, start).count(b"\n")
        return lines

    def forget(self) -> None:
        """
        Drop what was read.
        """
        self._file.forget()

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        @raise OSError: if it can't be read, is no regular file or is too large.
        """
        return openRegular(self.path)

    def signature(self) -> Signature:
        """
        Tell the state that the file is in.

        @raise OSError: if there is no such file.
        """
        return self._file.signature()

    def _parse(self, text: bytes, state: State) -> Snapshot:
        """
        Return what is kept of the file.
        """
        return Snapshot(text, self.layout, state)

    def _entryAt(self, file: BinaryIO, position: int, line: bytes | None) -> Entry | None:
        """
        Read the line at a position.

        @param line: the line, if it is known already.

        @return: L{None} if it holds nobody.
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


def _placesOf(part: bytes, buffer: bytearray, filled: int) -> Iterator[int]:
    """
    Go through the places where something stands in a buffer.

    @param filled: how much of the buffer counts.
    """
    for begin in range(0, filled, _STEP):
        end = min(begin + _STEP + len(part) - 1, filled)
        found = buffer.find(part, begin, end)
        while found >= 0:
            yield found
            found = buffer.find(part, found + 1, end)


__all__ = ["UserFile"]
