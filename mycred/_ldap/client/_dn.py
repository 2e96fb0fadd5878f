"""
Distinguished names, as RFC 4514 writes them.
"""

from __future__ import annotations

import re
import stringprep
import unicodedata
from collections.abc import Hashable
from typing import Any, NamedTuple

#: What stands for the name that somebody has typed.
PLACEHOLDER = "{username}"

# descr and numericoid of RFC 4512, section 1.4.
_type = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*")

# A value ends at what isn't escaped.  LDAP's second version had ";" too.
_value = re.compile(r'(?:\\.|[^\\,+;"<>])*', re.DOTALL)

# hexpair or one character (RFC 4514, section 3).
_escape = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)

_hexstring = re.compile(r"#(?:[0-9A-Fa-f]{2})+")

# What can't stand as it is (RFC 4514, section 2.4); "=" may be escaped, too.
_special = re.compile(r'[\0"+,;<=>\\]|^[ #]| \Z')

# What stands for the same attribute: the keywords of RFC 4514, section 3, and others
# by which users are named.
_KEYWORDS = {
    "2.5.4.3": "cn",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.6": "c",
    "2.5.4.9": "street",
    "0.9.2342.19200300.100.1.25": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
    "commonname": "cn",
    "organizationalunitname": "ou",
    "organizationname": "o",
    "domaincomponent": "dc",
    "userid": "uid",
    "2.5.4.4": "sn",
    "surname": "sn",
    "rfc822mailbox": "mail",
    "0.9.2342.19200300.100.1.3": "mail",
}


class Part(NamedTuple):
    """
    An attribute and its value, of which a relative distinguished name has one, or
    more.

    @ivar type: the attribute.
    @ivar value: the value, without escapes; what can't be read as UTF-8 is in
        surrogates.
    @ivar isEncoded: whether the value is C{#} and its encoding, in hexadecimal digits.
    """

    type: str
    value: str
    isEncoded: bool = False


def parseDN(text: str) -> list[list[Part]]:
    """
    Take a name apart.

    @return: its relative distinguished names, the entry's own first; none for the
        name of the root.

    @raise ValueError: if it is no name.
    """
    names: list[list[Part]] = []
    at = 0
    following = ","
    while at < len(text) or names:
        if following == ",":
            names.append([])
        at = _skipSpace(text, at)
        found = _type.match(text, at)
        if found is None:
            raise ValueError(f"no attribute stands where one is due, at {at + 1}")
        at = _skipSpace(text, found.end())
        if text[at : at + 1] != "=":
            raise ValueError(f"a = is missing after {found[0]}")
        # Nothing is a value, too: this always matches.
        value: Any = _value.match(text, _skipSpace(text, at + 1))
        names[-1].append(_readPart(found[0], value[0]))
        at = value.end()
        if at == len(text):
            break
        following = text[at]
        if following not in ",+":
            raise ValueError(f"a {following} in a value is written \\{following}")
        at += 1
    return names


def escapeValue(value: str) -> str:
    """
    Write a value so that it means nothing but itself in a name.
    """
    return _special.sub(_escaped, value)


def formatDN(names: list[list[Part]]) -> str:
    """
    Put a name together.
    """
    return ",".join(
        "+".join(f"{part.type}={_format(part)}" for part in name) for name in names
    )


def normalized(text: str) -> tuple[Hashable, ...]:
    """
    Make of a name what equals that of any other way to write it: case, spaces, escapes
    and the order within a relative distinguished name don't count.

    @return: a part for each relative distinguished name; something that equals nothing
        else, if it is no name.
    """
    try:
        names = parseDN(text)
    except ValueError:
        return ("no name", text)
    return tuple(tuple(sorted(map(_normalizedPart, name))) for name in names)


def isBelow(name: tuple[Hashable, ...], base: tuple[Hashable, ...]) -> bool:
    """
    Tell whether a name is another, or below it.

    @param name: the one, normalized.
    @param base: the other, normalized.
    """
    return not base or name[-len(base) :] == base


def alike(value: str) -> str:
    """
    Make two values equal that differ by case and by spaces.
    """
    # No more than that: a directory may keep apart what looks alike.
    return re.sub(" +", " ", value.lower().strip(" "))


def foldedName(typed: str) -> str:
    """
    Write a name as directories compare names, which is without case.

    @raise ValueError: if what they do besides (RFC 4518) makes another name of it: then
        two names may mean the same user, or one two of them, and nobody knows which.
    """
    name = typed.lower()
    kept = (c for c in name if not stringprep.in_table_b1(c))
    mapped = "".join(map(stringprep.map_table_b2, kept))
    if alike(unicodedata.normalize("NFKC", mapped)) != name or not name.isprintable():
        raise ValueError(f"directories write {typed!a} in more than one way")
    return name


def isSameAttribute(one: str, other: str) -> bool:
    """
    Tell whether two names of attributes mean the same one.
    """
    return _normalizedType(one) == _normalizedType(other)


def valueIn(names: list[list[Part]], attribute: str) -> str | None:
    """
    Find the value of an attribute in a name.

    @return: L{None} if there is none that is text.
    """
    for name in names:
        for part in name:
            if isSameAttribute(part.type, attribute) and not part.isEncoded:
                return part.value
    return None


class NameTemplate:
    """
    The name of whoever logs in, with L{PLACEHOLDER} where his own stands.

    @ivar attribute: the attribute in whose value it stands.
    @ivar place: which of the relative distinguished names it is in, counted from 0.
    """

    def __init__(self, text: str) -> None:
        """
        @raise ValueError: if it is no name, or the placeholder isn't in a value.
        """
        hint = f"write uid={PLACEHOLDER},ou=people,dc=example,dc=org, say"
        if "@" in text and "=" not in text:
            hint = "for Active Directory write upn=, and what follows the @"
        try:
            refuseBraces(text)
            self._names = parseDN(text)
        except ValueError as error:
            raise ValueError(f"{error}; {hint}") from None
        holders = [
            (part.type, place)
            for place, name in enumerate(self._names)
            for part in name
            if PLACEHOLDER in part.value
        ]
        if not holders:
            raise ValueError(f"{PLACEHOLDER} stands nowhere; {hint}")
        self.attribute, self.place = holders[0]

    def named(self, name: str) -> str:
        """
        Name somebody.
        """
        return formatDN(
            [
                [p._replace(value=p.value.replace(PLACEHOLDER, name)) for p in parts]
                for parts in self._names
            ]
        )


def refuseBraces(text: str) -> None:
    """
    Refuse braces but for L{PLACEHOLDER}: something else is meant to be put in there.

    @raise ValueError: if there are any.
    """
    if re.search("[{}]", text.replace(PLACEHOLDER, "")):
        raise ValueError(
            f"braces stand in {PLACEHOLDER} and nowhere else; as they are they are "
            "written \\7b and \\7d"
        )


def _skipSpace(text: str, at: int) -> int:
    """
    Go to what isn't a space.
    """
    while text[at : at + 1] == " ":
        at += 1
    return at


def _readPart(kind: str, text: str) -> Part:
    """
    Read a value, at the end of which spaces that aren't escaped don't count.

    @raise ValueError: if there is an escape that isn't one.
    """
    bare = text.rstrip(" ")
    if bare.startswith("#"):
        if not _hexstring.fullmatch(bare):
            raise ValueError("a # at the beginning of a value is written \\#")
        return Part(kind, bare, True)
    # "\ " at the end: an odd number of backslashes escapes the space.
    if len(bare) < len(text) and (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "
    return Part(kind, _escape.sub(_unescaped, bare))


def _unescaped(found: re.Match[str]) -> str:
    """
    Read an escape.
    """
    if found[2] is None:
        raw = bytes.fromhex(found[1].replace("\\", ""))
        return raw.decode("utf-8", "surrogateescape")
    if found[2] not in ' "#+,;<=>\\':
        raise ValueError(f"a backslash before {found[2]!r} means nothing")
    return found[2]


def _escaped(found: re.Match[str]) -> str:
    """
    Write an escape.
    """
    return "\\00" if found[0] == "\0" else "\\" + found[0]


def _format(part: Part) -> str:
    """
    Write a value.
    """
    return part.value if part.isEncoded else escapeValue(part.value)


def _normalizedPart(part: Part) -> tuple[str, bool, str]:
    """
    Make two parts equal that mean the same.
    """
    return _normalizedType(part.type), part.isEncoded, alike(part.value)


def _normalizedType(name: str) -> str:
    """
    Make two attributes equal that are the same.
    """
    return _KEYWORDS.get(name.lower(), name.lower())


__all__ = [
    "PLACEHOLDER",
    "NameTemplate",
    "Part",
    "alike",
    "escapeValue",
    "foldedName",
    "formatDN",
    "isBelow",
    "isSameAttribute",
    "normalized",
    "parseDN",
    "refuseBraces",
    "valueIn",
]
