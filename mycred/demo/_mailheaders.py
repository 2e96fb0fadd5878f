"""
Decode the headers of messages into text for people.

Whatever was sent, the text has no control characters, and can be encoded again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message as Part
from email.utils import getaddresses, parsedate_to_datetime

# It has a shorter name as of Python 3.11.
_UTC = timezone.utc  # noqa: UP017

# Charsets of names in the DNS, which take four times as long for twice as much.
_NO_CHARSETS = {"idna", "punycode"}

# The seconds since the epoch that are in the years 1 to 9999.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799

# What isn't text: control characters, and those that turn around what follows them, with
# which a name could look like another one.
_STRANGE = dict.fromkeys(
    [
        *(*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)),
        *(*range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    ],
    "\N{REPLACEMENT CHARACTER}",
)


def _raw(message: Part, name: str) -> str:
    """
    Return the value of a header as it was sent, empty if there is none.  Bytes are taken
    for UTF-8 (RFC 6532).
    """
    for known, value in message.raw_items():
        if known.lower() == name.lower():
            sent = str(value).encode("utf-8", "surrogateescape")
            return sent.decode("utf-8", "replace")
    return ""


def decoded(value: str) -> str:
    """
    Return a value with its encoded words (RFC 2047) decoded.
    """
    try:
        # With a fold in it the function would take the fold for a space between words.
        words = decode_header(" ".join(value.split()))
    except (HeaderParseError, ValueError):
        return oneLine(value)
    return oneLine(
        "".join(
            word
            if isinstance(word, str)
            else decode(word, charset or "raw-unicode-escape")
            for word, charset in words
        )
    )


def headerIn(message: Part, name: str) -> str:
    """
    Return the decoded value of a header.
    """
    return decoded(_raw(message, name))


def addressIn(message: Part, header: str) -> tuple[str, str]:
    """
    Return the first mailbox in a header: the name, and the name with the address.
    """
    name, address = [*addressesIn(_raw(message, header)), ("", "")][0]
    address = oneLine(address) or headerIn(message, header)
    name = decoded(name)
    return (name, f"{name} <{address}>") if name else (address, address)


def addressesIn(value: str) -> list[tuple[str, str]]:
    """
    Return the names and addresses in a value; none if it can't be parsed.
    """
    try:
        return getaddresses([value])
    except RecursionError:
        # Too many comments in comments.
        return []


def dateIn(message: Part, received: float) -> datetime:
    """
    Return when a message was sent, or when it came in if that isn't known.
    """
    try:
        sent = parsedate_to_datetime(_raw(message, "Date"))
        # "-0000" gives no time zone.
        return sent if sent.tzinfo else sent.replace(tzinfo=_UTC)
    except (IndexError, OverflowError, TypeError, ValueError):
        # A client that adds a message over IMAP chooses this time freely.
        moment = min(max(received, _FIRST), _LAST)
        return datetime.fromtimestamp(moment, _UTC)


def decode(data: bytes, charset: str) -> str:
    """
    Return decoded bytes, as UTF-8 if the charset is unusable.
    """
    if charset.lower() not in _NO_CHARSETS:
        with suppress(LookupError, ValueError):
            return data.decode(charset, "replace")
    return data.decode("utf-8", "replace")


def clean(text: str) -> str:
    """
    Return a text with all that isn't text replaced.
    """
    return text.encode("utf-8", "replace").decode("utf-8").translate(_STRANGE)


def oneLine(text: str) -> str:
    """
    Return a text as one line, without control characters.
    """
    return clean(" ".join(text.split()))


__all__ = [
    "addressIn",
    "addressesIn",
    "clean",
    "dateIn",
    "decode",
    "decoded",
    "headerIn",
    "oneLine",
]
