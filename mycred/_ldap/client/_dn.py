"""
Distinguished names, as RFC 4514 writes them.
"""

from __future__ import annotations

import re
import stringprep
import unicodedata
from collections.abc import Hashable
from typing import NamedTuple

#: Stands for the name that a user has typed.
PLACEHOLDER = "{username}"

# descr and numericoid (RFC 4512, section 1.4).
_type = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*")

# The characters of a value, up to a separator that isn't escaped.  LDAPv2 had ";" as a
# separator, too.
_value = re.compile(r'(?:\\.|[^\\,+;"<>])*', re.DOTALL)

# hexpair or one character (RFC 4514, section 3).
_escape = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)

_hexstring = re.compile(r"#(?:[0-9A-Fa-f]{2})+")

# What must be escaped in a value (RFC 4514, section 2.4); "=" may be.
_special = re.compile(r'[\0"+,;<=>\\]|^[ #]| \Z')

# Other names of attributes: the keywords of RFC 4514, section 3, and of others that name
# users.
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
    An attribute and its value, of which a relative distinguished name has one or more.

    @ivar type: the attribute.
    @ivar value: the value, without escapes; bytes that aren't UTF-8 become surrogates.
    @ivar isEncoded: whether the value is C{#} and its BER encoding in hexadecimal digits.
    """

    type: str
    value: str
    isEncoded: bool = False


def parseDN(text: str) -> list[list[Part]]:
    """
    Parse a distinguished name.

    @return: its relative distinguished names, the entry's own first; none for the root.

    @raise ValueError: if it can't be parsed.
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
        begin = _skipSpace(text, at + 1)
        at = _endOfValue(text, begin)
        names[-1].append(_parsePart(found[0], text[begin:at]))
        if at == len(text):
            break
        following = text[at]
        if following not in ",+":
            raise ValueError(f"a {following} in a value is written \\{following}")
        at += 1
    return names


def escapeValue(value: str) -> str:
    """
    Return a value, escaped so that it means nothing but itself in a DN.
    """
    return _special.sub(_escaped, value)


def formatDN(names: list[list[Part]]) -> str:
    """
    Return a DN as text.
    """
    return ",".join(
        "+".join(f"{part.type}={_format(part)}" for part in name) for name in names
    )


def normalizedDN(text: str) -> tuple[Hashable, ...]:
    """
    Return a form of a DN that is the same for each way to write it: case, spaces, escapes
    and the order within a relative distinguished name don't count.

    @return: an item for each relative distinguished name; if the text can't be parsed,
        something that equals no DN.
    """
    try:
        names = parseDN(text)
    except ValueError:
        return ("no name", text)
    return tuple(tuple(sorted(map(_normalizedPart, name))) for name in names)


def isBelow(name: tuple[Hashable, ...], base: tuple[Hashable, ...]) -> bool:
    """
    Return whether a DN is another one, or below it.

    @param name: the one, from L{normalizedDN}.
    @param base: the other, from L{normalizedDN}.
    """
    return not base or name[-len(base) :] == base


def alike(value: str) -> str:
    """
    Return a form of a value in which case, and how many spaces there are, don't count.
    """
    # No more than that: a directory may distinguish values that look alike.
    return re.sub(" +", " ", value.lower().strip(" "))


def comparedName(typed: str) -> str:
    """
    Return a name in the form in which directories compare it (RFC 4518).
    """
    # Each letter is looked up once: a name of a thousand letters takes milliseconds.
    mapped = {
        ord(c): None if stringprep.in_table_b1(c) else stringprep.map_table_b2(c)
        for c in set(typed)
    }
    return alike(unicodedata.normalize("NFKC", typed.translate(mapped)))


def foldedName(typed: str) -> str:
    """
    Return a name in lower case: directories compare names without case.

    @raise ValueError: if what they do besides (RFC 4518) makes another name of it: then
        two names may mean the same user, or one name two users.
    """
    name = typed.lower()
    if comparedName(name) != name or not name.isprintable():
        raise ValueError(f"directories write {typed!a} in more than one way")
    return name


def isSameAttribute(one: str, other: str) -> bool:
    """
    Return whether two names mean the same attribute.
    """
    return _normalizedType(one) == _normalizedType(other)


def valueIn(names: list[list[Part]], attribute: str) -> str | None:
    """
    Return the value of an attribute in a DN; L{None} if there is none that is text.
    """
    for name in names:
        for part in name:
            if isSameAttribute(part.type, attribute) and not part.isEncoded:
                return part.value
    return None


class NameTemplate:
    """
    A DN with L{PLACEHOLDER} where the user's name goes.

    @ivar attribute: the attribute whose value holds the placeholder.
    @ivar place: the index of the relative distinguished name that holds it.
    """

    def __init__(self, text: str) -> None:
        """
        @raise ValueError: if it is no DN, or the placeholder isn't in a value.
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

    def fill(self, name: str) -> str:
        """
        Return the DN of a user.
        """
        return formatDN(
            [
                [p._replace(value=p.value.replace(PLACEHOLDER, name)) for p in parts]
                for parts in self._names
            ]
        )


def refuseBraces(text: str) -> None:
    """
    Refuse braces except in L{PLACEHOLDER}: the deployer means another placeholder.

    @raise ValueError: if there are any.
    """
    if re.search("[{}]", text.replace(PLACEHOLDER, "")):
        raise ValueError(
            f"braces stand in {PLACEHOLDER} and nowhere else; as they are they are "
            "written \\7b and \\7d"
        )


def _skipSpace(text: str, at: int) -> int:
    """
    Return the index of the next character that isn't a space.
    """
    while text[at : at + 1] == " ":
        at += 1
    return at


def _endOfValue(text: str, at: int) -> int:
    """
    Return the index after a value, which may be empty.
    """
    found = _value.match(text, at)
    return found.end() if found else at


def _parsePart(kind: str, text: str) -> Part:
    """
    Return a parsed value; spaces at its end don't count unless they are escaped.

    @raise ValueError: if an escape is wrong.
    """
    bare = text.rstrip(" ")
    if bare.startswith("#"):
        if not _hexstring.fullmatch(bare):
            raise ValueError("a # at the beginning of a value is written \\#")
        return Part(kind, bare, True)
    # An odd number of backslashes before the space at the end escapes it.
    if len(bare) < len(text) and (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "
    return Part(kind, _escape.sub(_unescaped, bare))


def _unescaped(found: re.Match[str]) -> str:
    """
    Return what an escape means.
    """
    if found[2] is None:
        raw = bytes.fromhex(found[1].replace("\\", ""))
        return raw.decode("utf-8", "surrogateescape")
    if found[2] not in ' "#+,;<=>\\':
        raise ValueError(f"a backslash before {found[2]!r} means nothing")
    return found[2]


def _escaped(found: re.Match[str]) -> str:
    """
    Return a character, escaped.
    """
    return "\\00" if found[0] == "\0" else "\\" + found[0]


def _format(part: Part) -> str:
    """
    Return a value as it is written in a DN.
    """
    return part.value if part.isEncoded else escapeValue(part.value)


def _normalizedPart(part: Part) -> tuple[str, bool, str]:
    """
    Return a form of a part that is the same for each way to write it.
    """
    return _normalizedType(part.type), part.isEncoded, alike(part.value)


def _normalizedType(name: str) -> str:
    """
    Return the usual name of an attribute, in lower case.
    """
    return _KEYWORDS.get(name.lower(), name.lower())


__all__ = [
    "PLACEHOLDER",
    "NameTemplate",
    "Part",
    "alike",
    "comparedName",
    "escapeValue",
    "foldedName",
    "formatDN",
    "isBelow",
    "isSameAttribute",
    "normalizedDN",
    "parseDN",
    "refuseBraces",
    "valueIn",
]
