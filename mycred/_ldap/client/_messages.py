"""
The messages of a login, as RFC 4511 has them: what is asked, and what is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Union

from ._ber import (
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTETS,
    SEQUENCE,
    Malformed,
    element,
    elements,
    integer,
    number,
)

# The tags of operations ([APPLICATION n] in RFC 4511, appendix B).
_BIND, BOUND = 0x60, 0x61
_SEARCH, _ENTRY, SEARCHED, _REFERENCE = 0x63, 0x64, 0x65, 0x73
_EXTENDED, EXTENDED = 0x77, 0x78
_UNBIND = b"\x42\x00"

_CONTROLS = 0xA0
_SIMPLE = 0x80
_REQUEST_NAME = 0x80
_RESPONSE_NAME, _RESPONSE_VALUE = 0x8A, 0x8B

#: How far below its base a search looks.
BASE, ONE, SUBTREE = 0, 1, 2

#: The result code of a search that has found more than was asked for.
SIZE_LIMIT_EXCEEDED = 4

#: The id of what a server says unasked (RFC 4511, section 4.4).
UNSOLICITED = 0
#: Says that the connection is about to be closed (section 4.4.1).
DISCONNECTION = b"1.3.6.1.4.1.1466.20036"

#: The attribute of the root DSE that lists controls (RFC 4512, section 5.1).
SUPPORTED_CONTROL = "supportedControl"

#: Begins TLS (RFC 4511, section 4.14).
START_TLS = b"1.3.6.1.4.1.1466.20037"
#: Tells as whom one is bound (RFC 4532).
WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"
#: Asks for what the password policy says (draft-behera-ldap-password-policy).
PASSWORD_POLICY = b"1.3.6.1.4.1.42.2.27.8.5.1"


class Result(NamedTuple):
    """
    The end of an operation.

    @ivar code: the result code.
    @ivar text: the diagnostic message.
    @ivar controls: the values of the controls, by their names; no value is empty.
    @ivar value: what the answer to an extended operation holds.
    @ivar name: what it is called, if it is.
    """

    code: int
    text: str = ""
    controls: Mapping[bytes, bytes] = {}
    value: bytes = b""
    name: bytes = b""


class Entry(NamedTuple):
    """
    An entry that a search has found.

    @ivar dn: its name.
    @ivar attributes: the values of its attributes, by their names in lower case,
        without options.
    """

    dn: str
    attributes: Mapping[str, list[bytes]]


class Reference(NamedTuple):
    """
    A hint that another server may know more, which isn't followed.
    """


Answer = Union[Result, Entry, Reference]


def bindRequest(dn: bytes, password: bytes) -> bytes:
    """
    Ask to become somebody, by a password.

    @param dn: his name; nobody if it is empty.
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
    Ask for entries.

    @param base: the name of the entry at or below which they are.
    @param scope: how far below.
    @param where: the filter, encoded.
    @param attributes: what is wanted of them.
    @param mostEntries: how many at most.
    @param seconds: how long the server may look at most.
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
    Ask for an extended operation without a value.
    """
    return element(_EXTENDED, element(_REQUEST_NAME, name))


def message(identity: int, operation: bytes, controls: Iterable[bytes] = ()) -> bytes:
    """
    Put an operation into a message.

    @param identity: what the answer will refer to, from 1.
    @param controls: the names of controls without values, none of them critical.
    """
    named = [element(SEQUENCE, element(OCTETS, name)) for name in controls]
    rest = element(_CONTROLS, *named) if named else b""
    return element(SEQUENCE, integer(identity), operation, rest)


def unbindRequest(identity: int) -> bytes:
    """
    Say goodbye.
    """
    return message(identity, _UNBIND)


def readMessage(data: bytes) -> tuple[int, int, Answer]:
    """
    Decode a message from a server.

    @param data: one whole message.

    @return: the id of the request that it answers, the kind of the answer, and the
        answer.

    @raise Malformed: if it is no message, or none that answers what is asked here.
    """
    (tag, content), *surplus = _insist(elements(data), 1)
    if tag != SEQUENCE or surplus:
        raise Malformed("a message doesn't begin as one")
    identity, operation, *rest = _insist(elements(content), 2)
    if identity[0] != INTEGER:
        raise Malformed("a message has no id")
    tag, body = operation
    answer: Answer
    if tag == _ENTRY:
        answer = _readEntry(body)
    elif tag == _REFERENCE:
        answer = Reference()
    elif tag in (BOUND, SEARCHED, EXTENDED):
        answer = _readResult(body, rest)
    else:
        raise Malformed(f"a message holds an operation of an unexpected kind ({tag:#x})")
    return number(identity[1]), tag, answer


def _readEntry(body: bytes) -> Entry:
    """
    Decode an entry.
    """
    (_, dn), (_, pairs), *_ = _insist(elements(body), 2)
    attributes: dict[str, list[bytes]] = {}
    for _, pair in elements(pairs):
        (_, name), (_, values), *_ = _insist(elements(pair), 2)
        plain, _, option = text(name).lower().partition(";")
        if option and option != "binary" and not option.startswith("range="):
            # Another language's, say (RFC 4512, section 2.5).
            continue
        known = attributes.setdefault(plain, [])
        known.extend(value for _, value in elements(values))
    return Entry(text(dn), attributes)


def _readResult(body: bytes, rest: list[tuple[int, bytes]]) -> Result:
    """
    Decode the end of an operation.

    @param rest: what follows the operation in the message.
    """
    (kind, code), _, (_, diagnostic), *more = _insist(elements(body), 3)
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
                (_, identifier), *values = _insist(elements(control), 1)
                found = [held for kind, held in values if kind == OCTETS]
                controls[identifier] = found[0] if found else b""
    return Result(number(code), text(diagnostic), controls, value, name)


def _insist(parts: list[tuple[int, bytes]], least: int) -> list[tuple[int, bytes]]:
    """
    Insist on a number of elements.
    """
    if len(parts) < least:
        raise Malformed("something is missing in a message")
    return parts


def text(value: bytes) -> str:
    """
    Decode what should be UTF-8 and was sent by a server.
    """
    return value.decode("utf-8", "backslashreplace")


__all__ = [
    "BASE",
    "BOUND",
    "DISCONNECTION",
    "EXTENDED",
    "ONE",
    "PASSWORD_POLICY",
    "SEARCHED",
    "SIZE_LIMIT_EXCEEDED",
    "START_TLS",
    "SUBTREE",
    "SUPPORTED_CONTROL",
    "UNSOLICITED",
    "WHO_AM_I",
    "Answer",
    "Entry",
    "Reference",
    "Result",
    "bindRequest",
    "extendedRequest",
    "message",
    "readMessage",
    "searchRequest",
    "text",
    "unbindRequest",
]
