"""
Migrate the text of one module.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

from ._edits import Text
from ._mentions import mentions
from ._plan import Plan


class NoPython(ValueError):
    """
    A text is no Python that this version of Python can read.  The message says where
    and why.
    """


@dataclass(frozen=True, order=True)
class Left:
    """
    A line that a person has to look at.

    @ivar line: its number, from 1, in the text as it was.
    @ivar reason: what it holds, and what is to be thought of.
    """

    line: int
    reason: str


@dataclass(frozen=True)
class Migrated:
    """
    A module after its migration.

    @ivar text: its new text; the old one if there was nothing to do.
    @ivar left: what a person has to look at.
    """

    text: str
    left: list[Left]


def migrate(text: str) -> Migrated:
    """
    Migrate the imports of a module from C{twisted.cred} and C{twisted.conch.checkers}
    to mycred, and what uses the names that they bind.

    Everything else stays as it is.

    @param text: the source, with ends of lines of any kind.

    @raise NoPython: if it can't be parsed.
    """
    source = Text(text)
    tree = _parse(source.text)
    plan = Plan(source, tree)
    new = plan.run()
    left = {Left(*place) for place in (*plan.left, *mentions(source.text, tree))}
    if new != text:
        # Whatever has gone wrong, no program is made unreadable.
        _parse(Text(new).text)
    return Migrated(new, sorted(left))


def _parse(text: str) -> ast.Module:
    """
    Parse a module.

    @raise NoPython: if that can't be done.
    """
    try:
        with warnings.catch_warnings():
            # What the program is to be warned of is no business of ours.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise NoPython(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise NoPython(str(error) or "too deeply nested") from None


__all__ = ["Left", "Migrated", "NoPython", "migrate"]
