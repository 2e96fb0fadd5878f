"""
The files of a program: find them, and decode them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tokenize import detect_encoding

from ._migration import NoPython

_SUFFIXES = {".py", ".pyi", ".pyw", ".rpy", ".tac"}
_SHEBANG = re.compile(rb"#![^\n]*\b(python|pypy)[0-9.]*\b")
_PASSED_OVER = {"__pycache__", "node_modules", "site-packages"}
# What is made with a setup file, beside it.
_SETUP = {"pyproject.toml", "setup.cfg", "setup.py"}
_BUILT = {"build", "dist"}
# What says what a program requires, and a line there that requires Twisted.
_REQUIRING = re.compile(r"pyproject\.toml|setup\.(cfg|py)|Pipfile|.*requirements.*\.txt")
_REQUIREMENT = re.compile(
    r"^[^#]*(?<![\w./-])twisted(\[[^]]*\])?\s*([\"'<>=~!;,]|$)", re.IGNORECASE
)
#: The longest file that is looked at if it is no Python.
_LONGEST = 1 << 20


def find(path: Path, onError: Callable[[OSError], None]) -> Iterator[Path]:
    """
    Yield the files that a path stands for: the file itself, or those in the directory, in
    the order of their names, without links, hidden directories, virtual environments and
    what was built.

    @param path: a file or a directory.
    @param onError: called with the error if a directory can't be read.
    """
    if not path.is_dir():
        yield path
        return
    for directory, inner, files in os.walk(path, onerror=onError):
        passedOver = _PASSED_OVER | (_BUILT if _SETUP & {*files} else set())
        inner[:] = sorted(
            name
            for name in inner
            if name not in passedOver
            and not name.startswith(".")
            and not name.endswith(".egg-info")
            and not Path(directory, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            file = Path(directory, name)
            if file.is_file() and not file.is_symlink():
                yield file


def isPython(path: Path, data: bytes) -> bool:
    """
    Return whether a file that was found is Python, by its name or its first line.
    """
    return path.suffix in _SUFFIXES or _SHEBANG.match(data) is not None


def isConcerned(data: bytes) -> bool:
    """
    Return whether a file may name anything that is to be migrated.
    """
    return b"twisted" in data and (b"cred" in data or b"checkers" in data)


def plainLines(data: bytes) -> list[str]:
    """
    Return the lines of a file that is no Python; none if it is no text or very long.
    """
    if len(data) > _LONGEST or b"\0" in data:
        return []
    return data.decode("utf-8", "replace").splitlines()


def requirement(path: Path, data: bytes) -> int:
    """
    Return the number of the line that says that a program requires Twisted; 0 if there
    is none, or mycred is required there, too.
    """
    if _REQUIRING.fullmatch(path.name) and b"mycred" not in data:
        for number, line in enumerate(plainLines(data), 1):
            if _REQUIREMENT.match(line):
                return number
    return 0


def decode(data: bytes) -> tuple[str, str]:
    """
    Decode the source of a module.

    @return: the text, and the encoding that gives the same bytes again.

    @raise NoPython: if its encoding is unknown, or isn't what it says.
    """
    lines = BytesIO(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    try:
        encoding, _ = detect_encoding(lines.readline)
        text = data.decode(encoding)
        if text.encode(encoding) != data:
            raise NoPython(f"{encoding} can't be written as it was read")
    except (LookupError, SyntaxError, UnicodeError) as error:
        raise NoPython(str(error)) from None
    return text, encoding


__all__ = ["decode", "find", "isConcerned", "isPython", "plainLines", "requirement"]
