"""
The LDAP messages of a login (RFC 4511), and their encoding: as much of the Basic Encoding
Rules (X.690) as RFC 4511, section 5.1, allows.

ldap3 encodes with pyasn1, which takes two thirds of the time of a login.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Union

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE = 0x01, 0x02, 0x04, 0x0A, 0x30

# A form of tag that LDAP doesn't use: the tag number would be in the bytes that follow.
_LONG_TAG = 0x1F

# Active Directory writes lengths in four bytes, however short a message is.
_MOST_LENGTH_BYTES = 4

# Ten times as many as the groups that a server lists for one user.
_MOST_ELEMENTS = 100_000

# LDAP's integers have at most 31 bits (maxInt of RFC 4511).
_MOST_INTEGER_BYTES = 8

# The tags of operations ([APPLICATION n] in RFC 4511, appendix B).
_BIND, BOUND = 0x60, 0x61
_SEARCH, _ENTRY, SEARCHED, _REFERENCE = 0x63, 0x64, 0x65, 0x73
_EXTENDED, EXTENDED = 0x77, 0x78
_UNBIND = b"\x42\x00"

_CONTROLS = 0xA0
_SIMPLE = 0x80
_REQUEST_NAME = 0x80
_RESPONSE_NAME, _RESPONSE_VALUE = 0x8A, 0x8B

#: The scopes of a search.
BASE, ONE, SUBTREE = 0, 1, 2

#: The result code of a search that matched more entries than the size limit.
SIZE_LIMIT_EXCEEDED = 4

#: The message ID of unsolicited notifications (RFC 4511, section 4.4).
UNSOLICITED = 0
#: The notice that the connection is about to be closed (section 4.4.1).
DISCONNECTION = b"1.3.6.1.4.1.1466.20036"

#: The attribute of the root DSE that lists controls (RFC 4512, section 5.1).
SUPPORTED_CONTROL = "supportedControl"

#: The extended operation StartTLS (RFC 4511, section 4.14).
START_TLS = b"1.3.6.1.4.1.1466.20037"
#: The extended operation "Who am I?" (RFC 4532).
WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"
#: The password policy control (draft-behera-ldap-password-policy).
PASSWORD_POLICY = b"1.3.6.1.4.1.42.2.27.8.5.1"


class Malformed(ValueError):
    """
    The bytes aren't an LDAP message.
    """


class Result(NamedTuple):
    """
    The result of an operation (LDAPResult).

    @ivar code: the result code.
    @ivar text: the diagnostic message.
    @ivar controls: the values of the response controls by OID; C{b""} for a control
        without a value.
    @ivar value: the value of an extended response.
    @ivar name: the OID of an extended response, or C{b""}.
    """

    code: int
    text: str = ""
    controls: Mapping[bytes, bytes] = {}
    value: bytes = b""
    name: bytes = b""


class SearchEntry(NamedTuple):
    """
    An entry that a search returned.

    @ivar dn: its distinguished name.
    @ivar attributes: the values of its attributes by name, in lower case and without
        options.
    """

    dn: str
    attributes: Mapping[str, list[bytes]]


class Reference(NamedTuple):
    """
    A hint that another server may hold more entries, which isn't followed.
    """


Response = Union[Result, SearchEntry, Reference]


def element(tag: int, *contents: bytes) -> bytes:
    """
    Return an encoded element.

    @param tag: its tag, one byte.
    @param contents: its content, which is joined.
    """
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """
    Return an encoded integer.
    """
    size = value.bit_length() // 8 + 1
    return element(tag, value.to_bytes(size, "big", signed=True))


def decodeInteger(content: bytes) -> int:
    """
    Return the integer that an element's content encodes.

    @raise Malformed: if it is empty or too long.
    """
    if not 0 < len(content) <= _MOST_INTEGER_BYTES:
        raise Malformed("a number is missing, or too long")
    return int.from_bytes(content, "big", signed=True)


def decodeText(value: bytes) -> str:
    """
    Return as text what should be UTF-8; bytes that aren't are escaped with a backslash.
    """
    return value.decode("utf-8", "backslashreplace")


def endOfElement(data: bytes | bytearray, at: int = 0) -> int | None:
    """
    Return the index after the last byte of an element, which may be past the end of the
    data; L{None} if the data ends before its length is known.

    @param at: the index at which the element begins.

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
    Return the tag and the content of each element in the content of another one.

    @raise Malformed: if the data ends within one, or there are more than any response
        has.
    """
    found = []
    at, size = 0, len(data)
    while at < size:
        stop = endOfElement(data, at)
        if stop is None or stop > size:
            raise Malformed("an element is cut off")
        length = data[at + 1]
        begin = at + 2 if length < 0x80 else at + 2 + (length & 0x7F)
        found.append((data[at], data[begin:stop]))
        at = stop
        if len(found) > _MOST_ELEMENTS:
            raise Malformed("there are too many elements")
    return found


def bindRequest(dn: bytes, password: bytes) -> bytes:
    """
    Return an encoded simple bind.

    @param dn: the name to bind with; empty for an anonymous bind.
    @param password: the password.
    """
    return element(_BIND, integer(3), element(OCTETS, dn), element(_SIMPLE, password))


def searchRequest(
    base: bytes,
    scope: int,
    where: bytes,
    attributes: Iterable[bytes],
    mostEntries: int,
    seconds: int,
) -> bytes:
    """
    Return an encoded search.

    @param base: the DN of the entry at or below which to search.
    @param scope: L{BASE}, L{ONE} or L{SUBTREE}.
    @param where: the filter, encoded.
    @param attributes: the attributes to return.
    @param mostEntries: the size limit.
    @param seconds: the time limit for the server, in seconds.
    """
    return element(
        _SEARCH,
        element(OCTETS, base),
        integer(scope, ENUMERATED),
        # No alias is followed: it could lead out of the base.
        integer(0, ENUMERATED),
        integer(mostEntries),
        integer(seconds),
        element(BOOLEAN, b"\0"),
        where,
        element(SEQUENCE, *(element(OCTETS, name) for name in attributes)),
    )


def extendedRequest(name: bytes) -> bytes:
    """
    Return an encoded extended operation without a value.

    @param name: its OID.
    """
    return element(_EXTENDED, element(_REQUEST_NAME, name))


def encodeMessage(
    messageID: int, operation: bytes, controls: Iterable[bytes] = ()
) -> bytes:
    """
    Return an encoded message.

    @param messageID: its ID, from 1, which the response repeats.
    @param operation: the operation, encoded.
    @param controls: the OIDs of controls without values, none of them critical.
    """
    named = [element(SEQUENCE, element(OCTETS, name)) for name in controls]
    rest = element(_CONTROLS, *named) if named else b""
    return element(SEQUENCE, integer(messageID), operation, rest)


def unbindRequest(messageID: int) -> bytes:
    """
    Return an encoded message that ends the session.
    """
    return encodeMessage(messageID, _UNBIND)


def decodeMessage(data: bytes) -> tuple[int, int, Response]:
    """
    Decode a message from a server.

    @param data: one whole message.

    @return: its message ID, the tag of its operation, and the response.

    @raise Malformed: if it is no message, or not a response to any request sent here.
    """
    (tag, content), *surplus = _atLeast(1, elements(data))
    if tag != SEQUENCE or surplus:
        raise Malformed("a message doesn't begin as one")
    messageID, operation, *rest = _atLeast(2, elements(content))
    if messageID[0] != INTEGER:
        raise Malformed("a message has no id")
    tag, body = operation
    response: Response
    if tag == _ENTRY:
        response = _decodeEntry(body)
    elif tag == _REFERENCE:
        response = Reference()
    elif tag in (BOUND, SEARCHED, EXTENDED):
        response = _decodeResult(body, rest)
    else:
        raise Malformed(f"a message holds an operation of an unexpected kind ({tag:#x})")
    return decodeInteger(messageID[1]), tag, response


def _decodeEntry(body: bytes) -> SearchEntry:
    """
    Return the entry of a search.
    """
    (_, dn), (_, pairs), *_ = _atLeast(2, elements(body))
    attributes: dict[str, list[bytes]] = {}
    for _, pair in elements(pairs):
        (_, name), (_, values), *_ = _atLeast(2, elements(pair))
        plain, _, option = decodeText(name).lower().partition(";")
        if option and option != "binary" and not option.startswith("range="):
            # Another language's value, for instance (RFC 4512, section 2.5).
            continue
        known = attributes.setdefault(plain, [])
        known.extend(value for _, value in elements(values))
    return SearchEntry(decodeText(dn), attributes)


def _decodeResult(body: bytes, rest: list[tuple[int, bytes]]) -> Result:
    """
    Return the result of an operation.

    @param rest: the elements that follow the operation in the message.
    """
    (kind, code), _, (_, diagnostic), *more = _atLeast(3, elements(body))
    if kind != ENUMERATED:
        raise Malformed("an answer has no result code")
    value, name = (
        b"".join(content for tag, content in more if tag == wanted)
        for wanted in (_RESPONSE_VALUE, _RESPONSE_NAME)
    )
    controls = {}
    for tag, content in rest:
        if tag == _CONTROLS:
            for _, control in elements(content):
                (_, identifier), *values = _atLeast(1, elements(control))
                found = [held for kind, held in values if kind == OCTETS]
                controls[identifier] = found[0] if found else b""
    return Result(decodeInteger(code), decodeText(diagnostic), controls, value, name)


def _atLeast(least: int, parts: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """
    Return these elements.

    @raise Malformed: if there are fewer.
    """
    if len(parts) < least:
        raise Malformed("something is missing in a message")
    return parts


__all__ = [
    "BASE",
    "BOOLEAN",
    "BOUND",
    "DISCONNECTION",
    "ENUMERATED",
    "EXTENDED",
    "INTEGER",
    "OCTETS",
    "ONE",
    "PASSWORD_POLICY",
    "SEARCHED",
    "SEQUENCE",
    "SIZE_LIMIT_EXCEEDED",
    "START_TLS",
    "SUBTREE",
    "SUPPORTED_CONTROL",
    "UNSOLICITED",
    "WHO_AM_I",
    "Malformed",
    "Reference",
    "Response",
    "Result",
    "SearchEntry",
    "bindRequest",
    "decodeInteger",
    "decodeMessage",
    "decodeText",
    "element",
    "elements",
    "encodeMessage",
    "endOfElement",
    "extendedRequest",
    "integer",
    "searchRequest",
    "unbindRequest",
]
