"""
What a file held at one moment, with an index by name.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from .._files import State
from ._layout import LONGEST_LINE, Entry, Layout


class Snapshot:
    """
    What a file held at one moment, with an index by name.

    @ivar state: the state of the file.
    @ivar repeated: for the first names that come again, the line and the line
        that counts.
    """

    #: As much as is gone through at a time, in bytes.  One call over a whole large file
    #: would keep the reactor's thread from running all the while.
    CHUNK = 2**19

    #: Of so many names that come again the log is told.
    _MOST_REPEATED = 100

    def __init__(self, text: bytes, layout: Layout, state: State) -> None:
        """
        @param text: what the file holds.
        @param layout: how its lines are parsed.
        @param state: the state of the file.
        """
        self.state = state
        self.repeated: list[tuple[Entry, Entry]] = []
        self._text = text
        self._parse = layout.parse
        # Open addressing: 32 bits of the hash of a name, and 1 + where its line
        # begins.  No Python object for a user, so that it is small, and gone at
        # once when it is dropped.
        self._lines = self._count(text, b"\n") + 1
        users = self._lines
        if layout.delimiter is not None:
            users = min(users, self._count(text, layout.delimiter[:1]) + 1)
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
        Iterate over all entries, in the order of the file, with those that don't count.
        """
        return self.sample(self._lines)

    def find(self, name: bytes) -> Entry | None:
        """
        Return the line for a name.

        @return: the first line for it; L{None} if there is none.
        """
        return self._search(name)[1]

    def number(self, entry: Entry) -> int:
        """
        Return the number of an entry's line, counted from 1.
        """
        return self._count(self._text, b"\n", entry.start) + 1

    def sample(self, most: int) -> Iterator[Entry]:
        """
        Iterate over entries that are spread evenly over the file.

        @param most: how many lines to look at; all of them if there are no more.
        """
        starts: Iterable[int]
        if self._lines <= most:
            starts = (start for start, _ in self.lines())
        else:
            starts = self._startsOf(most)
        for start in starts:
            entry = self._entry(start)
            if entry.name:
                yield entry

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """
        Iterate over the lines, each with the place where it begins.  Of one that is
        absurdly long, the beginning will do.
        """
        text, start = self._text, 0
        end = text.find(b"\n")
        while end >= 0:
            yield start, text[start : min(end, start + LONGEST_LINE)]
            start = end + 1
            end = text.find(b"\n", start)
        yield start, text[start : start + LONGEST_LINE]

    def linesWith(self, part: bytes) -> Iterator[tuple[bytes, bool]]:
        """
        Iterate over the lines that hold a text, without parsing any others.

        @param part: the text, without a newline.

        @return: each line, however long it is, and whether the file ends in it without
            a newline.
        """
        text, place = self._text, 0
        while place < len(text):
            found = text.find(part, place, place + self.CHUNK + len(part))
            if found < 0:
                place += self.CHUNK
                continue
            start, end = text.rfind(b"\n", 0, found) + 1, text.find(b"\n", found)
            if end < 0:
                yield text[start:], True
                return
            yield text[start:end], False
            place = end + 1

    def _startsOf(self, most: int) -> Iterator[int]:
        """
        Iterate over places where lines begin, spread evenly over the file.
        """
        start, size = 0, len(self._text)
        yield start
        for number in range(1, most):
            place = size * number // most
            # The beginning of the line that this place is in, unless it is that of the
            # last one.
            found = self._text.rfind(b"\n", start, place) + 1
            if found > start:
                start = found
                yield start

    def _count(self, text: bytes, what: bytes, end: int | None = None) -> int:
        """
        Return how often something stands in a large text, counted a chunk at a time.
        """
        size = len(text) if end is None else end
        return sum(
            text.count(what, start, min(start + self.CHUNK, size))
            for start in range(0, size, self.CHUNK)
        )

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
        isCut = end < 0
        last = len(self._text) if isCut else end
        line = self._text[start : min(last, start + LONGEST_LINE)]
        name, secret = self._parse(line) or (b"", b"")
        return Entry(name, secret, start, isCut)


__all__ = ["Snapshot"]
