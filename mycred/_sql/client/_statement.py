"""
Statements with named values: which names one has, and how a driver wants them spelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ._errors import BadStatement, BadValue

# What is within quotes, and what is a comment.  Where a quote isn't closed it goes on to
# the end of the statement.
_STANDARD = r"'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)"
_BACKQUOTED = r"`[^`]*(?:`|\Z)"
_QUOTED: Mapping[str, str] = {
    "mysql": rf"{_STANDARD}|{_BACKQUOTED}|\#[^\n]*",
    "postgresql": (
        r"\b[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)"
        r"|(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
        rf"|{_STANDARD}"
    ),
    "sqlite": rf"{_STANDARD}|{_BACKQUOTED}",
}

# C{::type} is a cast, C{:=} an assignment, and C{a[i:j]} a slice.
_NAME = r"(?<![:\w]):(?P<name>[A-Za-z_][A-Za-z0-9_]*)"

_PATTERNS = {
    dialect: re.compile(f"(?P<quoted>{quoted})|{_NAME}", re.DOTALL)
    for dialect, quoted in {**_QUOTED, "": _STANDARD}.items()
}

# What stands after a value that is returned as C{name}, cast or within parentheses.
_AS_NAME = re.compile(
    r"(?:\s*::\s*\w+|\s+as\s+\w+\s*\)|\s*\))*\s+(?:as\s+)?[`\"]?name\b", re.IGNORECASE
)

# Whether a backslash quotes the quote after it is for the server to say.
_AMBIGUOUS = re.compile(r"\\['\"]")

# By the paramstyle of the driver (PEP 249): how the name that comes as the n-th is
# spelled.
_SPELLINGS: Mapping[str, Callable[[str, int], str]] = {
    "format": lambda name, number: "%s",
    "named": lambda name, number: f":{name}",
    "numeric": lambda name, number: f":{number}",
    "pyformat": lambda name, number: f"%({name})s",
    "qmark": lambda name, number: "?",
}
_BY_NAME = ("named", "pyformat")


class Spelled(NamedTuple):
    """
    A statement as a driver wants it.

    @ivar text: the statement.
    @ivar names: the names of the values, in their order.
    @ivar isByName: whether the driver takes the values by name, rather than in order.
    """

    text: str
    names: tuple[str, ...]
    isByName: bool

    def bind(self, values: Mapping[str, object]) -> dict[str, object] | list[object]:
        """
        Return values as the driver takes them.

        @raise BadStatement: if one is missing.
        @raise BadValue: if a text can't be in a database.
        """
        try:
            bound = {name: values[name] for name in self.names}
        except KeyError as error:
            raise BadStatement(f"there is no value for :{error.args[0]}") from None
        for value in bound.values():
            if isinstance(value, str) and ("\0" in value or not value.isascii()):
                _insistOnText(value)
        return bound if self.isByName else [bound[name] for name in self.names]


def parametersIn(statement: str, dialect: str) -> set[str]:
    """
    Return the names of the values in a statement: C{:name}, except within quotes and
    comments.

    @param dialect: the kind of database, as in L{DatabaseURL}.

    @raise BadStatement: if databases differ in where quotes end.
    """
    return {name for _, name in _split(statement, dialect) if name}


def returnsAsName(statement: str, dialect: str) -> bool:
    """
    Return whether a statement returns one of its values as the column C{name}, rather
    than what is stored.
    """
    pieces = _split(statement, dialect)
    return any(
        name and _AS_NAME.match(after) for (_, name), (after, _) in pairwise(pieces)
    )


@lru_cache(maxsize=500)
def spell(statement: str, dialect: str, style: str) -> Spelled:
    """
    Return a statement as a driver wants it.

    A value is never put within quotes: some drivers put values into the text themselves,
    between quotes of their own.

    @param dialect: the kind of database.
    @param style: how the driver wants values spelled, by PEP 249.

    @raise BadStatement: if databases differ in where quotes end.
    """
    spelling = _SPELLINGS[style]
    text, names = "", []
    for before, name in _split(statement, dialect):
        text += before.replace("%", "%%") if "format" in style else before
        if name:
            names.append(name)
            text += spelling(name, len(names))
    return Spelled(text, tuple(names), style in _BY_NAME)


def _split(statement: str, dialect: str) -> list[tuple[str, str]]:
    """
    Return the pieces of a statement, each with the name that comes after it; the last one
    has none.
    """
    pieces, start = [], 0
    for found in _PATTERNS.get(dialect, _PATTERNS[""]).finditer(statement):
        if found["name"]:
            pieces.append((statement[start : found.start()], found["name"]))
            start = found.end()
        elif dialect == "mysql" and _AMBIGUOUS.search(found["quoted"]):
            raise BadStatement(
                "there is a backslash before a quote, which servers read in two ways; "
                "write '' for a quote within quotes"
            )
    return [*pieces, (statement[start:], "")]


def _insistOnText(value: str) -> None:
    """
    Insist on a text that a database can hold.

    @raise BadValue: if it has a NUL, or can't be encoded.
    """
    if "\0" in value:
        raise BadValue("there is a NUL in it")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadValue("it has no form in UTF-8") from None


__all__ = ["Spelled", "parametersIn", "returnsAsName", "spell"]
