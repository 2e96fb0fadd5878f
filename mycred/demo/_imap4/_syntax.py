"""
The syntax of IMAP4 commands (RFC 3501, section 9).

Who reads is as lenient as servers are with what users type by hand, where nothing else
can be meant.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from itertools import accumulate
from typing import TypeVar

_T = TypeVar("_T")

_quoted = re.compile(rb'"((?:[^"\\\x00\r\n]|\\["\\])*)"(?=[ )\]]|\Z)')
_word = re.compile(rb'[^\x00-\x20\x7f"({][^\x00-\x20\x7f]*')
_listed = re.compile(rb'[^\x00-\x20\x7f"(){\]][^\x00-\x20\x7f()\]]*')
_atom = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_flag = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_range = rb"(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?"
_set = re.compile(rb"%b(?:,%b)*(?=[ )]|\Z)" % (_range, _range))
_number = re.compile(rb"[0-9]{1,10}(?=[ )]|\Z)")
_date = re.compile(rb'("?)([0-9]{1,2}-[A-Za-z]{3}-[0-9]{4})\1(?=[ )]|\Z)')
_dateTime = re.compile(
    rb'"([ 0-9]?[0-9]-[A-Za-z]{3}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})"'
    rb"(?= |\Z)"
)
_open, _close = re.compile(rb"\("), re.compile(rb"\)(?=[ )\]]|\Z)")
_control = re.compile(r"[\x00-\x1f\x7f]")

# It has a shorter name as of Python 3.11.
_UTC = timezone.utc  # noqa: UP017

# What this needs is imported at the first use, when twistd may be somebody (--uid) who
# can't read where Python is.
datetime.strptime("1994", "%Y")

#: What ends a line that a literal follows: how long it is, and whether the client waits.
literal = re.compile(rb"(?:\A|(?<=[ (]))\{([0-9]{1,10})(\+?)\}\Z")


class SequenceSet:
    """
    Numbers or UIDs of messages.
    """

    def __init__(self, ranges: Sequence[tuple[float, float]]) -> None:
        """
        @param ranges: the first and the last of each range; infinite is the highest that
            there is.
        """
        self._ranges = ranges
        self._highest: int | None = None

    def holds(self, number: int, highest: int) -> bool:
        """
        Return whether a number is one of them.

        @param highest: the highest that there is.
        """
        if highest != self._highest:
            self._highest = highest
            known = sorted(
                sorted(highest if end == _LAST else end for end in ends)
                for ends in self._ranges
            )
            self._firsts = [first for first, _ in known]
            # The last that any range reaches that begins so early.
            self._lasts = list(accumulate((last for _, last in known), max))
        begun = bisect_right(self._firsts, number)
        return begun > 0 and number <= self._lasts[begun - 1]


_LAST = float("inf")


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

    def isEmpty(self) -> bool:
        """
        Return whether nothing is left.
        """
        return not self._text.strip(b" ") and not self._rest

    def end(self) -> None:
        """
        Insist that nothing is left.
        """
        if not self.isEmpty():
            raise ValueError("Too many arguments")

    def begins(self, *starts: bytes) -> bool:
        """
        Return whether the next argument begins in one of these ways.
        """
        self._text = self._text.lstrip(b" ")
        return self._text.startswith(starts)

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """
        Return the match of a pattern, and take it away; L{None} if it doesn't match.
        """
        self._text = self._text.lstrip(b" ")
        found = pattern.match(self._text)
        if found is not None:
            self._text = self._text[found.end() :]
        return found

    def take(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """
        Return the match of a pattern, and take it away.

        @param what: what should be there.
        """
        found = self.match(pattern)
        if found is None:
            raise ValueError(f"{what} expected")
        return found

    def literal(self) -> bytes | None:
        """
        Take a literal, if it is there.
        """
        if not self._rest or not literal.fullmatch(self._text.lstrip(b" ")):
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
        for part in set(found.split(b",")):
            first, _, last = part.partition(b":")
            ends = [_LAST if end == b"*" else int(end) for end in (first, last or first)]
            if 0 in ends:
                raise ValueError("Numbers of messages expected, the first of which is 1")
            ranges.append((ends[0], ends[1]))
        return SequenceSet(ranges)

    def listOf(self, item: Callable[[], _T]) -> list[_T]:
        """
        Take a list in parentheses, which may be empty.

        @param item: what takes an item of it.
        """
        self.take(_open, "A list")
        items = []
        while not self.begins(b")"):
            items.append(item())
        self.take(_close, "A space")
        return items

    def flags(self) -> list[str]:
        """
        Take flags, in parentheses or not.
        """

        def flag() -> str:
            return self.take(_flag, "A flag")[0].decode("ascii")

        if self.begins(b"("):
            return self.listOf(flag)
        flags = [flag()]
        while not self.isEmpty():
            flags.append(flag())
        return flags

    def date(self) -> date:
        """
        Take a date.
        """
        found = self.take(_date, "A date such as 1-Feb-1994")
        return _parsed(found[2], "%d-%b-%Y").date()

    def dateTime(self) -> float:
        """
        Take a date and a time, in seconds since the epoch.
        """
        found = self.take(_dateTime, 'A date such as "01-Feb-1994 21:52:25 -0800"')
        return _parsed(found[1].lstrip(), "%d-%b-%Y %H:%M:%S %z").timestamp()


def _parsed(text: bytes, form: str) -> datetime:
    """
    Return the moment that a text names, in UTC if that is said.
    """
    try:
        moment = datetime.strptime(text.decode("ascii"), form)
        return moment if moment.tzinfo is None else moment.astimezone(_UTC)
    except (OverflowError, ValueError):
        raise ValueError("A possible date expected") from None


def string(value: bytes | None) -> bytes:
    """
    Return a string as answers have it: quoted, or a literal where that can't be; NIL
    where there is none.
    """
    if value is None:
        return b"NIL"
    if re.search(rb"[^\x20-\x7e]", value):
        return b"{%d}\r\n%b" % (len(value), value)
    return b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", value)


def listed(items: Sequence[bytes]) -> bytes:
    """
    Return a list as answers have it.
    """
    return b"(" + b" ".join(items) + b")"


__all__ = ["Arguments", "SequenceSet", "listed", "literal", "string"]
