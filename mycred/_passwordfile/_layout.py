"""
The lines of a file: how each is taken apart, into a name and a secret.
"""

from __future__ import annotations

from typing import NamedTuple

#: As much of a line as is looked at, in bytes.
LONGEST_LINE = 2**16


class Entry(NamedTuple):
    """
    A line of the file.

    @ivar name: the name, as the file spells it.
    @ivar secret: the secret.
    @ivar start: where in the file the line begins, in bytes.
    @ivar isCut: whether the file ends in this line, without a newline: it may be
        half of a line that is being written.
    """

    name: bytes
    secret: bytes
    start: int
    isCut: bool

    def __repr__(self) -> str:
        """
        Show it without its secret.
        """
        return f"Entry({self.name!r}, start={self.start})"


class Layout:
    """
    How the lines of a file are taken apart.

    Blank lines, and those that begin with C{#}, hold nobody.
    """

    def __init__(
        self,
        delimiter: bytes | None = b":",
        nameField: int = 0,
        secretField: int = 1,
        caseSensitive: bool = True,
        isIndented: bool = False,
    ) -> None:
        """
        @param delimiter: what separates the fields; white space if L{None}.
        @param nameField: which field holds the name, counted from 0.
        @param secretField: which field holds the secret, counted from 0.
        @param caseSensitive: whether the case of names counts.  Where it
            doesn't, names are in lower case.
        @param isIndented: whether white space may stand before the name, and
            doesn't belong to it.
        """
        self.delimiter = delimiter
        self._name = nameField
        self._secret = secretField
        self._caseSensitive = caseSensitive
        self._strip = bytes.strip if isIndented else bytes.rstrip
        counted = min(nameField, secretField) >= 0
        self._splits = max(nameField, secretField) + 1 if counted else -1
        self._least = max(nameField, secretField) + 1

    @property
    def beginsWithName(self) -> bool:
        """
        Whether the lines for a name begin with just this name.
        """
        return (
            not self._name
            and self._caseSensitive
            and self._strip == bytes.rstrip
            and self.delimiter is not None
        )

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Take a line apart.

        @return: the name and the secret; L{None} if the line holds nobody.
        """
        fields = self._strip(line).split(self.delimiter, self._splits)
        if len(fields) < self._least:
            return None
        # White space and a few more sort before it: the rare line is looked at.
        if line[:1] <= b"#" and line.lstrip().startswith(b"#"):
            return None
        name = fields[self._name]
        if not name:
            return None
        return name if self._caseSensitive else name.lower(), fields[self._secret]


#: The lines of htpasswd, as Apache reads them.
HTPASSWD = Layout(isIndented=True)

__all__ = ["HTPASSWD", "LONGEST_LINE", "Entry", "Layout"]
