"""
Sections with keys and values, and in which line each stands.

C{configparser} reads the same, but says neither where a value stands nor more than one
of the mistakes::

    [section]
    key = value
        that goes on in lines that begin with a space
    # a comment
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

# A comment may follow a section, but not a value: there it may be meant.
_header = re.compile(r"\[([^\]]+)\]\s*(?:[#;].*)?")

# As those that Python reads text by: a value may hold other ends of lines.
_ends = re.compile(r"\r\n|\n|\r")

#: What is advised where a line is none of its own.
GOES_ON = "where a value goes on, begin the line with a space"


class Line(NamedTuple):
    """
    A line, or what is wrong in it.

    @ivar number: its number, from 1.
    @ivar text: its text, or what is wrong.
    """

    number: int
    text: str


@dataclass
class Entry:
    """
    A key with its value.

    @ivar number: the number of the line that has the key.
    @ivar lines: the lines of the value that aren't empty.
    """

    number: int
    lines: list[Line]

    @property
    def text(self) -> str:
        """
        The value.
        """
        return "\n".join(line.text for line in self.lines)


@dataclass
class Section:
    """
    A section.

    @ivar number: the number of the line that begins it.
    @ivar entries: its keys with their values, by the keys in lower case.
    """

    number: int
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass
class IniFile:
    """
    What is in a file.

    @ivar sections: the sections, by their names.
    @ivar mistakes: the lines that aren't such as they should be, with what would be
        right; not with what they hold, which may be a password.
    """

    sections: dict[str, Section] = field(default_factory=dict)
    mistakes: list[Line] = field(default_factory=list)


def parseIni(text: str) -> IniFile:
    """
    Return what is in a text.  Whatever is wrong is among the mistakes.
    """
    return _Reading().file(text)


class _Reading:
    """
    A text that is read line by line.

    @ivar _section: the section that the lines belong to; L{None} before the first one.
    @ivar _entry: what a line that is further to the right goes on with, or L{None}.
    @ivar _depth: how far to the right its first line begins.
    """

    _section: Section | None = None
    _entry: Entry | None = None
    _depth = 0

    def __init__(self) -> None:
        self._file = IniFile()

    def file(self, text: str) -> IniFile:
        """
        Return what is in a text.
        """
        for number, line in enumerate(_ends.split(text), 1):
            content = line.strip()
            if not content or content[0] in "#;":
                continue
            depth = len(line) - len(line.lstrip())
            if self._entry is not None and depth > self._depth:
                self._entry.lines.append(Line(number, content))
            else:
                self._depth = depth
                self._begin(number, content)
        return self._file

    def _begin(self, number: int, content: str) -> None:
        """
        Read a line that goes on with nothing.
        """
        header = _header.fullmatch(content)
        if header is not None:
            self._beginSection(number, header[1])
            return
        key, equals, value = (part.strip() for part in content.partition("="))
        # What goes on in the next lines is read, whatever is wrong with the first one.
        self._entry = Entry(number, [Line(number, value)] if value else [])
        if self._section is None:
            self._note(number, "write a line with a [section] above it")
        elif not equals or not key:
            self._note(number, f"write KEY = VALUE; {GOES_ON}")
        else:
            known = self._section.entries.setdefault(key.lower(), self._entry)
            self._noteTwice(number, "a key", known.number)

    def _beginSection(self, number: int, name: str) -> None:
        """
        Read the line that begins a section.
        """
        self._entry = None
        self._section = self._file.sections.setdefault(name, Section(number))
        self._noteTwice(number, "a section", self._section.number)

    def _noteTwice(self, number: int, what: str, first: int) -> None:
        """
        Note what is there twice.

        @param first: the line in which it stands first.
        """
        if first != number:
            self._note(number, f"{what} is there twice, first in line {first}")

    def _note(self, number: int, text: str) -> None:
        """
        Note a mistake.
        """
        self._file.mistakes.append(Line(number, text))


__all__ = ["GOES_ON", "Entry", "IniFile", "Line", "Section", "parseIni"]
