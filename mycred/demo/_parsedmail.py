"""
Parse a message for people to read: sender, date, subject and text in place of its source.

A message may be hostile.  What can't be parsed is shown as it is.  The work is bounded,
since the parser of the standard library can take four times as long for twice as much:
for a long header, and for parts nested in parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Compat32

from ._mailheaders import addressIn, clean, dateIn, decode, decoded, headerIn, oneLine

# The longest part of a header that is shown, in characters.
_LONGEST_HEADER = 1000

# How deep parts may be nested, and how many parts are parsed.
_MOST_NESTED, _MOST_PARTS = 10, 100


@dataclass(frozen=True)
class ParsedMessage:
    """
    A message for people to read.  No text has control characters, except for the line
    feeds and tabs in C{text}.

    @ivar name: the sender's name, or their address if it has none; may be empty.
    @ivar sender: the sender's name and address; may be empty.
    @ivar recipient: the recipients; may be empty.
    @ivar subject: the subject; may be empty.
    @ivar date: when it was sent, or when it came in if that isn't known, with a time
        zone.
    @ivar text: the text.
    @ivar isHTML: whether the text is the source of an HTML page: there is no other.
    @ivar attachments: the file names of the attachments, or their types.
    """

    name: str
    sender: str
    recipient: str
    subject: str
    date: datetime
    text: str
    isHTML: bool
    attachments: tuple[str, ...]


def parseMessage(content: bytes, received: float) -> ParsedMessage:
    """
    Parse a message, or the beginning of one.

    @param content: the source of the message.
    @param received: when it came in, in seconds since the epoch.
    """
    message = _parse(content)
    bodies: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attachments = []
    for part in _parts(message):
        kind = _kind(part)
        name = _name(part)
        if kind in bodies and not name and part.get_content_disposition() != "attachment":
            bodies[kind].append(_text(part))
        else:
            attachments.append(name or kind)
    isHTML = not bodies["text/plain"] and bool(bodies["text/html"])
    return ParsedMessage(
        *addressIn(message, "From"),
        headerIn(message, "To"),
        headerIn(message, "Subject"),
        dateIn(message, received),
        "\n\n".join(bodies["text/html" if isHTML else "text/plain"]),
        isHTML,
        tuple(attachments),
    )


class _Policy(Compat32):
    """
    A policy that cuts long headers off.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """
        Return the name of a header and its value, from the lines that hold it.
        """
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def _parse(content: bytes) -> Part:
    """
    Parse a message; one that is nested too deep becomes one text.
    """
    if content.lower().count(b"boundary") <= _MOST_NESTED:
        # Messages in messages aren't counted by their boundaries.
        with suppress(RecursionError):
            return message_from_bytes(content, policy=_Policy())
    return BytesParser(policy=_Policy()).parsebytes(content, headersonly=True)


def _parts(message: Part) -> Iterator[Part]:
    """
    Yield the parts that have no parts themselves, and attached messages.
    """
    waiting = [message]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            inside: list[Part] = part.get_payload()  # type: ignore[assignment]
            waiting.extend(reversed(inside[:_MOST_PARTS]))
        else:
            yield part


def _kind(part: Part) -> str:
    """
    Return the type of a part.  A multipart without parts is text.
    """
    if part.get_content_maintype() == "multipart":
        return "text/plain"
    return oneLine(part.get_content_type())


def _name(part: Part) -> str:
    """
    Return the file name of a part; empty if it has none.
    """
    try:
        return decoded(part.get_filename() or "")
    except (LookupError, ValueError):
        # The charset of the name is unknown.
        return "?"


def _text(part: Part) -> str:
    """
    Return the text of a part.
    """
    charset = "utf-8"
    with suppress(LookupError, ValueError):
        charset = part.get_content_charset(charset)
    # By this header the standard library would decode it, too.
    del part["Content-Type"]
    data = part.get_payload(decode=True)
    text = decode(data, charset) if isinstance(data, bytes) else ""
    return clean(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")


__all__ = ["ParsedMessage", "parseMessage"]
