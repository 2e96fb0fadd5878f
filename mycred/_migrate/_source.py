"""
The text of a module, and changes to parts of it; all the rest stays as it is.
"""

from __future__ import annotations

import ast
import re

# Where Python sees the end of a line.
_LINE_END = re.compile("\r\n|\r|\n")


class Source:
    """
    The text of a module.

    @ivar text: the text before all changes.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._lines = _LINE_END.split(text)
        ends = _LINE_END.search(text)
        self._lineEnd = ends[0] if ends else "\n"
        self._edits: list[tuple[int, int, str]] = []

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """
        Return where a node begins and ends.
        """
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or 0, node.end_col_offset or 0),
        )

    def of(self, node: ast.expr | ast.stmt | ast.alias) -> str:
        """
        Return the text of a node.
        """
        return self.text[slice(*self.span(node))]

    def replace(self, start: int, end: int, new: str) -> None:
        """
        Have a part replaced.  Parts that are replaced don't overlap.
        """
        self._edits.append((start, end, new))

    def between(self, node: ast.stmt) -> str:
        """
        Return the text to put between a statement and another one before it.
        """
        before = self._lines[node.lineno - 1].encode()[: node.col_offset].decode()
        isContinued = node.lineno > 1 and self._lines[node.lineno - 2].endswith("\\")
        if before.strip() or isContinued:
            return "; "
        return self._lineEnd + before

    def edited(self) -> str:
        """
        Return the text with all changes made.
        """
        parts, position = [], 0
        for start, end, new in sorted(self._edits):
            parts += [self.text[position:start], new]
            position = end
        return "".join([*parts, self.text[position:]])

    def _offset(self, line: int, column: int) -> int:
        """
        Return the offset of a place that L{ast} knows: it counts bytes of UTF-8.
        """
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)


__all__ = ["Source"]
