"""
What a client searches for (RFC 3501, section 6.4.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from email.header import decode_header, make_header
from email.utils import parsedate_tz
from functools import cached_property

from .._store import Message
from ._part import LONGEST, Part
from ._syntax import Arguments

# Nobody asks deeper questions but to harm who answers them.
_DEEPEST = 30


@dataclass
class Candidate:
    """
    A message that may be looked for.

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
    def text(self) -> str:
        """
        The text in it, whose case doesn't count.
        """
        raw = self.part.body.decode("utf-8", "replace")
        return "\n".join([raw, *_textsIn(self.part)]).casefold()

    @property
    def arrived(self) -> date:
        """
        The day on which it came in.
        """
        return date(*time.gmtime(self.message.date)[:3])

    @property
    def sent(self) -> date | None:
        """
        The day on which it says that it was sent; L{None} if it doesn't.
        """
        value = self.part.value(b"DATE")
        parsed = parsedate_tz(value.decode("latin-1")) if value else None
        try:
            return date(*parsed[:3]) if parsed else None
        except ValueError:
            return None

    def headers(self, name: bytes) -> list[str]:
        """
        Return the values of the headers of a name, whose case doesn't count.
        """
        return [
            decoded(lines.partition(b":")[2])
            for known, lines in self.part.fields
            if known == name
        ]


@dataclass(frozen=True)
class Key:
    """
    Something to search for.

    @ivar fits: tell whether a message has it.
    @ivar needsContent: whether the content of messages is needed to tell.
    """

    fits: Callable[[Candidate], bool]
    needsContent: bool = False


def decoded(value: bytes) -> str:
    """
    Return the value of a header as it is meant, without its case.
    """
    text = value[:LONGEST].decode("utf-8", "replace")
    # Whatever the library stumbles over, such as an encoding that there isn't, stays as
    # it came.
    with suppress(Exception):
        text = str(make_header(decode_header(text)))
    return text.replace("\r\n", "").strip().casefold()


def _textsIn(part: Part) -> Iterator[str]:
    """
    Return the texts in a message, as they are meant.
    """
    inner = part.parts or ([part.message] if part.isMessage else [])
    for each in inner:
        yield from _textsIn(each)
    if not inner and part.headers.get_content_maintype() == "text":
        yield part.text()


def searchedBy(arguments: Arguments) -> Key:
    """
    Read what is searched for.

    @raise ValueError: if it makes no sense.
    """
    keys = [_readKey(arguments, 0)]
    while not arguments.isEmpty():
        arguments.skip()
        keys.append(_readKey(arguments, 0))
    return _all(keys)


def _all(keys: list[Key]) -> Key:
    """
    Search for what has all of it.
    """
    return Key(
        lambda candidate: all(key.fits(candidate) for key in keys),
        any(key.needsContent for key in keys),
    )


def _readKey(arguments: Arguments, depth: int) -> Key:
    """
    Read one thing to search for.

    @param depth: in how many others it stands.
    """
    if depth > _DEEPEST:
        raise ValueError("A simpler question expected")

    def inner() -> Key:
        return _readKey(arguments, depth + 1)

    if arguments.begins(b"("):
        keys = arguments.listOf(inner)
        if not keys:
            raise ValueError("Something to search for expected")
        return _all(keys)
    if arguments.isSequenceSet():
        numbers = arguments.sequenceSet()
        return Key(lambda c: numbers.holds(c.number, c.last))
    name = arguments.atom()
    if name in _FLAGS:
        flag, isSet = _FLAGS[name]
        return Key(lambda c: (flag in c.message.flags) == isSet)
    if name in _CONSTANT:
        isTrue = _CONSTANT[name]
        return Key(lambda c: isTrue)
    if name not in _READERS and name not in (b"NOT", b"OR"):
        raise ValueError("Something to search for expected")
    arguments.skip()
    if name == b"NOT":
        negated = inner()
        return Key(lambda c: not negated.fits(c), negated.needsContent)
    if name == b"OR":
        either = inner()
        arguments.skip()
        other = inner()
        return Key(
            lambda c: either.fits(c) or other.fits(c),
            either.needsContent or other.needsContent,
        )
    return _READERS[name](arguments)


def _takeText(arguments: Arguments) -> str:
    """
    Read a text, whose case doesn't count.
    """
    return arguments.astring(isListed=True).decode("utf-8", "replace").casefold()


def _readHeader(name: bytes) -> Callable[[Arguments], Key]:
    """
    Make what reads a text to search for in a header.
    """

    def read(arguments: Arguments) -> Key:
        text = _takeText(arguments)
        return Key(lambda c: any(text in value for value in c.headers(name)), True)

    return read


def _readAnyHeader(arguments: Arguments) -> Key:
    """
    Read the name of a header, and a text to search for in it.
    """
    name = arguments.astring().upper()
    arguments.skip()
    return _readHeader(name)(arguments)


def _readBody(arguments: Arguments) -> Key:
    """
    Read a text to search for in the body.
    """
    text = _takeText(arguments)
    return Key(lambda c: text in c.text, True)


def _readText(arguments: Arguments) -> Key:
    """
    Read a text to search for anywhere.
    """
    text = _takeText(arguments)
    return Key(
        lambda c: (
            text in c.text or any(text in decoded(lines) for _, lines in c.part.fields)
        ),
        True,
    )


def _readArrived(fits: Callable[[date, date], bool]) -> Callable[[Arguments], Key]:
    """
    Make what reads a day to compare with that on which a message came in.
    """

    def read(arguments: Arguments) -> Key:
        day = arguments.date()
        return Key(lambda c: fits(c.arrived, day))

    return read


def _readSent(fits: Callable[[date, date], bool]) -> Callable[[Arguments], Key]:
    """
    Make what reads a day to compare with that on which a message was sent.
    """

    def read(arguments: Arguments) -> Key:
        day = arguments.date()
        return Key(lambda c: c.sent is not None and fits(c.sent, day), True)

    return read


def _readSize(fits: Callable[[int, int], bool]) -> Callable[[Arguments], Key]:
    """
    Make what reads a size to compare with that of a message.
    """

    def read(arguments: Arguments) -> Key:
        size = arguments.number()
        return Key(lambda c: fits(c.message.size, size))

    return read


def _readUIDs(arguments: Arguments) -> Key:
    """
    Read UIDs.
    """
    uids = arguments.sequenceSet()
    return Key(lambda c: uids.holds(c.message.uid, c.lastUID))


def _readKeyword(isSet: bool) -> Callable[[Arguments], Key]:
    """
    Make what reads a flag that a program has made up, as none is kept.
    """

    def read(arguments: Arguments) -> Key:
        arguments.atom()
        return Key(lambda c: not isSet)

    return read


_FLAGS = {
    b"%b%b" % (prefix, flag.upper().encode("ascii")): (f"\\{flag}", not prefix)
    for prefix in (b"", b"UN")
    for flag in ("Answered", "Deleted", "Draft", "Flagged", "Seen")
}

# Which messages are recent isn't kept.
_CONSTANT = {b"ALL": True, b"NEW": False, b"OLD": True, b"RECENT": False}

_READERS: dict[bytes, Callable[[Arguments], Key]] = {
    **{name: _readHeader(name) for name in (b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO")},
    b"BEFORE": _readArrived(lambda a, b: a < b),
    b"BODY": _readBody,
    b"HEADER": _readAnyHeader,
    b"KEYWORD": _readKeyword(True),
    b"LARGER": _readSize(lambda a, b: a > b),
    b"ON": _readArrived(lambda a, b: a == b),
    b"SENTBEFORE": _readSent(lambda a, b: a < b),
    b"SENTON": _readSent(lambda a, b: a == b),
    b"SENTSINCE": _readSent(lambda a, b: a >= b),
    b"SINCE": _readArrived(lambda a, b: a >= b),
    b"SMALLER": _readSize(lambda a, b: a < b),
    b"TEXT": _readText,
    b"UID": _readUIDs,
    b"UNKEYWORD": _readKeyword(False),
}

__all__ = ["Candidate", "Key", "decoded", "searchedBy"]
