"""
Edit an htpasswd file, in one step and without a second writer.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from .._userfile import HTPASSWD, UserFile, signatureOf

# For how long another writer is waited for, and how often he is asked, in seconds.
_PATIENCE = 10.0
_STEP = 0.05

# A line with its end, or the last one without.
_line = re.compile(rb"[^\n]*\n|[^\n]+")


def edit(path: str, change: Callable[[bytes], bytes]) -> None:
    """
    Change a file: who reads it meanwhile finds the old content or the new, and
    nothing between.

    Owner, mode and extended attributes stay as they are.  A new file is for its
    owner only.

    @param path: the name of the file; of a link, the file that it leads to.
    @param change: what makes the new content of the old, which is empty if there
        is no file.

    @raise OSError: if the file can't be read or written, if its owner can't be
        kept, or if somebody else writes it.
    """
    path = os.path.realpath(path)
    # Once more if somebody else has made it just now.
    while not _tryToEdit(path, change):
        pass


def _tryToEdit(path: str, change: Callable[[bytes], bytes]) -> bool:
    """
    Change a file.

    @return: whether that was done; it isn't if there was no file, and now is.
    """
    with _locked(path) as file:
        if file is None:
            return _make(path, change(b""))
        status = os.fstat(file.fileno())
        old = file.read()
        new = change(old)
        if new != old:
            _replace(path, new, file, status)
        return True


def withSecret(content: bytes, name: bytes, secret: bytes) -> bytes:
    """
    Set what is stored for a user: in the line that counts, whose further fields
    stay, or in a new one at the end.
    """
    lines = _line.findall(content)
    for number, line in enumerate(lines):
        if _isFor(name, line):
            before, _, rest = line.partition(b":")
            _, colon, more = rest.partition(b":")
            end = colon + more if colon else rest[len(rest.rstrip()) :]
            lines[number] = before + b":" + secret + end
            return b"".join(lines)
    if lines and not lines[-1].endswith(b"\n"):
        lines.append(b"\n")
    return b"".join([*lines, name, b":", secret, b"\n"])


def without(content: bytes, name: bytes) -> bytes:
    """
    Remove all lines for a user: if only the first went, the next would count.
    """
    return b"".join(line for line in _line.findall(content) if not _isFor(name, line))


def _isFor(name: bytes, line: bytes) -> bool:
    """
    Tell whether a line holds what is stored for a user.
    """
    parsed = HTPASSWD.parse(line)
    return parsed is not None and parsed[0] == name


@contextmanager
def _locked(path: str) -> Iterator[BinaryIO | None]:
    """
    Open a file that nobody else edits meanwhile.

    @return: the file; L{None} if there is none.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            file = UserFile(path, HTPASSWD).open()
        except FileNotFoundError:
            # Whoever makes it first wins; see _replace.
            yield None
            return
        with file:
            _lock(file, path, until)
            # Whoever had the lock before has put another file in its place.
            if os.path.exists(path) and os.path.samestat(
                os.fstat(file.fileno()), os.stat(path)
            ):
                yield file
                return


def _lock(file: BinaryIO, path: str, until: float) -> None:
    """
    Wait for the lock of a file.

    @param until: when to give up, on the monotonic clock.

    @raise OSError: if somebody else keeps it.
    """
    told = False
    while True:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > until:
                problem = "somebody else keeps it locked; nothing was changed"
                raise OSError(error.errno, problem, path) from None
        if not told:
            print(f"{path}: waiting for another writer", file=sys.stderr, flush=True)
            told = True
        time.sleep(_STEP)


def _make(path: str, content: bytes) -> bool:
    """
    Make a file.

    @return: whether it was made; it isn't if it is there by now.
    """
    with _written(path, content) as (_, temporary):
        try:
            # Unlike a rename, this fails where there is a file.
            os.link(temporary, path)
        except FileExistsError:
            return False
    return True


def _replace(path: str, content: bytes, old: BinaryIO, status: os.stat_result) -> None:
    """
    Put a file in the place of another.

    @param old: the other one.
    @param status: its status before it was read.

    @raise OSError: if the old file isn't any more what it was when it was read: not
        everybody who writes it takes the lock.
    """
    with _written(path, content) as (descriptor, temporary):
        _takeAfter(path, descriptor, old)
        if signatureOf(os.stat(path)) != signatureOf(status):
            problem = "somebody else is writing it; nothing was changed"
            raise OSError(errno.EBUSY, problem, path)
        os.replace(temporary, path)


@contextmanager
def _written(path: str, content: bytes) -> Iterator[tuple[int, str]]:
    """
    Write a temporary file beside another, for its owner's eyes only, and take it
    away afterwards if it is still there.

    @return: its descriptor and its name.
    """
    folder = os.path.dirname(path)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".mycred-", dir=folder)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            yield descriptor, temporary
    except OSError as error:
        if error.filename == temporary:
            raise _unwritable(path, error) from None
        raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync(folder)


def _takeAfter(path: str, new: int, old: BinaryIO) -> None:
    """
    Give a new file the owner, mode and extended attributes of the old one.  All
    that is done to the files themselves, since in somebody else's folder a name may
    lead anywhere by now.

    @raise OSError: if that can't be done.
    """
    status = os.fstat(old.fileno())
    try:
        os.fchown(new, status.st_uid, status.st_gid)
    except PermissionError as error:
        problem = "its owner and group can't be kept; do it as root"
        raise OSError(error.errno, problem, path) from None
    copystat: Any = shutil.copystat
    copystat(old.fileno(), new)
    os.utime(new)


def _unwritable(path: str, error: OSError) -> OSError:
    """
    Say why a file can't be replaced.
    """
    problem = f"it can't be replaced, for which its folder is written ({error.strerror})"
    return OSError(error.errno, problem, path)


def _sync(folder: str) -> None:
    """
    Have what was renamed on the disk when the command ends.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["edit", "withSecret", "without"]
