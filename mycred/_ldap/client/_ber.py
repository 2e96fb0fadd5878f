"""
As much of the Basic Encoding Rules as LDAP messages take (X.690, in the subset of
RFC 4511, section 5.1).

ldap3 encodes with pyasn1, which takes two thirds of the time of a login.
"""

from __future__ import annotations

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE = 0x01, 0x02, 0x04, 0x0A, 0x30

# A form of tag that LDAP doesn't use: its number would stand in the bytes that follow.
_LONG_TAG = 0x1F

# Active Directory writes lengths in four bytes, however short a message is.
_MOST_LENGTH_BYTES = 4

# Ten times as many as the groups that a server tells of somebody.
_MOST_ELEMENTS = 100_000

# LDAP's numbers have at most 31 bits (maxInt of RFC 4511).
_MOST_NUMBER_BYTES = 8


class Malformed(ValueError):
    """
    What came isn't an LDAP message.
    """


def element(tag: int, *contents: bytes) -> bytes:
    """
    Encode an element.

    @param tag: its tag, a byte.
    @param contents: what it holds, put together.
    """
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """
    Encode a whole number.
    """
    size = number.bit_length() // 8 + 1
    return element(tag, number.to_bytes(size, "big", signed=True))


def number(content: bytes) -> int:
    """
    Decode a whole number.

    @raise Malformed: if there is none.
    """
    if not 0 < len(content) <= _MOST_NUMBER_BYTES:
        raise Malformed("a number is missing, or too long")
    return int.from_bytes(content, "big", signed=True)


def end(data: bytes | bytearray, at: int = 0) -> int | None:
    """
    Tell where an element ends.

    @param at: where it begins.

    @return: the place after its last byte, which may be further than there is data;
        L{None} if there is too little to tell.

    @raise Malformed: if no element begins so.
    """
    begin = at + 2
    if len(data) <= at:
        return None
    if data[at] & _LONG_TAG == _LONG_TAG:
        raise Malformed("a tag has a form that LDAP doesn't use")
    if len(data) < begin:
        return None
    length = data[at + 1]
    if length < 0x80:
        return begin + length
    size = length & 0x7F
    if not 1 <= size <= _MOST_LENGTH_BYTES:
        raise Malformed("a length has a form that LDAP doesn't use")
    if len(data) < begin + size:
        return None
    return begin + size + int.from_bytes(data[begin : begin + size], "big")


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """
    Decode what an element holds.

    @return: a tag and a content for each.

    @raise Malformed: if the data ends within one, or there are more than in any answer.
    """
    found = []
    at, size = 0, len(data)
    while at < size:
        stop = end(data, at)
        if stop is None or stop > size:
            raise Malformed("an element is cut off")
        length = data[at + 1]
        begin = at + 2 if length < 0x80 else at + 2 + (length & 0x7F)
        found.append((data[at], data[begin:stop]))
        at = stop
        if len(found) > _MOST_ELEMENTS:
            raise Malformed("there are too many elements")
    return found


__all__ = [
    "BOOLEAN",
    "ENUMERATED",
    "INTEGER",
    "OCTETS",
    "SEQUENCE",
    "Malformed",
    "element",
    "elements",
    "end",
    "integer",
    "number",
]
