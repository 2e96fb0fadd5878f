"""
C{mycred lint}: tell what is odd about an htpasswd file.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import Namespace
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from .._hashes import UnusableHash, isMeantAsHash
from .._secrets import isPlausible
from .._userfile import HTPASSWD, Entry, Snapshot, UserFile
from ..checkers._htpasswd import readHash
from ._progress import Progress


def run(options: Namespace) -> int:
    """
    Print what is odd.

    @return: the exit status, 1 if anything is.
    """
    path = options.file
    snapshot = UserFile(path, HTPASSWD).snapshot()
    progress = Progress(sys.stderr, os.path.getsize(path))
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
    # Where each line begins, to tell the number of the one that counts.
    starts = array("Q")
    for number, (start, line) in enumerate(snapshot.lines(), 1):
        progress.show(start)
        starts.append(start)
        bare = line.strip()
        if not bare or bare.startswith(b"#"):
            continue
        parsed = HTPASSWD.parse(line)
        if parsed is None:
            yield number, _whyNobody(bare)
            continue
        first = snapshot.find(parsed[0])
        if first is not None and first.start != start:
            counts = bisect_right(starts, first.start)
            yield (
                number,
                f"the name has a line already, line {counts}, and that one counts",
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
        scheme = readHash(entry).scheme
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
        if not isMeantAsHash(entry.secret):
            yield "if it is a password, everybody who reads the file has it"
        return
    if scheme.weakness is not None:
        yield (
            f"{scheme.name} is weak, since {scheme.weakness}; set the password anew, "
            'with "mycred passwd"'
        )


__all__ = ["run"]
