"""
What is odd about a password file, for the log.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from .._secrets import printable
from .._verdict import Note
from ._layout import Entry

# What each of them begins with.
_place = re.compile(r".*(?:, line \d+(?:, and maybe others)?: |: there is more\b)")


def isOfLine(text: str) -> bool:
    """
    Return whether what is logged is something odd about a line of a file, which may be
    another than that of the user who logs in.
    """
    return _place.match(text) is not None


class Notes:
    """
    What threads have found out about one state of a file, for the reactor's
    thread to log: each once, and not too many.

    @ivar waiting: what waits to be logged.
    """

    #: How much is noted.
    MOST = 100

    def __init__(self, file: str, more: str) -> None:
        """
        @param file: the path of the file.
        @param more: what to say once there is too much.
        """
        self._file = printable(file)
        self._more = more
        self._known: set[object] = set()
        self.waiting: deque[Note] = deque()

    def __contains__(self, key: object) -> bool:
        """
        Return whether something was noted, or is one too many.
        """
        return key in self._known or len(self._known) > self.MOST

    def add(self, key: object, text: str, **values: object) -> None:
        """
        Note something.
        """
        if key in self:
            return
        self._known.add(key)
        if len(self._known) > self.MOST:
            text, values = "{file}: there is more{more}", {"more": self._more}
        self.waiting.append(Note(text, {"file": self._file, **values}))

    def clear(self) -> None:
        """
        Begin again.
        """
        self._known.clear()

    def take(self) -> Iterator[Note]:
        """
        Take what waits to be logged.
        """
        while self.waiting:
            yield self.waiting.popleft()


class Source(Protocol):
    """
    What a line was found in.
    """

    def number(self, entry: Entry) -> int:
        """
        Return the number of its line, counted from 1.
        """


__all__ = ["Notes", "Source", "isOfLine"]
