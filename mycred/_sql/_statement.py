"""
The text of a statement: which values are bound in it, and whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

# What may hold a colon or a semicolon that isn't meant as one: quoted text and names,
# comments, PostgreSQL's dollar quotes and casts, MySQL's backquotes; then what is looked
# for.  Of what is quoted and has no end, all that follows is a part.
_token = re.compile(
    r"""
      '(?:[^']|'')*(?:'|\Z)
    | "(?:[^"]|"")*(?:"|\Z)
    | `[^`]*(?:`|\Z)
    | \$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | ::
    | \\:
    | (?<![\w:]):(?P<parameter>[A-Za-z_]\w*)
    | (?P<end>;)
    """,
    re.DOTALL | re.VERBOSE,
)


def parametersIn(statement: str) -> list[str]:
    """
    Return the names of the values that are bound in a statement, each as often as it
    stands there.
    """
    return [match["parameter"] for match in _tokens(statement) if match["parameter"]]


def checkedStatement(
    text: str, needed: Collection[str], allowed: Collection[str] = ()
) -> str:
    """
    Return a statement, without a semicolon at its end.

    @param text: the statement.
    @param needed: the names of the values that must be bound in it.
    @param allowed: the names of others that may be.

    @raise ValueError: if others are bound in it, or it isn't one statement.
    """
    end = _endOf(text)
    statement = text[:end].strip()
    if not statement:
        raise ValueError("write a statement")
    if end < len(text) and _withoutComments(text[end + 1 :]):
        raise ValueError("write one statement; something follows a semicolon")
    found = parametersIn(statement)
    for name in needed:
        if name not in found:
            raise ValueError(f"write :{name} where that value is bound, without quotes")
    for name in found:
        if name not in {*needed, *allowed}:
            known = " and ".join(f":{each}" for each in [*needed, *allowed])
            raise ValueError(f"there is no :{name}; there is {known}")
    return statement


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """
    Iterate over what matters in a statement.
    """
    return _token.finditer(text)


def _endOf(text: str) -> int:
    """
    Return where the first statement ends.
    """
    ends = (match.start() for match in _tokens(text) if match["end"])
    return next(ends, len(text))


def _withoutComments(text: str) -> str:
    """
    Return a text without comments and the space around it.
    """
    return _token.sub(lambda m: "" if m["comment"] else m[0], text).strip()


__all__ = ["checkedStatement", "parametersIn"]
