"""
The data of a message on the wire, up to the line that ends it (RFC 5321, section 4.5.2).
"""

from __future__ import annotations

import re

_END = b"\r\n.\r\n"

# How long a line may be, its end included, in octets (section 4.5.3.1.6).
_LONGEST_LINE = 1000

_header = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")


class DataReader:
    """
    What has come of a message so far.

    A message that is too large is read to its end, and not kept.
    """

    def __init__(self, most: int) -> None:
        """
        @param most: how large a message may be, in octets, as RFC 1870 counts them:
            without the dots that are doubled on the wire.
        """
        self._most = most
        self._isTooLarge = False
        # A line end, so that the last line may be the first.
        self._kept = bytearray(b"\r\n")

    def feed(self, data: bytes) -> bytes | None:
        """
        Take more of what the client sends.

        @return: what follows the message; L{None} if the message goes on.
        """
        before = len(self._kept)
        self._kept += data
        end = self._kept.find(_END, max(0, before - len(_END) + 1))
        if end >= 0:
            rest = bytes(self._kept[end + len(_END) :])
            del self._kept[end + 2 :]
            return rest
        # At the most every octet of a message is a dot that is doubled.
        if len(self._kept) > 2 * self._most + len(_END):
            self._isTooLarge = True
            del self._kept[: 1 - len(_END)]
        return None

    def content(self) -> bytes | None:
        """
        Return the message, with lines that end in CR LF; L{None} if it is too large.

        A lone LF ends a line, too, as some clients send it; it never ends the message, by
        which one could be taken for two.
        """
        content = self._kept.replace(b"\r\n.", b"\r\n")[2:]
        if self._isTooLarge or len(content) > self._most:
            return None
        if content.count(b"\n") != content.count(b"\r\n"):
            content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return bytes(content)


def whyUnfit(content: bytes) -> str | None:
    """
    Return why other clients couldn't read a message; L{None} if they can.

    @param content: the message, with lines that end in CR LF.
    """
    if b"\0" in content or content.count(b"\r") != content.count(b"\r\n"):
        return "A message has no NUL, and no CR but at the end of a line"
    if _hasLongLine(content):
        return "A line has 998 octets at the most"
    return None


def _hasLongLine(content: bytes) -> bool:
    """
    Return whether a line is too long.  Everybody waits for that, and a regular expression
    would take half a second for the largest message.
    """
    start = 0
    while start + _LONGEST_LINE <= len(content):
        # The last end of a line within reach: no line before it is too long.
        end = content.rfind(b"\n", start, start + _LONGEST_LINE)
        if end < 0:
            return True
        start = end + 1
    return False


def hasHeaders(content: bytes) -> bool:
    """
    Return whether a message begins with a header, or with the end of its headers.
    """
    return content.startswith(b"\r\n") or _header.match(content) is not None


__all__ = ["DataReader", "hasHeaders", "whyUnfit"]
