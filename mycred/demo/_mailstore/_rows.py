"""
Rows of the store's tables as protocols can show them, whatever else than this server has
written there.
"""

from __future__ import annotations

from typing import TypeGuard

from ._mailbox import FLAGS, Message

#: The highest UID (RFC 3501, section 9).
HIGHEST_UID = 2**32 - 1

# The first and the last second that have a date.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799

_known = frozenset(FLAGS)


def messageOf(
    uid: object, size: object, received: object, flags: object
) -> Message | None:
    """
    Return the message in a row; L{None} if there is none, or none with a UID that clients
    could be told.
    """
    if not isUID(uid):
        return None
    if not isinstance(size, int) or size < 1:
        size = 1
    # What is no number at all isn't between two others, either.
    if not isinstance(received, float | int) or not _FIRST <= received <= _LAST:
        received = 0.0
    return Message(uid, size, received, knownFlags(flags))


def isUID(value: object) -> TypeGuard[int]:
    """
    Return whether a value can be the UID of a message.
    """
    return isinstance(value, int) and 1 <= value <= HIGHEST_UID


def knownFlags(text: object) -> set[str]:
    """
    Return the flags that a row has: no others than those that are kept.
    """
    return set(_known.intersection(str(text).split()))


def contentIn(value: object) -> bytes:
    """
    Return the content of a message that a row has: bytes, if not written by this server.
    """
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    # To SQLite, the beginning of nothing isn't there.
    return b"" if value is None else str(value).encode("utf-8")


def nextUID(uidNext: object, highest: object) -> int:
    """
    Return the UID of the next message in a mailbox: those of messages that are there
    aren't used again, even if they came by another way.

    @param uidNext: what the row says.
    @param highest: the highest UID that there is; L{None} if there is none.
    """
    first = uidNext if isinstance(uidNext, int) else 1
    return max(1, first, highest + 1 if isinstance(highest, int) else 1)


__all__ = ["HIGHEST_UID", "contentIn", "isUID", "knownFlags", "messageOf", "nextUID"]
