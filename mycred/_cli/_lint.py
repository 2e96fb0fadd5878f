"""
C{mycred lint}: tell what is odd about an htpasswd file.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator

from .._hashes import UnusableHash, isMeantAsHash, recognize
from .._secrets import isPlausible
from .._userfile import Entry, Layout, Snapshot, UserFile
from ._progress import Progress

_layout = Layout(isIndented=True)


def run(options: Namespace) -> int:
    """
    Print what is odd.

    @return: the exit status, 1 if anything is.
    """
    path = options.file
    snapshot = UserFile(path, _layout).snapshot()
    progress = Progress(sys.stderr, snapshot.signature[2])
    found = False
    for number, finding in _findings(path, snapshot, progress):
        found = True
        progress.clear()
        place = f"{path}:{number}" if number else path
        print(f"{place}: {finding}")
    progress.clear()
    return int(found)


def _findings(
    path: str, snapshot: Snapshot, progress: Progress
) -> Iterator[tuple[int, str]]:
    """
    Find what is odd: about the file (line 0), then in the order of its lines.
    """
    for finding in _ofMode(os.stat(path).st_mode):
        yield 0, finding
    for number, (start, line) in enumerate(snapshot.lines(), 1):
        progress.show(start)
        bare = line.strip()
        if not bare or bare.startswith(b"#"):
            continue
        parsed = _layout.parse(line)
        if parsed is None:
            yield number, _whyNobody(bare)
            continue
        first = snapshot.find(parsed[0])
        if first is not None and first.start != start:
            yield (
                number,
                f"the name has a line already, line {snapshot.number(first)}, and "
                "that one counts",
            )
        elif first is not None:
            for finding in _ofEntry(first):
                yield number, finding


def _ofMode(mode: int) -> Iterator[str]:
    """
    Find what is odd about who can do what with the file.
    """
    if mode & stat.S_IROTH:
        yield "everybody on this machine can read it: chmod o-r"
    if mode & stat.S_IWOTH:
        yield "everybody on this machine can write it: chmod o-w"


def _whyNobody(line: bytes) -> str:
    """
    Say why a line holds nobody.
    """
    if b":" not in line:
        return "no colon: it holds nobody"
    return "no name: it holds nobody"


def _ofEntry(entry: Entry) -> Iterator[str]:
    """
    Find what is odd about a line that counts.
    """
    if not isPlausible(entry.name):
        yield "a name that is too long, or holds a NUL: it is never looked up"
    if not entry.secret:
        yield "no hash: it matches nothing"
        return
    try:
        found = recognize(entry.secret)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
        if not isMeantAsHash(entry.secret):
            yield "if it is a password, everybody who reads the file has it"
        return
    if found.scheme.weakness is not None:
        yield (
            f"{found.scheme.name} is weak, since {found.scheme.weakness}; set the "
            'password anew, with "mycred passwd"'
        )
    if found.isPlain and entry.isCut:
        yield "plain text on a line without an end: it matches nothing"


__all__ = ["run"]
