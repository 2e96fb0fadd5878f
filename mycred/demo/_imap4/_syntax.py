"""
What stands in IMAP4 commands, as RFC 3501 (section 9) has it.

Who reads is as lenient as servers are with what users type by hand, where nothing else
can be meant.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

_T = TypeVar("_T")

_quoted = re.compile(rb'"((?:[^"\\\x00\r\n]|\\["\\])*)"(?=[ )\]]|\Z)')
_word = re.compile(rb'[^\x00-\x20\x7f"({][^\x00-\x20\x7f]*')
_listed = re.compile(rb'[^\x00-\x20\x7f"(){\]][^\x00-\x20\x7f()\]]*')
_atom = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_flag = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ranges = re.compile(rb"(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?")
_set = re.compile(rb"%b(?:,%b)*(?=[ )]|\Z)" % (_ranges.pattern, _ranges.pattern))
_number = re.compile(rb"[0-9]{1,10}(?=[ )]|\Z)")
_control = re.compile(r"[\x00-\x1f\x7f]")

#: The names of months.
_FIRST = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
MONTHS = [*_FIRST, "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_date = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1(?=[ )]|\Z)')
_dateTime = re.compile(
    rb'"([ 0-9]?[0-9])-([A-Za-z]{3})-([0-9]{4}) '
    rb'([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"(?=[ ]|\Z)'
)

#: What ends a line that a literal follows: how long it is, and whether the client waits.
literal = re.compile(rb"(?:\A|(?<=[ (]))\{([0-9]{1,10})(\+?)\}\Z")


@dataclass(frozen=True)
class SequenceSet:
    """
    Numbers or UIDs of messages.

    @ivar ranges: the first and the last of each range; L{None} is the highest that
        there is.
    """

    ranges: tuple[tuple[int | None, int | None], ...]

    def holds(self, number: int, highest: int) -> bool:
        """
        Tell whether a number is one of them.

        @param highest: the highest that there is.
        """
        for ends in self.ranges:
            first, last = sorted(highest if end is None else end for end in ends)
            if first <= number <= last:
                return True
        return False


class Arguments:
    """
    The arguments of a command, which are taken one after another.

    All that is taken raises L{ValueError} where it isn't there: the text says what would
    be, and nothing of what is there, since that may be a password.
    """

    def __init__(self, text: bytes, *rest: bytes) -> None:
        """
        @param text: what follows the command in the line.
        @param rest: literals, each followed by the text that follows it.
        """
        self._text = text
        self._rest = list(rest)

    def skip(self) -> None:
        """
        Go on to the next argument.

        @raise ValueError: if there is none.
        """
        self._text = self._text.lstrip(b" ")
        if self.isEmpty():
            raise ValueError("Missing argument")

    def isEmpty(self) -> bool:
        """
        Tell whether nothing is left.
        """
        return not self._text.strip(b" ") and not self._rest

    def end(self) -> None:
        """
        Insist that nothing is left.
        """
        if not self.isEmpty():
            raise ValueError("Too many arguments")

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """
        Take what a pattern matches, if it does.
        """
        found = pattern.match(self._text)
        if found is not None:
            self._text = self._text[found.end() :]
        return found

    def take(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """
        Take what a pattern matches.

        @param what: what should be there.
        """
        found = self.match(pattern)
        if found is None:
            raise ValueError(f"{what} expected")
        return found

    def begins(self, start: bytes) -> bool:
        """
        Tell what comes next.
        """
        return self._text.startswith(start)

    def word(self, word: bytes) -> bool:
        """
        Take a word, if it is there.
        """
        return self.match(_wordOf(word)) is not None

    def literal(self) -> bytes | None:
        """
        Take a literal, if it is there.
        """
        if not self._rest or not literal.fullmatch(self._text):
            return None
        value, self._text = self._rest[:2]
        del self._rest[:2]
        return value

    def astring(self, isListed: bool = False) -> bytes:
        """
        Take an atom, a quoted string, whose escapes are undone, or a literal.

        @param isListed: whether it stands in a list, which a parenthesis ends.
        """
        value = self.literal()
        if value is not None:
            return value
        if self.begins(b'"'):
            quoted: bytes = self.take(_quoted, "A quoted string")[1]
            return re.sub(rb"\\(.)", rb"\1", quoted)
        return self.take(_listed if isListed else _word, "A string")[0]

    def atom(self) -> bytes:
        """
        Take an atom, in capitals.
        """
        return self.take(_atom, "An atom")[0].upper()

    def mailbox(self) -> str:
        """
        Take the name of a mailbox.
        """
        try:
            name = self.astring().decode("imap4-utf-7")
        except Exception:
            # Whatever the codec, which is Twisted's, stumbles over.
            raise ValueError("The name of a mailbox expected, in UTF-7") from None
        if _control.search(name):
            raise ValueError("The name of a mailbox expected")
        return name

    def number(self) -> int:
        """
        Take a number.
        """
        return int(self.take(_number, "A number")[0])

    def sequenceSet(self) -> SequenceSet:
        """
        Take the numbers or the UIDs of messages.
        """
        found = self.take(_set, "Numbers of messages")[0]
        ranges = []
        for part in found.split(b","):
            first, _, last = part.partition(b":")
            ends = [None if end == b"*" else int(end) for end in (first, last or first)]
            if 0 in ends:
                raise ValueError("Numbers of messages expected, the first of which is 1")
            ranges.append((ends[0], ends[1]))
        return SequenceSet(tuple(ranges))

    def isSequenceSet(self) -> bool:
        """
        Tell whether numbers of messages come next.
        """
        return _set.match(self._text) is not None

    def listOf(self, item: Callable[[], _T]) -> list[_T]:
        """
        Take a list in parentheses, which may be empty.

        @param item: what takes an item of it.
        """
        if not self.begins(b"("):
            raise ValueError("A list expected")
        self._text = self._text[1:].lstrip(b" ")
        items = []
        while not self.begins(b")"):
            items.append(item())
            if not self.begins(b")"):
                self._separate()
        self._text = self._text[1:]
        if self._text[:1] not in (b"", b" ", b")", b"]"):
            raise ValueError("A space expected")
        return items

    def flags(self) -> list[str]:
        """
        Take flags, in parentheses or not.
        """
        if self.begins(b"("):
            return self.listOf(self._takeFlag)
        flags = [self._takeFlag()]
        while not self.isEmpty():
            self.skip()
            flags.append(self._takeFlag())
        return flags

    def date(self) -> date:
        """
        Take a date.
        """
        found = self.take(_date, "A date such as 1-Feb-1994")
        return date(int(found[4]), _month(found[3]), int(found[2]))

    def dateTime(self) -> float:
        """
        Take a date and a time, in seconds since the epoch.
        """
        found = self.take(_dateTime, 'A date such as "01-Feb-1994 21:52:25 -0800"')
        day = int(found[3]), _month(found[2]), int(found[1])
        when = datetime(*day, int(found[4]), int(found[5]), int(found[6]))
        offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
        try:
            when += offset if found[7] == b"-" else -offset
        except OverflowError:
            raise ValueError("A possible date expected") from None
        return timegm(when.timetuple())

    def _takeFlag(self) -> str:
        """
        Take a flag.
        """
        return self.take(_flag, "A flag")[0].decode("ascii")

    def _separate(self) -> None:
        """
        Take what separates two items of a list.
        """
        if not self.begins(b" "):
            raise ValueError("A parenthesis expected")
        self.skip()


def _month(name: bytes) -> int:
    """
    Return the number of a month.

    @raise ValueError: if there is none of the name.
    """
    return MONTHS.index(name.decode("ascii").title()) + 1


def _wordOf(word: bytes) -> re.Pattern[bytes]:
    """
    Return a pattern for a word, whatever its case.
    """
    return re.compile(rb"(?i:%b)(?=[ )]|\Z)" % re.escape(word))


def string(value: bytes | None) -> bytes:
    """
    Write a string as answers have it: quoted, or a literal where that can't be; NIL
    where there is none.
    """
    if value is None:
        return b"NIL"
    if re.search(rb"[^\x20-\x7e]", value):
        return b"{%d}\r\n%b" % (len(value), value)
    return b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", value)


def listed(items: Sequence[bytes]) -> bytes:
    """
    Write a list as answers have it.
    """
    return b"(" + b" ".join(items) + b")"


__all__ = ["MONTHS", "Arguments", "SequenceSet", "listed", "literal", "string"]
