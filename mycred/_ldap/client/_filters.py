"""
Search filters, as text (RFC 4515) and encoded.

ldap3 parses the filters that a deployer has written.  What a user types never goes
through that parser: it is put into the parsed filter, as a value.
"""

from __future__ import annotations

import re
from typing import Union

from ldap3 import DEREF_NEVER, SUBTREE
from ldap3.operation.search import search_operation
from pyasn1.codec.ber.encoder import encode

from ._dn import PLACEHOLDER, refuseBraces
from ._messages import OCTETS, element, elements

_AND, _OR, _NOT, _EQUAL, _PRESENT, _EXTENSIBLE = 0xA0, 0xA1, 0xA2, 0xA3, 0x87, 0xA9
_OPERATORS = (_AND, _OR, _NOT)
_RULE, _TYPE, _ASSERTED, _WITH_DN = 0x81, 0x82, 0x83, 0x84

# Active Directory's matching rule by which nested groups count
# (LDAP_MATCHING_RULE_IN_CHAIN of MS-ADTS, section 3.1.1.3.4.4.3).
_IN_CHAIN = b"1.2.840.113556.1.4.1941"

# The beginning of a filter: an operator or an attribute.  ldap3 accepts any text.
_beginning = re.compile(
    r"\(\s*(?:[&|!]|[A-Za-z0-9][A-Za-z0-9.;-]*(?:[=:]|[<>~]=)|:[A-Za-z0-9])"
)

# Patterns that ldap3 parses in another way than others do, and what to write instead.
_MISREAD = {
    r"\\(?![0-9A-Fa-f]{2})": "a backslash is written \\5c",
    r"=\s|[^\s()]\s+\)": "a space at the end of a value is written \\20",
    r"\*\*": "one * is enough",
    r"[<>~:]=[^()]*\*": "a * goes with =, otherwise it is written \\2a",
}

# A parsed filter: tags, with bytes or with what a constructed element holds.
_Nodes = list[tuple[int, Union[bytes, "_Nodes"]]]

# What must be escaped in a value (RFC 4515, section 3), and spaces that would be ignored
# otherwise.
_special = re.compile(r"[\0()*\\]|^\s|\s\Z|(?<==)\s")

# Stands for the placeholder while ldap3 parses; escaped, it means itself only where a
# value may be.
_MARK = bytes(range(1, 17))
_MARKED = "".join(f"\\{byte:02x}" for byte in _MARK)


def escapeFilter(value: str) -> str:
    """
    Return a value, escaped so that it means nothing but itself in a filter.
    """
    return _special.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    """
    Return a character, escaped.
    """
    return "".join(f"\\{byte:02x}" for byte in found[0].encode("utf-8"))


def encodeFilter(text: str) -> bytes:
    """
    Return an encoded filter.

    @raise ValueError: if it can't be parsed.
    """
    if not text.startswith("("):
        raise ValueError("a filter stands in parentheses, such as (objectClass=person)")
    missing = text.count("(") - text.count(")")
    if missing:
        raise ValueError(f"a {')' if missing > 0 else '('} is missing")
    if len(_beginning.findall(text)) != text.count("("):
        raise ValueError("what follows a ( is no attribute with =, and none of & | !")
    for pattern, told in _MISREAD.items():
        if re.search(pattern, text):
            raise ValueError(told)
    try:
        request = search_operation(
            "", text, SUBTREE, DEREF_NEVER, ["1.1"], 0, 0, False, True, False
        )
        encoded: bytes = encode(request["filter"])
    except Exception:
        raise ValueError("it can't be read as a filter") from None
    nodes = _parse(encoded)
    # Of several filters in a NOT it may have parsed the first one only.
    if _count(nodes) != text.count("("):
        raise ValueError("it can't be read as a filter; a (! is followed by one filter")
    return _fill(nodes)


class FilterTemplate:
    """
    A filter with L{PLACEHOLDER} where the user's name goes.

    @ivar text: the filter, as the deployer has written it.
    """

    def __init__(self, text: str) -> None:
        """
        @raise ValueError: if it can't be parsed, or the placeholder isn't in a value.
        """
        if PLACEHOLDER not in text:
            raise ValueError(
                f"write {PLACEHOLDER} where the name stands, such as (uid={PLACEHOLDER})"
            )
        refuseBraces(text)
        encoded = encodeFilter(text.replace(PLACEHOLDER, _MARKED))
        if encoded.count(_MARK) != text.count(PLACEHOLDER):
            raise ValueError(f"{PLACEHOLDER} stands where no value is")
        self.text = text
        self._nodes = _parse(encoded)
        if _isDenied(self._nodes):
            raise ValueError(
                f"{PLACEHOLDER} stands below a (!, which matches all other users"
            )

    def fill(self, name: str) -> bytes:
        """
        Return the encoded filter for a user.
        """
        return _fill(self._nodes, name.encode("utf-8", "surrogateescape"))

    def show(self, name: str) -> str:
        """
        Return the filter for a user as text.
        """
        return self.text.replace(PLACEHOLDER, escapeFilter(name))


def equals(attribute: str, value: bytes) -> bytes:
    """
    Return an encoded filter for an attribute with a value.
    """
    return element(
        _EQUAL, element(OCTETS, attribute.encode("ascii")), element(OCTETS, value)
    )


def inChain(attribute: str, value: bytes) -> bytes:
    """
    Return an encoded filter for an attribute that leads to a value, over any number of
    entries.
    """
    return element(
        _EXTENSIBLE,
        element(_RULE, _IN_CHAIN),
        element(_TYPE, attribute.encode("ascii")),
        element(_ASSERTED, value),
    )


def anyOf(*filters: bytes) -> bytes:
    """
    Return an encoded filter that matches what one of several matches.
    """
    return element(_OR, *filters)


def allOf(*filters: bytes) -> bytes:
    """
    Return an encoded filter that matches what all of several match.
    """
    return element(_AND, *filters)


#: The filter that each entry matches.
ANYTHING = element(_PRESENT, b"objectClass")


def _parse(data: bytes) -> _Nodes:
    """
    Return the tags of an encoded filter, with their contents; the content of a
    constructed element is parsed, too.
    """
    return [
        (tag, _parse(content) if tag & 0x20 else content)
        for tag, content in elements(data)
    ]


def _count(nodes: _Nodes) -> int:
    """
    Return how many filters a filter is made of.
    """
    return sum(
        1 + (0 if isinstance(node, bytes) or tag not in _OPERATORS else _count(node))
        for tag, node in nodes
    )


def _isDenied(nodes: _Nodes, isBelow: bool = False) -> bool:
    """
    Return whether the placeholder's mark is below a NOT.
    """
    return any(
        isBelow and _MARK in node
        if isinstance(node, bytes)
        else _isDenied(node, isBelow or tag == _NOT)
        for tag, node in nodes
    )


def _fill(nodes: _Nodes, name: bytes = _MARK) -> bytes:
    """
    Return an encoded filter with a name in place of the mark.
    """
    parts = []
    for tag, node in nodes:
        if not isinstance(node, bytes):
            part = _fill(node, name)
        elif tag == _WITH_DN:
            # TRUE is 0xff (RFC 4511, section 5.1), where pyasn1 writes 1.
            part = b"\xff"
        else:
            part = node.replace(_MARK, name)
        parts.append(element(tag, part))
    return b"".join(parts)


__all__ = [
    "ANYTHING",
    "FilterTemplate",
    "allOf",
    "anyOf",
    "encodeFilter",
    "equals",
    "escapeFilter",
    "inChain",
]
