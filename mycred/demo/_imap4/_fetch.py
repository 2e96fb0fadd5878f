"""
What a client fetches of a message (RFC 3501, sections 6.4.5 and 7.4.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from imaplib import Time2Internaldate

from .._mailstore import Message
from ._part import Part
from ._structure import envelope, structure
from ._syntax import Arguments, listed, string

_item = re.compile(
    rb"(?i:BODYSTRUCTURE|BODY(?:\.PEEK)?(?=\[)|BODY|ENVELOPE|FLAGS|INTERNALDATE|"
    rb"RFC822(?:\.HEADER|\.SIZE|\.TEXT)?|UID)(?=[ )\[]|\Z)"
)
_section = re.compile(
    rb"\[([0-9]{1,5}(?:\.[0-9]{1,5}){0,99})?(\.(?!\]))?"
    rb"(?i:(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME))?(?=[ \]])"
)
_close = re.compile(rb"\]")
_macro = re.compile(rb"(?i:ALL|FAST|FULL)(?= |\Z)")
_partial = re.compile(rb"<([0-9]{1,10})\.([0-9]{1,10})>")
_name = re.compile(rb"[!-9;-~]+")

_MACROS = {
    b"ALL": b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
    b"FAST": b"FLAGS INTERNALDATE RFC822.SIZE",
    b"FULL": b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
}


@dataclass(frozen=True)
class Item:
    """
    Something that is fetched.

    @ivar label: its name in the answer.
    @ivar write: what returns its value, of a message and the message's content.
    @ivar needsContent: whether it needs the content.
    @ivar isReading: whether fetching it marks the message as seen.
    """

    label: bytes
    write: Callable[[Message, Part], bytes]
    needsContent: bool = True
    isReading: bool = False

    def answer(self, message: Message, part: Part) -> bytes:
        """
        Return its name and its value.
        """
        return self.label + b" " + self.write(message, part)


def flagsOf(message: Message) -> bytes:
    """
    Return the flags of a message, as answers have them.
    """
    return listed([flag.encode("ascii") for flag in sorted(message.flags)])


def _internalDate(message: Message) -> bytes:
    """
    Return when a message came in, as answers have it.
    """
    when = datetime.fromtimestamp(message.date, timezone.utc)  # noqa: UP017
    return Time2Internaldate(when).encode("ascii")


# The items that are fetched by their bare names.
_SIMPLE = {
    item.label: item
    for item in (
        Item(b"BODY", lambda message, part: structure(part, False)),
        Item(b"BODYSTRUCTURE", lambda message, part: structure(part, True)),
        Item(b"ENVELOPE", lambda message, part: envelope(part)),
        Item(b"FLAGS", lambda message, part: flagsOf(message), False),
        Item(b"INTERNALDATE", lambda message, part: _internalDate(message), False),
        Item(b"RFC822", lambda message, part: _literal(part.content), isReading=True),
        Item(b"RFC822.HEADER", lambda message, part: _literal(part.header)),
        Item(b"RFC822.SIZE", lambda message, part: b"%d" % message.size, False),
        Item(b"RFC822.TEXT", lambda message, part: _literal(part.body), isReading=True),
        Item(b"UID", lambda message, part: b"%d" % message.uid, False),
    )
}

FLAGS, UID = _SIMPLE[b"FLAGS"], _SIMPLE[b"UID"]


def fetchedBy(arguments: Arguments) -> list[Item]:
    """
    Parse the items that are fetched.

    @raise ValueError: if they can't be parsed.
    """
    macro = arguments.match(_macro)
    if macro is not None:
        return [_SIMPLE[name] for name in _MACROS[macro[0].upper()].split()]
    if not arguments.begins(b"("):
        return [_parseItem(arguments)]
    items = arguments.listOf(lambda: _parseItem(arguments))
    if not items:
        raise ValueError("Something to fetch expected")
    return items


def _parseItem(arguments: Arguments) -> Item:
    """
    Parse one item that is fetched.
    """
    name = arguments.take(_item, "Something to fetch")[0].upper()
    if not arguments.begins(b"["):
        return _SIMPLE[name]
    if not name.startswith(b"BODY") or name == b"BODYSTRUCTURE":
        raise ValueError("A space expected")
    label, section = _parseSection(arguments)
    start, most = 0, None
    partial = arguments.match(_partial)
    if partial is not None:
        start, most = int(partial[1]), int(partial[2])
        label += b"<%d>" % start

    def write(message: Message, part: Part) -> bytes:
        found = section(part)
        if found is None:
            return b"NIL"
        return _literal(found if most is None else found[start : start + most])

    return Item(label, write, isReading=name == b"BODY")


def _parseSection(
    arguments: Arguments,
) -> tuple[bytes, Callable[[Part], bytes | None]]:
    """
    Parse the section of a body.

    @return: its name in the answer, and what finds it in a message.
    """
    found = arguments.take(_section, "A section")
    numbers = tuple(int(n) for n in found[1].split(b".")) if found[1] else ()
    what = (found[3] or b"").upper()
    if (bool(found[2]) != bool(found[1] and what)) or (what == b"MIME" and not numbers):
        raise ValueError("A section expected")
    label = (found[1] or b"") + (found[2] or b"") + what
    names: list[bytes] = []
    if what.startswith(b"HEADER.FIELDS"):
        names = arguments.listOf(lambda: _parseName(arguments))
        label += b" " + listed([_quoted(name) for name in names])
    arguments.take(_close, "]")

    def find(message: Part) -> bytes | None:
        part = message.part(numbers)
        if part is not None and numbers and what not in (b"", b"MIME"):
            # Other parts have no headers of their own.
            part = part.message if part.isMessage else None
        if part is None:
            return None
        if what.startswith(b"HEADER.FIELDS"):
            return part.selected(names, what.endswith(b"NOT"))
        if not what:
            return part.body if numbers else part.content
        return part.body if what == b"TEXT" else part.header

    return b"BODY[" + label + b"]", find


def _parseName(arguments: Arguments) -> bytes:
    """
    Parse the name of a header.
    """
    name = arguments.astring(isListed=True)
    if not _name.fullmatch(name):
        raise ValueError("The name of a header expected")
    return name.upper()


def _quoted(name: bytes) -> bytes:
    """
    Return the name of a header as answers have it.
    """
    return string(name) if re.search(rb'["(){%*\]\\]', name) else name


def _literal(value: bytes) -> bytes:
    """
    Return content as a literal.
    """
    return b"{%d}\r\n%b" % (len(value), value)


__all__ = ["FLAGS", "UID", "Item", "fetchedBy", "flagsOf"]
