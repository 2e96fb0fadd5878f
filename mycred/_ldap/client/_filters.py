"""
Filters, as RFC 4515 writes them, and as they go over the wire.

ldap3 reads what a deployer has written.  What somebody types never goes through that:
it is put into the filter that was read, as a value.
"""

from __future__ import annotations

import re
from typing import Any

from ldap3 import DEREF_NEVER, SUBTREE
from ldap3.operation.search import search_operation
from pyasn1.codec.ber.encoder import encode

from ._ber import OCTETS, element, elements
from ._dn import PLACEHOLDER, refuseBraces

_AND, _OR, _NOT, _EQUAL, _PRESENT, _EXTENSIBLE = 0xA0, 0xA1, 0xA2, 0xA3, 0x87, 0xA9
_RULE, _TYPE, _ASSERTED, _WITH_DN = 0x81, 0x82, 0x83, 0x84

#: Active Directory's rule by which groups within groups count
#: (LDAP_MATCHING_RULE_IN_CHAIN of MS-ADTS, section 3.1.1.3.4.4.3).
_IN_CHAIN = b"1.2.840.113556.1.4.1941"

# What begins a filter: an operator, or an attribute.  ldap3 takes any text for one.
_beginning = re.compile(
    r"\(\s*(?:[&|!]|[A-Za-z0-9][A-Za-z0-9.;-]*(?:[=:]|[<>~]=)|:[A-Za-z0-9])"
)

# What ldap3 reads in another way than others do.
_MISREAD = {
    r"\\(?![0-9A-Fa-f]{2})": "a backslash is written \\5c",
    r"=\s|[^\s()]\s+\)": "a space at the end of a value is written \\20",
    r"\*\*": "one * is enough",
    r"[<>~:]=[^()]*\*": "a * goes with =, otherwise it is written \\2a",
}

# What must be escaped in a value (RFC 4515, section 3), and spaces that are overlooked
# otherwise.
_special = re.compile(r"[\0()*\\]|^\s|\s\Z|(?<==)\s")

# It stands for the placeholder while ldap3 reads; escaped, it means itself only where
# a value may stand.
_MARK = bytes(range(1, 17))
_MARKED = "".join(f"\\{byte:02x}" for byte in _MARK)


def escapeFilter(value: str) -> str:
    """
    Write a value so that it means nothing but itself in a filter.
    """
    return _special.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    """
    Write an escape.
    """
    return "".join(f"\\{byte:02x}" for byte in found[0].encode("utf-8"))


def encodeFilter(text: str) -> bytes:
    """
    Encode a filter.

    @raise ValueError: if it is none.
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
    # Of what stands in a NOT it may have read the first part only.
    if _count(nodes) != text.count("("):
        raise ValueError("it can't be read as a filter; a (! is followed by one filter")
    return _fill(nodes)


class FilterTemplate:
    """
    The filter for whoever logs in, with L{PLACEHOLDER} where his name stands.
    """

    def __init__(self, text: str) -> None:
        """
        @raise ValueError: if it is no filter, or the placeholder isn't in a value.
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
            raise ValueError(f"{PLACEHOLDER} stands below a (!, which is everybody else")

    def named(self, name: str) -> bytes:
        """
        Encode the filter for somebody.
        """
        return _fill(self._nodes, name.encode("utf-8", "surrogateescape"))

    def shown(self, name: str) -> str:
        """
        Write the filter for somebody.
        """
        return self.text.replace(PLACEHOLDER, escapeFilter(name))


def equals(attribute: str, value: bytes) -> bytes:
    """
    Encode a filter for an attribute with a value.
    """
    return element(
        _EQUAL, element(OCTETS, attribute.encode("ascii")), element(OCTETS, value)
    )


def inChain(attribute: str, value: bytes) -> bytes:
    """
    Encode a filter for an attribute that leads to a value, over any number of entries.
    """
    return element(
        _EXTENSIBLE,
        element(_RULE, _IN_CHAIN),
        element(_TYPE, attribute.encode("ascii")),
        element(_ASSERTED, value),
    )


def anyOf(*filters: bytes) -> bytes:
    """
    Encode a filter for what one of several matches.
    """
    return element(_OR, *filters)


def allOf(*filters: bytes) -> bytes:
    """
    Encode a filter for what all of several match.
    """
    return element(_AND, *filters)


#: The filter that any entry matches.
ANYTHING = element(_PRESENT, b"objectClass")


def _parse(data: bytes) -> list[tuple[int, Any]]:
    """
    Take an encoded filter apart.
    """
    return [
        (tag, _parse(content) if tag & 0x20 else content)
        for tag, content in elements(data)
    ]


def _count(nodes: list[tuple[int, Any]]) -> int:
    """
    Count the filters that a filter is made of.
    """
    return sum(
        1 + (_count(node) if tag in (_AND, _OR, _NOT) else 0) for tag, node in nodes
    )


def _isDenied(nodes: list[tuple[int, Any]], isBelow: bool = False) -> bool:
    """
    Tell whether the mark is where it stands for everybody else.
    """
    return any(
        isBelow and _MARK in node
        if isinstance(node, bytes)
        else _isDenied(node, isBelow or tag == _NOT)
        for tag, node in nodes
    )


def _fill(nodes: list[tuple[int, Any]], name: bytes = _MARK) -> bytes:
    """
    Put a filter together, with a name.
    """
    parts = []
    for tag, node in nodes:
        if not isinstance(node, bytes):
            part = _fill(node, name)
        elif tag == _WITH_DN:
            # Yes has all bits (RFC 4511, section 5.1), where pyasn1 has one.
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
