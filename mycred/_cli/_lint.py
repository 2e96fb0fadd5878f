"""
C{mycred lint}: list what is odd in password files.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import Namespace
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from .._checking._lookups import parseStored
from .._passwordfile import Entry, ScramSurvey, Snapshot, UserFile
from .._secrets import isPlausible
from ._errors import ERROR_STATUS, messageOf, printError
from ._filetypes import FILE_TYPES, FileType
from ._names import oddities
from ._progress import Progress

_BYTE_ORDER_MARK = "\ufeff".encode()

# How a file in UTF-16 begins, of either order of bytes.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def run(options: Namespace) -> int:
    """
    Print what is odd.

    @return: the exit status: 1 if anything is, 2 if a file can't be read.
    """
    status = 0
    for path in options.file:
        try:
            status = max(status, _lint(path, FILE_TYPES[options.type]))
        except BrokenPipeError:
            raise
        except OSError as error:
            printError("lint", messageOf(error))
            status = ERROR_STATUS
    return status


def _lint(path: str, kind: FileType) -> int:
    """
    Print what is odd about a file.

    @return: 1 if anything is.

    @raise OSError: if it can't be read.
    """
    snapshot = UserFile(path, kind.layout).snapshot()
    progress = Progress(sys.stderr, os.path.getsize(path))
    found = False
    for number, finding in _findings(path, kind, snapshot, progress):
        found = True
        progress.clear()
        place = f"{path}:{number}" if number else path
        print(f"{place}: {finding}")
    progress.clear()
    return int(found)


def _findings(
    path: str, kind: FileType, snapshot: Snapshot, progress: Progress
) -> Iterator[tuple[int, str]]:
    """
    Yield what is odd: about the file (line 0), then in the order of its lines.
    """
    mode = os.stat(path).st_mode
    if mode & stat.S_IROTH and any(map(kind.isSecret, snapshot)):
        yield 0, "every user of this machine can read it: chmod o-r"
    if mode & stat.S_IWOTH:
        yield 0, "every user of this machine can write it: chmod o-w"
    if kind.servesScram:
        for finding in _scramFindings(kind, snapshot):
            yield 0, finding
    # Where each line begins, for the number of the one that counts.
    starts = array("Q")
    for number, (start, line) in enumerate(snapshot.lines(), 1):
        progress.show(start)
        starts.append(start)
        if not start and line.startswith(_UTF16):
            yield 0, "it is UTF-16, of which nothing is read: save it as UTF-8"
            return
        for finding in _lineFindings(line, start, kind, snapshot, starts):
            yield number, finding


def _scramFindings(kind: FileType, snapshot: Snapshot) -> Iterator[str]:
    """
    Yield how many users can't log in by SCRAM, if there are keys of it.
    """
    survey, hasKeys = ScramSurvey(), False
    for entry in snapshot:
        stored = parseStored(entry.name, entry.secret, kind.isPlain)
        if stored.kind is not None and snapshot.find(entry.name) == entry:
            survey.add(stored)
            hasKeys = hasKeys or (stored.hash is not None and any(stored.scramHashes))
    if hasKeys:
        for mechanism, number in survey.without():
            yield f"{number} of {survey.users} users have no keys for {mechanism}"


def _lineFindings(
    line: bytes, start: int, kind: FileType, snapshot: Snapshot, starts: array[int]
) -> Iterator[str]:
    """
    Yield what is odd about a line.

    @param start: where it begins.
    @param starts: where the lines so far begin.
    """
    bare = line.strip()
    marked = bare.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if not marked or marked.startswith(b"#"):
        if marked != bare:
            yield "a byte order mark (U+FEFF): save the file without it"
        return
    parsed = kind.layout.parse(line)
    if parsed is None:
        yield _whyIgnored(bare)
        return
    first = snapshot.find(parsed[0])
    if first is None:
        return
    if first.start != start:
        counts = bisect_right(starts, first.start)
        yield f"the name has a line already, line {counts}, and that one counts"
        return
    if line[:1].isspace() and kind.ignoresIndent:
        yield "white space before the name: Apache and mycred skip it, others don't"
    if b"\r" in bare.partition(b":")[2]:
        yield "a carriage return within the line: a line ends in a newline"
    yield from _nameFindings(first)
    yield from kind.findings(first)


def _nameFindings(entry: Entry) -> Iterator[str]:
    """
    Yield what is odd about a name.
    """
    if not isPlausible(entry.name):
        yield "a name that is too long, or holds a NUL: it is never looked up"
    # In a file of htdigest the realm follows.
    for oddity in oddities(entry.name.partition(b":")[0]):
        yield f"this name can't be typed: {oddity}"


def _whyIgnored(line: bytes) -> str:
    """
    Return why a line holds no user.
    """
    if b":" not in line:
        return "no colon: it holds no user"
    if not line.partition(b":")[0]:
        return "no name: it holds no user"
    return "too few fields, or no name of this machine: it holds no user"


__all__ = ["run"]
