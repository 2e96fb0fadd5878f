"""
A message and its parts, byte by byte as they came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message as Headers
from functools import cached_property
from typing import Any

from .._mailheaders import decode

# Nobody nests parts so deep but to harm who reads them, nor so many of them.
_DEEPEST, _MOST = 20, 300

# As much of the headers is looked at, of all parts together, and of one: what looks at
# it may take the square of the time.
_LOOKED, _LONGEST = 128 * 1024, 16 * 1024

_field = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:(?:[^\r\n]|\r\n[ \t]|\r(?!\n)|\n)*\r\n")
_fold = re.compile(rb"\r\n(?=[ \t])")


@dataclass
class _Limits:
    """
    How much of a message may still be parsed: how many parts, and how much of headers.
    """

    parts: int = _MOST
    headers: int = _LOOKED


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
        self._limits: _Limits = outer._limits if outer else _Limits()
        if content.startswith(b"\r\n"):
            self.header, self.body = content[:2], content[2:]
        else:
            header, blank, self.body = content.partition(b"\r\n\r\n")
            self.header = header + blank

    @cached_property
    def headers(self) -> Headers:
        """
        The headers about its content, with their parameters.
        """
        return message_from_string(self._contentHeaders.decode("ascii", "replace"))

    @cached_property
    def _contentHeaders(self) -> bytes:
        """
        The source of these headers, as far as they are parsed.
        """
        known = [lines for name, lines in self.fields if name.startswith(b"CONTENT-")]
        return b"".join(known)[:_LONGEST]

    def text(self) -> str:
        """
        Return the text, decoded by the charset of its header.
        """
        headers = self._contentHeaders.rstrip(b"\r\n")
        email = message_from_bytes(headers + b"\r\n\r\n" + self.body)
        payload: Any = email.get_payload(decode=True)
        return decode(payload or b"", email.get_content_charset() or "utf-8")

    @cached_property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """
        The headers that are parsed: the name of each, in capitals, and its lines.
        """
        # A last one without a blank line may have no end.
        looked = self.header[: max(0, self._limits.headers)].rstrip(b"\r\n") + b"\r\n"
        self._limits.headers -= len(looked)
        return [(found[1].upper(), found[0]) for found in _field.finditer(looked)]

    def value(self, name: bytes) -> bytes | None:
        """
        Return the value of a header, in one line.

        @param name: its name, in capitals.

        @return: as much of it as is looked at; L{None} if there is none.
        """
        for known, lines in self.fields:
            if known == name:
                unfolded = _fold.sub(b"", lines.partition(b":")[2])
                return unfolded.strip()[:_LONGEST]
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
        Whether it holds another message.
        """
        return self.headers.get_content_type() == "message/rfc822" and not self._isDeep

    @property
    def _isDeep(self) -> bool:
        """
        Whether it is nested so deep that its own parts aren't parsed.
        """
        return self._depth >= _DEEPEST

    @cached_property
    def message(self) -> Part:
        """
        The message that it holds.
        """
        return Part(self.body, self)

    @cached_property
    def parts(self) -> list[Part]:
        """
        Its parts; none if it is no multipart.
        """
        if self.headers.get_content_maintype() != "multipart" or self._isDeep:
            return []
        boundary = str(self.headers.get_boundary() or "").encode("ascii", "replace")
        if not boundary:
            return []
        delimiter = rb"(?m)^--%b(--)?[ \t]*(?:\r\n|\Z)" % re.escape(boundary)
        parts = []
        start = None
        for found in re.finditer(delimiter, self.body):
            if start is not None:
                parts.append(self._partIn(start, found.start() - 2))
            start = found.end()
            self._limits.parts -= 1
            if found[1] or self._limits.parts < 0:
                return parts
        # The last delimiter is missing.
        return parts if start is None else [*parts, self._partIn(start, len(self.body))]

    def _partIn(self, start: int, end: int) -> Part:
        """
        Return the part between two delimiters.
        """
        return Part(self.body[start : max(start, end)], self)

    def part(self, numbers: tuple[int, ...]) -> Part | None:
        """
        Return the part with given numbers, as RFC 3501 (section 6.4.5) has them.

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


__all__ = ["Part"]
