"""
Keys in lines without options, as conch parses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO

from twisted.conch.ssh.keys import Key
from twisted.logger import Logger

_log = Logger()

#: What parses a line, and raises an error of any kind if it is no key.
ParseKey = Callable[[bytes], Key]

parseKey: ParseKey = Key.fromString


def readAuthorizedKeyFile(
    fileobj: IO[bytes], parseKey: ParseKey = parseKey
) -> Iterator[Key]:
    """
    Return the keys that stand in lines without options.

    As in Twisted, what can't be parsed as a key is logged and left out.  That is so for
    a line with options, too: a caller that gets nothing but a key couldn't obey them.

    @param fileobj: lines.
    @param parseKey: what parses a line, and raises C{BadKeyError}.
    """
    return keysAmong(fileobj, parseKey, logUnparsed)


def keysAmong(
    lines: Iterable[bytes],
    parseKey: ParseKey,
    note: Callable[[bytes, Exception], None],
) -> Iterator[Key]:
    """
    Return the keys that stand in lines without options.

    @param parseKey: what parses a line.
    @param note: what is called with a line that can't be parsed as a key, and the error.
    """
    for line in lines:
        line = line.strip()
        if line and not line.startswith(b"#"):
            try:
                yield parseKey(line)
            # What isn't a key makes conch raise anything.
            except Exception as error:
                note(line, error)


def logUnparsed(line: bytes, error: Exception) -> None:
    """
    Log that a line can't be parsed as a key.
    """
    _log.error(
        "A line that isn't read as a key: {line!r}: {error!s}",
        line=line[:64],
        error=error,
    )


__all__ = ["ParseKey", "keysAmong", "logUnparsed", "parseKey", "readAuthorizedKeyFile"]
