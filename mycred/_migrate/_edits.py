"""
Changes to parts of a text; all that is outside of them stays as it is.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass

_LINE_END = re.compile("\r\n|\r|\n")

# What an import is made of: comments and ends of lines too, in parentheses or behind
# a backslash.
_TOKEN = re.compile(r"#[^\n]*|\\\n|[(),]|\.+|\w+|\*|\s+")


@dataclass(frozen=True)
class Token:
    """
    A part of an import, and where it stands in the text.
    """

    text: str
    start: int
    end: int


class Text:
    """
    A text, and what is to be changed in it.

    @ivar text: the text with line feeds at the ends of all lines.  Offsets are those in
        it.
    """

    def __init__(self, original: str) -> None:
        self.text = _LINE_END.sub("\n", original)
        self._original = original
        self._ends = _LINE_END.findall(original) or ["\n"]
        self._edits: list[tuple[int, int, str]] = []
        self._lines = self.text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        # Where the lines start in the original.
        self._origins = [0, *(match.end() for match in _LINE_END.finditer(original))]

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """
        Return where a node begins and ends.
        """
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or 0, node.end_col_offset or 0),
        )

    def lineOf(self, offset: int) -> int:
        """
        Return the number of the line of an offset, from 1.
        """
        return bisect_right(self._starts, offset)

    def tokens(self, node: ast.stmt | ast.alias) -> list[Token]:
        """
        Return the parts of an import, without blanks.
        """
        start, end = self.span(node)
        return [
            Token(match[0], match.start(), match.end())
            for match in _TOKEN.finditer(self.text, start, end)
            if match[0].strip("\\\n \t\f")
        ]

    def indentation(self, offset: int) -> str | None:
        """
        Return what stands before a statement on its line if it is the first one there,
        or L{None}.
        """
        line = self.lineOf(offset) - 1
        before = self.text[self._starts[line] : offset]
        isContinued = line > 0 and self._lines[line - 1].endswith("\\")
        return before if not before.strip() and not isContinued else None

    def replace(self, start: int, end: int, new: str) -> None:
        """
        Have a part replaced.  Parts that are replaced don't overlap.
        """
        self._edits.append((start, end, new))

    def insertBefore(self, node: ast.stmt, statement: str) -> None:
        """
        Have a statement put before another one.
        """
        start, _ = self.span(node)
        indentation = self.indentation(start)
        between = "; " if indentation is None else f"\n{indentation}"
        self.replace(start, start, f"{statement}{between}")

    def removeItems(self, node: ast.ImportFrom, removed: set[ast.alias]) -> None:
        """
        Have some, and not all, of the names taken out of an import; comments stay.
        """
        commas = [token for token in self.tokens(node) if token.text == ","]
        names = list(node.names)
        _, end = self.span(names[-1])
        if names[-1] in removed and not any(comma.start >= end for comma in commas):
            # Without a comma behind them, they go with the one before them.
            while names[-1] in removed:
                names.pop()
            _, start = self.span(names[-1])
            if "#" not in self.text[start:end]:
                self.replace(start, end, "")
            else:
                names = list(node.names)
        for alias in names:
            if alias in removed:
                start, end = self.span(alias)
                after = [comma.end for comma in commas if comma.start >= end]
                self._removeWithBlanks(start, min(after, default=end))

    def edited(self) -> str:
        """
        Return the original with all changes made.
        """
        parts, position = [], 0
        # Insertions come before what is replaced at the same place.
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2]):
            lineEnd = self._ends[min(self.lineOf(start), len(self._ends)) - 1]
            parts.append(self._original[position : self._originOf(start)])
            parts.append(new.replace("\n", lineEnd))
            position = self._originOf(end)
        return "".join([*parts, self._original[position:]])

    def _originOf(self, offset: int) -> int:
        """
        Return where an offset is in the original.
        """
        line = self.lineOf(offset) - 1
        return self._origins[line] + offset - self._starts[line]

    def _removeWithBlanks(self, start: int, end: int) -> None:
        """
        Have a part taken out with the blanks behind it, or with its whole line if there
        is nothing else on it.
        """
        while end < len(self.text) and self.text[end] in " \t\f":
            end += 1
        line = self.lineOf(start) - 1
        isAlone = not self.text[self._starts[line] : start].strip()
        if isAlone and line and self.text[end : end + 1] == "\n":
            start, end = self._starts[line], end + 1
        self.replace(start, end, "")

    def _offset(self, line: int, column: int) -> int:
        """
        Return the offset of a place that L{ast} knows: it counts bytes of UTF-8.
        """
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode())
        return self._starts[line - 1] + column


__all__ = ["Text", "Token"]
