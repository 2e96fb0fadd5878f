"""
A message and its parts, to the byte as they came.
"""

from __future__ import annotations

import re
from email import message_from_bytes, message_from_string
from email.message import Message as Headers
from functools import cached_property
from itertools import count
from typing import Any

# Nobody nests parts so deep but to harm who reads them.
_DEEPEST = 20

# Nor so many of them.
_MOST = 1000

#: As much of a header is looked at: what looks at it may take the square of the time.
LONGEST = 16 * 1024

_field = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:(?:[^\r\n]|\r\n[ \t]|\r(?!\n)|\n)*\r\n")
_fold = re.compile(rb"\r\n(?=[ \t])")


class Part:
    """
    A message, or a part of one.

    @ivar content: all of it.
    @ivar header: its headers, and the blank line after them.
    @ivar body: what follows.
    """

    def __init__(self, content: bytes, outer: Part | None = None) -> None:
        """
        @param content: all of it, with lines that end in CR LF.
        @param outer: what it is a part of.
        """
        self.content = content
        self._depth: int = outer._depth + 1 if outer else 0
        # How many parts there are in the whole message.
        self._count: count[int] = outer._count if outer else count(1)
        if content.startswith(b"\r\n"):
            self.header, self.body = content[:2], content[2:]
        else:
            header, blank, self.body = content.partition(b"\r\n\r\n")
            self.header = header + blank

    @cached_property
    def headers(self) -> Headers:
        """
        The headers that say what it is made of, for who looks at their parameters.
        """
        return message_from_string(self._contentHeaders.decode("ascii", "replace"))

    @property
    def _contentHeaders(self) -> bytes:
        """
        As much of them as is looked at.
        """
        known = [lines for name, lines in self.fields if name.startswith(b"CONTENT-")]
        return b"".join(known)[:LONGEST]

    def text(self) -> str:
        """
        Return what it says, decoded as it says.
        """
        email = message_from_bytes(self._contentHeaders + b"\r\n\r\n" + self.body)
        payload: Any = email.get_payload(decode=True) or b""
        charset = email.get_content_charset() or "utf-8"
        try:
            return str(payload.decode(charset, "replace"))
        except (LookupError, ValueError):
            return str(payload.decode("latin-1"))

    @cached_property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """
        The headers: the name of each, in capitals, and its lines.
        """
        # A last one without a blank line may have no end.
        whole = self.header.rstrip(b"\r\n") + b"\r\n"
        return [(found[1].upper(), found[0]) for found in _field.finditer(whole)]

    def value(self, name: bytes) -> bytes | None:
        """
        Return the value of a header, in one line.

        @param name: its name, in capitals.

        @return: as much of it as is looked at; L{None} if there is none.
        """
        for known, lines in self.fields:
            if known == name:
                unfolded = _fold.sub(b"", lines.partition(b":")[2])
                return unfolded.strip()[:LONGEST]
        return None

    def selected(self, names: list[bytes], isNegated: bool) -> bytes:
        """
        Return some of the headers, and a blank line.

        @param names: their names, in capitals.
        @param isNegated: whether all others are meant.
        """
        fields = self.fields
        chosen = [lines for name, lines in fields if (name in names) != isNegated]
        return b"".join(chosen) + b"\r\n"

    @property
    def isMessage(self) -> bool:
        """
        Whether another message is all there is in it.
        """
        isDeep = self._depth >= _DEEPEST
        return self.headers.get_content_type() == "message/rfc822" and not isDeep

    @cached_property
    def message(self) -> Part:
        """
        The message that is in it.
        """
        return Part(self.body, self)

    @cached_property
    def parts(self) -> list[Part]:
        """
        Its parts; none if it isn't made of some.
        """
        isMultipart = self.headers.get_content_maintype() == "multipart"
        boundary = str(self.headers.get_boundary() or "").encode("ascii", "replace")
        if not isMultipart or not boundary or self._depth >= _DEEPEST:
            return []
        delimiter = rb"(?m)^--%b(--)?[ \t]*(?:\r\n|\Z)" % re.escape(boundary)
        parts = []
        start = None
        for found in re.finditer(delimiter, self.body):
            if start is not None:
                parts.append(self._partIn(start, found.start() - 2))
            start = found.end()
            if found[1] or next(self._count) > _MOST:
                return parts
        # The last delimiter is missing.
        return parts if start is None else [*parts, self._partIn(start, len(self.body))]

    def _partIn(self, start: int, end: int) -> Part:
        """
        Return what stands between two delimiters.
        """
        return Part(self.body[start : max(start, end)], self)

    def part(self, numbers: tuple[int, ...]) -> Part | None:
        """
        Find a part by its numbers, as RFC 3501 (section 6.4.5) has them.

        @return: L{None} if there is none.
        """
        part = self
        isWhole = True
        for number in numbers:
            if part.isMessage and not isWhole:
                part, isWhole = part.message, True
            if part.parts:
                if not 1 <= number <= len(part.parts):
                    return None
                part, isWhole = part.parts[number - 1], False
            elif number == 1 and isWhole:
                # Its only part is itself.
                isWhole = False
            else:
                return None
        return part


__all__ = ["LONGEST", "Part"]
