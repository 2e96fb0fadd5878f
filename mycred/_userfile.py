"""
Files of lines with a name and a secret: look a name up fast, and notice when the
file differs.

What is read is a snapshot of the whole file with an index over it, or, without
an index, just the line that is asked for.  Nothing here knows what a secret
means.
"""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import BinaryIO, NamedTuple

#: What tells one state of a file from another: times, size and place.
Signature = tuple[int, int, int, int, int]

#: Within this time a file may change twice without its times telling, and who
#: writes it may not be done with it, in seconds.
SETTLING = 0.05

#: Larger files are refused, in bytes.
LARGEST = 2**29

# As much as is looked through, or read, at a time, in bytes.  One call over a
# whole large file would keep the reactor's thread from running all the while.
_CHUNK = 2**19

# As much as most lines have, in bytes.
_LINE = 512

# A file that changes while it is read is read so often before it is given up.
_TRIES = 5


class Entry(NamedTuple):
    """
    A line of the file.

    @ivar name: the name, as the file spells it.
    @ivar secret: the secret.
    @ivar start: where in the file the line begins, in bytes.
    @ivar isCut: whether the file ends in this line, without a newline: it may be
        half of a line that is being written.
    """

    name: bytes
    secret: bytes
    start: int
    isCut: bool


class Layout:
    """
    How the lines of a file are taken apart.

    Blank lines, and those that begin with C{#}, hold nobody.
    """

    def __init__(
        self,
        delimiter: bytes = b":",
        nameField: int = 0,
        secretField: int = 1,
        caseSensitive: bool = True,
        isIndented: bool = False,
    ) -> None:
        """
        @param delimiter: what separates the fields.
        @param nameField: which field holds the name, counted from 0.
        @param secretField: which field holds the secret, counted from 0.
        @param caseSensitive: whether the case of names counts.  Where it
            doesn't, names are in lower case.
        @param isIndented: whether white space may stand before the name, and
            doesn't belong to it.
        """
        self.delimiter = delimiter
        self._name = nameField
        self._secret = secretField
        self._caseSensitive = caseSensitive
        self._strip = bytes.strip if isIndented else bytes.rstrip
        counted = min(nameField, secretField) >= 0
        self._splits = max(nameField, secretField) + 1 if counted else -1
        self._least = max(nameField, secretField) + 1

    @property
    def beginsWithName(self) -> bool:
        """
        Whether the lines for a name begin with just this name.
        """
        return not self._name and self._caseSensitive and self._strip == bytes.rstrip

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Take a line apart.

        @return: the name and the secret; L{None} if the line holds nobody.
        """
        fields = self._strip(line).split(self.delimiter, self._splits)
        if len(fields) < self._least:
            return None
        # White space and a few more sort before it: the rare line is looked at.
        if line[:1] <= b"#" and line.lstrip().startswith(b"#"):
            return None
        name = fields[self._name]
        if not name:
            return None
        return name if self._caseSensitive else name.lower(), fields[self._secret]


class Snapshot:
    """
    What a file held at one moment, with an index by name.

    @ivar signature: the state of the file.
    @ivar isYoung: whether the file had changed just before.
    @ivar repeated: for the first names that come again, the line and the line
        that counts.
    """

    #: How many names that come again are told.
    _MOST_REPEATED = 100

    def __init__(
        self, text: bytes, layout: Layout, signature: Signature, isYoung: bool
    ) -> None:
        """
        @param text: what the file holds.
        @param layout: how its lines are taken apart.
        @param signature: the state of the file.
        @param isYoung: whether the file had changed just before.
        """
        self.signature = signature
        self.isYoung = isYoung
        self.repeated: list[tuple[Entry, Entry]] = []
        self._text = text
        self._parse = layout.parse
        # Open addressing: 32 bits of the hash of a name, and 1 + where its line
        # begins.  No Python object for a user, so that it is small, and gone at
        # once when it is dropped.
        self._lines = _count(text, b"\n") + 1
        users = min(self._lines, _count(text, layout.delimiter[:1]) + 1)
        self._slots = array("Q", bytes(8)) * (users + users // 2 + 1)
        for start, line in self.lines():
            parsed = self._parse(line)
            if parsed is None:
                continue
            place, first = self._search(parsed[0])
            if first is None:
                tag = hash(parsed[0]) & 0xFFFF_FFFF_0000_0000
                self._slots[place] = tag | start + 1
            elif len(self.repeated) < self._MOST_REPEATED:
                self.repeated.append((self._entry(start), first))

    def __iter__(self) -> Iterator[Entry]:
        """
        Go through all entries, in the order of the file, with those that don't
        count.
        """
        return self.sample(self._lines)

    def find(self, name: bytes) -> Entry | None:
        """
        Look a name up.

        @return: the first line for it; L{None} if there is none.
        """
        return self._search(name)[1]

    def number(self, entry: Entry) -> int:
        """
        Return the number of an entry's line, counted from 1.
        """
        return _count(self._text, b"\n", entry.start) + 1

    def sample(self, most: int) -> Iterator[Entry]:
        """
        Go through entries that are spread evenly over the file.

        @param most: how many lines to look at; all of them if there are no more.
        """
        starts: Iterable[int]
        if self._lines <= most:
            starts = (start for start, _ in self.lines())
        else:
            size = len(self._text)
            places = (size * number // most for number in range(most))
            # The line around each place, once if it is a long one.
            starts = {self._text.rfind(b"\n", 0, place) + 1: None for place in places}
        for start in starts:
            entry = self._entry(start)
            if entry.name:
                yield entry

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """
        Go through the lines, each with the place where it begins.
        """
        text, start = self._text, 0
        end = text.find(b"\n")
        while end >= 0:
            yield start, text[start:end]
            start = end + 1
            end = text.find(b"\n", start)
        yield start, text[start:]

    def _search(self, name: bytes) -> tuple[int, Entry | None]:
        """
        Search the index for a name.

        @return: the place in the index, and the line for the name; L{None} if there
            is none, and the place is free.
        """
        slots = self._slots
        hashed = hash(name) & 0xFFFF_FFFF_FFFF_FFFF
        place, tag = hashed % len(slots), hashed >> 32
        while found := slots[place]:
            if found >> 32 == tag:
                entry = self._entry((found & 0xFFFF_FFFF) - 1)
                if entry.name == name:
                    return place, entry
            place += 1
            if place == len(slots):
                place = 0
        return place, None

    def _entry(self, start: int) -> Entry:
        """
        Return the entry whose line begins at a place.
        """
        end = self._text.find(b"\n", start)
        line = self._text[start:] if end < 0 else self._text[start:end]
        name, secret = self._parse(line) or (b"", b"")
        return Entry(name, secret, start, end < 0)


class UserFile:
    """
    A file with a line for each user.

    The methods wait for the file system, and may be called in any thread.

    @ivar path: the name of the file.
    @ivar layout: how its lines are taken apart.
    """

    def __init__(self, path: str, layout: Layout) -> None:
        """
        @param path: the name of the file.
        @param layout: how its lines are taken apart.
        """
        self.path = path
        self.layout = layout
        self._lock = Lock()
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """
        Return what the file holds, and read it only if it differs from what was
        read before.

        @raise OSError: if it can't be read, is no regular file, is too large, or
            goes on changing while it is read.
        """
        with self._lock:
            known = self._snapshot
            if known is None or known.isYoung or known.signature != self.signature():
                # Not two of them at a time.
                self._snapshot = known = None
                self._snapshot = known = Snapshot(*self._read())
            return known

    def scan(self, name: bytes) -> Entry | None:
        """
        Look a name up without keeping anything: read the file as far as its line.

        @return: the first line for it; L{None} if there is none.

        @raise OSError: as from L{snapshot}.
        """
        if self.layout.delimiter in name or b"\n" in name:
            return None
        start = b"\n" + name + self.layout.delimiter
        # The file's first line begins like all others.
        kept, position = 1, -1
        with self.open() as file:
            buffer = bytearray(min(_CHUNK, os.fstat(file.fileno()).st_size + 2))
            view = memoryview(buffer)
            buffer[0] = ord("\n")
            while size := os.readv(file.fileno(), [view[kept:]]):
                filled = kept + size
                found = buffer.find(start, 0, filled)
                while found >= 0:
                    entry = self._entryAt(file, position + found + 1)
                    if entry is not None:
                        return entry
                    found = buffer.find(start, found + 1, filled)
                # What is found may begin in one chunk and end in the next.
                kept = min(filled, len(start) - 1)
                position += filled - kept
                buffer[:kept] = buffer[filled - kept : filled]
        return None

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
        self._snapshot = None

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        @raise OSError: if it can't be read, is no regular file or is too large.
        """
        # Without waiting for a writer, if it is a pipe.
        file = open(  # noqa: SIM115
            self.path, "rb", buffering=0, opener=_openWithoutWaiting
        )
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            problem = "it is not a regular file"
        elif status.st_size > LARGEST:
            problem = f"it is larger than {LARGEST} bytes"
        else:
            return file
        file.close()
        raise OSError(problem)

    def signature(self) -> Signature:
        """
        Tell the state that the file is in.

        @raise OSError: if there is no such file.
        """
        return _signatureOf(os.stat(self.path))

    def _read(self) -> tuple[bytes, Layout, Signature, bool]:
        """
        Read the whole file, as it is at one moment.
        """
        for _ in range(_TRIES):
            with self.open() as file:
                before = _signatureOf(os.fstat(file.fileno()))
                isYoung = _isYoung(before)
                size = before[2]
                # In one call: with many short ones, a thread that reads would
                # keep the reactor's waiting.
                text = os.read(file.fileno(), size + 1)
                if len(text) == size and before == _signatureOf(os.fstat(file.fileno())):
                    return text, self.layout, before, isYoung
        raise OSError("it changes while it is read")

    def _entryAt(self, file: BinaryIO, position: int) -> Entry | None:
        """
        Read the line at a position; L{None} if it holds nobody.
        """
        line = b""
        while b"\n" not in line:
            more = os.pread(file.fileno(), _LINE, position + len(line))
            if not more:
                break
            line += more
        line, newline, _ = line.partition(b"\n")
        parsed = self.layout.parse(line)
        return parsed and Entry(*parsed, position, not newline)


def _openWithoutWaiting(path: str, flags: int) -> int:
    """
    Open a file, and don't wait for a writer if it is a pipe.
    """
    return os.open(path, flags | os.O_NONBLOCK)


def _signatureOf(status: os.stat_result) -> Signature:
    """
    Sum up the state of a file.
    """
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
    )


def _isYoung(signature: Signature) -> bool:
    """
    Tell whether a file has changed just now.
    """
    return 0 <= time.time_ns() - signature[1] < SETTLING * 1e9


def _count(text: bytes, what: bytes, end: int | None = None) -> int:
    """
    Count what a large text holds, a chunk at a time.
    """
    size = len(text) if end is None else end
    return sum(
        text.count(what, start, min(start + _CHUNK, size))
        for start in range(0, size, _CHUNK)
    )


__all__ = ["LARGEST", "SETTLING", "Entry", "Layout", "Signature", "Snapshot", "UserFile"]
