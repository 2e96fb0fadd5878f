"""
A message as people read it: sender, date, subject and text in place of its source.

Anybody may have written it, and meant harm.  What can't be made sense of is shown as it
is.  The work is bounded, since the parser of the standard library can take four times as
long for twice as much: for a long header, and for parts nested in parts.
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

# How long a header may be, in characters; what is beyond that is left out.
_LONGEST_HEADER = 1000

# How many parts may lie in each other, and how many of all are looked at.
_MOST_NESTED, _MOST_PARTS = 10, 100


@dataclass(frozen=True)
class ParsedMessage:
    """
    A message as people read it.  All text is free of control characters, but for the
    line feeds and tabs of C{text}.

    @ivar name: the name of who has sent it, or their address; empty if it doesn't say.
    @ivar sender: who has sent it, by name and address.
    @ivar recipient: to whom it was sent; may be empty.
    @ivar subject: what it is about; may be empty.
    @ivar date: when it was sent, or else when it came in, with a time zone.
    @ivar text: what it says.
    @ivar isHTML: whether that is the source of an HTML page: there is no other text.
    @ivar attachments: the names of what is attached, or what it is if it has none.
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
    Read a message, or the beginning of one.

    @param content: its source.
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
    A policy that cuts headers off.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """
        Return the name of a header and its value, from the lines that hold it.
        """
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def _parse(content: bytes) -> Part:
    """
    Parse a message; one that can't be taken apart is all text.
    """
    if content.lower().count(b"boundary") <= _MOST_NESTED:
        # Messages in messages may lie as deep as they like.
        with suppress(RecursionError):
            return message_from_bytes(content, policy=_Policy())
    return BytesParser(policy=_Policy()).parsebytes(content, headersonly=True)


def _parts(message: Part) -> Iterator[Part]:
    """
    Return the parts that aren't made of parts, and messages that are attached.
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
    Return the type of a part.  What should have parts and hasn't is text.
    """
    if part.get_content_maintype() == "multipart":
        return "text/plain"
    return oneLine(part.get_content_type())


def _name(part: Part) -> str:
    """
    Return the name of the file that a part was; empty if it has none.
    """
    try:
        return decoded(part.get_filename() or "")
    except (LookupError, ValueError):
        # Its charset is none.
        return "?"


def _text(part: Part) -> str:
    """
    Return the text of a part.
    """
    charset = "utf-8"
    with suppress(LookupError, ValueError):
        charset = part.get_content_charset(charset)
    # The standard library would decode by it, too.
    del part["Content-Type"]
    data = part.get_payload(decode=True)
    text = decode(data, charset) if isinstance(data, bytes) else ""
    return clean(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")


__all__ = ["ParsedMessage", "parseMessage"]
