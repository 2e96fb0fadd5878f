"""
The files of a program: which there are, what they hold, and how they are changed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tokenize import detect_encoding

from ._migration import NoPython

_SUFFIXES = {".py", ".pyi", ".pyw", ".rpy", ".tac"}
_SHEBANG = re.compile(rb"#![^\n]*\b(python|pypy)[0-9.]*\b")
_SETUP = {"pyproject.toml", "setup.cfg", "setup.py"}
_PASSED_OVER = {"__pycache__", "node_modules", "site-packages"}
# What is beside a setup file, and made with it.
_BUILT = {"build", "dist"}
#: The longest file that is looked at if it is no Python.
_LONGEST = 1 << 20


def find(path: Path, onError: Callable[[OSError], None]) -> Iterator[Path]:
    """
    Walk through the files that a path stands for.

    A file is there by itself.  A directory is walked through in the order of names,
    without links, hidden directories, virtual environments and what was built.

    @param path: a file or a directory.
    @param onError: called with what a directory can't be read for.
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path, onerror=onError):
        hasSetup = bool(_SETUP & {*files})
        folders[:] = sorted(
            name
            for name in folders
            if name not in _PASSED_OVER
            and not name.startswith(".")
            and not name.endswith(".egg-info")
            and not (hasSetup and name in _BUILT)
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink():
                yield file


def isPython(path: Path, data: bytes) -> bool:
    """
    Whether a file that was found is Python, by its name or its first line.
    """
    return path.suffix in _SUFFIXES or _SHEBANG.match(data) is not None


def isConcerned(data: bytes) -> bool:
    """
    Whether a file may name anything that is to be migrated.
    """
    return b"twisted" in data and (b"cred" in data or b"checkers" in data)


def plainLines(data: bytes) -> list[str]:
    """
    Return the lines of a file that is no Python; none if it is no text or very long.
    """
    if len(data) > _LONGEST or b"\0" in data:
        return []
    return data.decode("utf-8", "replace").splitlines()


def decode(data: bytes) -> tuple[str, str]:
    """
    Read the source of a module.

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


def write(path: Path, data: bytes) -> None:
    """
    Put another content into a file, all at once; its mode and owner stay, and a link
    to it stays a link.

    @raise OSError: if that can't be done; the file is as it was.
    """
    target = Path(os.path.realpath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".mycred-", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            status = target.stat()
            # Only root can give files away.
            with suppress(PermissionError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            shutil.copystat(target, temporary)
            os.utime(temporary)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


__all__ = ["decode", "find", "isConcerned", "isPython", "plainLines", "write"]
