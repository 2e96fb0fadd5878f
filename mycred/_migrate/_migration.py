"""
Migrate the text of one module.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from tokenize import TokenError

from ._imports import Imports
from ._mentions import inPython
from ._source import Source


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
    try:
        with warnings.catch_warnings():
            # What the program is to be warned of is no business of ours.
            warnings.simplefilter("ignore")
            source = Source(text)
            imports = Imports(source, ast.parse(text))
            imports.follow()
            left = {Left(*place) for place in (*imports.left, *inPython(text))}
    except SyntaxError as error:
        raise NoPython(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, TokenError, RecursionError, MemoryError) as error:
        raise NoPython(str(error) or "too deeply nested") from None
    return Migrated(source.edited(), sorted(left))


__all__ = ["Left", "Migrated", "NoPython", "migrate"]
