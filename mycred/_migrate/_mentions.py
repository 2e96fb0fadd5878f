"""
What names C{twisted.cred} in strings and documentation: for a person to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import StringIO
from tokenize import COMMENT, DEDENT, INDENT, NEWLINE, NL, generate_tokens, tok_name

from ._names import follow, isShared, moduleOf

_NAMED = re.compile(
    r"(?<![\w.])twisted\.(?:cred|conch\.checkers|plugins\.cred_\w+)\b(?:\.\w+)*"
)
_STRINGS = {"STRING", "FSTRING_MIDDLE", "TSTRING_MIDDLE"}
#: A string after these is documentation.
_BETWEEN = {DEDENT, INDENT, NEWLINE}
# How many line numbers are listed.
_MOST_LISTED = 5


def inPython(text: str) -> Iterator[tuple[int, str]]:
    """
    Find what a person has to look at in a module, beside its imports.

    @return: numbers of lines, and what is there.
    """
    prose: list[int] = []
    before = NEWLINE
    for token in generate_tokens(StringIO(re.sub("\r\n?", "\n", text)).readline):
        if token.type == COMMENT or tok_name[token.type] in _STRINGS:
            for match in _NAMED.finditer(token.string):
                line = token.start[0] + token.string[: match.start()].count("\n")
                if not moduleOf(match[0]):
                    continue
                if token.type == COMMENT or before in _BETWEEN:
                    prose.append(line)
                else:
                    yield line, _ofString(match[0])
        if token.type not in (COMMENT, NL):
            before = token.type
    yield from _ofProse(prose)


def inText(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """
    Find what a person has to look at in a file that is no Python.
    """
    return _ofProse([n for n, line in enumerate(lines, 1) if _NAMED.search(line)])


def _ofProse(lines: list[int]) -> Iterator[tuple[int, str]]:
    """
    Yield the lines of documentation that name what was migrated, as one place.
    """
    lines = sorted({*lines})
    if lines:
        listed = ", ".join(str(line) for line in lines[:_MOST_LISTED])
        unlisted = len(lines) - _MOST_LISTED
        more = f" and {unlisted} more" if unlisted > 0 else ""
        kind = "line" if len(lines) == 1 else "lines"
        yield lines[0], f"documentation names twisted.cred, {kind} {listed}{more}"


def _ofString(path: str) -> str:
    """
    Return what a person must consider about a name in a string.
    """
    new = follow(path)
    if new is None:
        return f'"{path}" in a string: mycred has nothing of that name'
    if isShared(path):
        return f'"{path}" in a string: stays in messages, {new} if it is patched'
    return f'"{path}" in a string: {new} if it is loaded, patched or a type'


__all__ = ["inPython", "inText"]
