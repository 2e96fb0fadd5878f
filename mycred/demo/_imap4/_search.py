"""
The keys by which a client searches (RFC 3501, section 6.4.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_tz
from functools import cached_property

from .._mailheaders import decoded
from .._mailstore import Message
from ._part import Part
from ._syntax import Arguments

# Nobody asks deeper questions but to harm who answers them.
_DEEPEST = 30


@dataclass
class Candidate:
    """
    A message that a search may find.

    @ivar number: its number, from 1.
    @ivar last: the highest number.
    @ivar message: what is known of it.
    @ivar lastUID: the highest UID.
    @ivar content: its content, if a key needs that.
    """

    number: int
    last: int
    message: Message
    lastUID: int
    content: bytes = b""

    @cached_property
    def part(self) -> Part:
        """
        The message with its headers.
        """
        return Part(self.content)

    @cached_property
    def headers(self) -> list[tuple[bytes, str]]:
        """
        The headers: the name of each, in capitals, and what it says, whose case doesn't
        count.
        """
        return [
            (name, decoded(_text(lines.partition(b":")[2])).casefold())
            for name, lines in self.part.fields
        ]

    @cached_property
    def body(self) -> str:
        """
        The text in it, whose case doesn't count.
        """
        return "\n".join([_text(self.part.body), *_textsIn(self.part)]).casefold()

    @cached_property
    def whole(self) -> str:
        """
        The headers, with their names, and the text.
        """
        lines = [f"{_text(name).casefold()}: {told}" for name, told in self.headers]
        return "\n".join([*lines, self.body])

    @property
    def arrived(self) -> date:
        """
        The day on which it came in.
        """
        return date(*time.gmtime(self.message.date)[:3])

    @cached_property
    def sent(self) -> date | None:
        """
        The day on which it was sent, by its own header; L{None} if that has none.
        """
        parsed = parsedate_tz((self.part.value(b"DATE") or b"").decode("latin-1"))
        try:
            return date(*parsed[:3]) if parsed else None
        except ValueError:
            return None

    def says(self, name: bytes, text: str) -> bool:
        """
        Return whether a text stands in a header.
        """
        return any(known == name and text in value for known, value in self.headers)


@dataclass(frozen=True)
class Key:
    """
    A key to search by.

    @ivar fits: tell whether a message has it.
    @ivar needsContent: whether the content of messages is needed to tell.
    """

    fits: Callable[[Candidate], bool]
    needsContent: bool = False


def _text(value: bytes) -> str:
    """
    Return bytes as text.
    """
    return value.decode("utf-8", "replace")


def _textsIn(part: Part) -> Iterator[str]:
    """
    Return the decoded texts in a message.
    """
    inner = part.parts or ([part.message] if part.isMessage else [])
    for each in inner:
        yield from _textsIn(each)
    if not inner and part.headers.get_content_maintype() == "text":
        yield part.text()


def searchedBy(arguments: Arguments) -> Key:
    """
    Parse the keys of a search.

    @raise ValueError: if it makes no sense.
    """
    keys = [_parseKey(arguments, 0)]
    while not arguments.isEmpty():
        keys.append(_parseKey(arguments, 0))
    return _all(keys)


def _all(keys: list[Key]) -> Key:
    """
    Return the key for messages that match all of several keys.
    """
    return Key(
        lambda candidate: all(key.fits(candidate) for key in keys),
        any(key.needsContent for key in keys),
    )


def _parseKey(arguments: Arguments, depth: int) -> Key:
    """
    Parse one key.

    @param depth: in how many others it stands.
    """
    if depth > _DEEPEST:
        raise ValueError("A simpler question expected")

    def inner() -> Key:
        return _parseKey(arguments, depth + 1)

    if arguments.begins(b"("):
        keys = arguments.listOf(inner)
        if not keys:
            raise ValueError("Something to search for expected")
        return _all(keys)
    if arguments.begins(b"*", *(b"%d" % digit for digit in range(10))):
        numbers = arguments.sequenceSet()
        return Key(lambda c: numbers.holds(c.number, c.last))
    name = arguments.atom()
    if name == b"NOT":
        negated = inner()
        return Key(lambda c: not negated.fits(c), negated.needsContent)
    if name == b"OR":
        one, other = inner(), inner()
        needsContent = one.needsContent or other.needsContent
        return Key(lambda c: one.fits(c) or other.fits(c), needsContent)
    if name in _FLAGS:
        flag, isThere = _FLAGS[name]
        return Key(lambda c: (flag in c.message.flags) == isThere)
    if name not in _KEYS:
        raise ValueError("Something to search for expected")
    read, fits, needsContent = _KEYS[name]
    what = read(arguments)
    return Key(lambda c: fits(c, what), needsContent)


def _parseNothing(arguments: Arguments) -> None:
    """
    Parse no argument.
    """


def _parseText(arguments: Arguments) -> str:
    """
    Parse a text, whose case doesn't count.
    """
    return _text(arguments.astring(isListed=True)).casefold()


def _parseHeader(arguments: Arguments) -> tuple[bytes, str]:
    """
    Parse the name of a header, and a text.
    """
    return arguments.astring().upper(), _parseText(arguments)


def _keyOf(header: bytes) -> tuple[Callable[[Arguments], str], Callable[..., bool], bool]:
    """
    Return the key that searches in a header.
    """
    return _parseText, lambda c, text: c.says(header, text), True


_FLAGS = {
    b"%b%b" % (prefix, flag.upper().encode("ascii")): (f"\\{flag}", not prefix)
    for prefix in (b"", b"UN")
    for flag in ("Answered", "Deleted", "Draft", "Flagged", "Seen")
}

# For each key: what parses its argument, whether a message matches it, and whether that
# needs the content.  Which messages are recent isn't kept, nor are programs' own flags.
_KEYS: dict[bytes, tuple[Callable[[Arguments], object], Callable[..., bool], bool]] = {
    b"ALL": (_parseNothing, lambda c, _: True, False),
    b"BCC": _keyOf(b"BCC"),
    b"BEFORE": (Arguments.date, lambda c, day: c.arrived < day, False),
    b"BODY": (_parseText, lambda c, text: text in c.body, True),
    b"CC": _keyOf(b"CC"),
    b"FROM": _keyOf(b"FROM"),
    b"HEADER": (_parseHeader, lambda c, what: c.says(*what), True),
    b"KEYWORD": (Arguments.atom, lambda c, _: False, False),
    b"LARGER": (Arguments.number, lambda c, size: c.message.size > size, False),
    b"NEW": (_parseNothing, lambda c, _: False, False),
    b"OLD": (_parseNothing, lambda c, _: True, False),
    b"ON": (Arguments.date, lambda c, day: c.arrived == day, False),
    b"RECENT": (_parseNothing, lambda c, _: False, False),
    b"SENTBEFORE": (Arguments.date, lambda c, day: bool(c.sent) and c.sent < day, True),
    b"SENTON": (Arguments.date, lambda c, day: c.sent == day, True),
    b"SENTSINCE": (Arguments.date, lambda c, day: bool(c.sent) and c.sent >= day, True),
    b"SINCE": (Arguments.date, lambda c, day: c.arrived >= day, False),
    b"SMALLER": (Arguments.number, lambda c, size: c.message.size < size, False),
    b"SUBJECT": _keyOf(b"SUBJECT"),
    b"TEXT": (_parseText, lambda c, text: text in c.whole, True),
    b"TO": _keyOf(b"TO"),
    b"UID": (
        Arguments.sequenceSet,
        lambda c, uids: uids.holds(c.message.uid, c.lastUID),
        False,
    ),
    b"UNKEYWORD": (Arguments.atom, lambda c, _: True, False),
}

__all__ = ["Candidate", "Key", "searchedBy"]
