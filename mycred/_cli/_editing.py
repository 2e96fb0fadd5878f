"""
Edit an htpasswd file, in one step and without a second writer.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .._userfile import Layout, UserFile

_layout = Layout(isIndented=True)


def edit(path: str, change: Callable[[bytes], bytes]) -> None:
    """
    Change a file: who reads it meanwhile finds the old content or the new, and
    nothing between.

    Owner, mode and extended attributes stay as they are.  A new file is for its
    owner only.

    @param path: the name of the file; of a link, the file that it leads to.
    @param change: what makes the new content of the old, which is empty if there
        is no file.

    @raise OSError: if the file can't be read or written, or its owner can't be
        kept.
    """
    path = os.path.realpath(path)
    with _locked(os.path.dirname(path)):
        try:
            with UserFile(path, _layout).open() as file:
                status = os.fstat(file.fileno())
                old = file.read()
        except FileNotFoundError:
            old, status = b"", None
        new = change(old)
        if new != old or status is None:
            _replace(path, new, status)


def withSecret(content: bytes, name: bytes, secret: bytes) -> bytes:
    """
    Set what is stored for a user: in the line that counts, whose further fields
    stay, or in a new one at the end.
    """
    lines = content.split(b"\n")
    for number, line in enumerate(lines):
        if _isFor(name, line):
            before, _, rest = line.partition(b":")
            _, colon, more = rest.partition(b":")
            end = colon + more if colon else rest[len(rest.rstrip()) :]
            lines[number] = before + b":" + secret + end
            return b"\n".join(lines)
    if lines[-1]:
        lines.append(b"")
    lines[-1] = name + b":" + secret
    return b"\n".join([*lines, b""])


def without(content: bytes, name: bytes) -> bytes:
    """
    Remove all lines for a user: if only the first went, the next would count.
    """
    lines = content.split(b"\n")
    return b"\n".join(line for line in lines if not _isFor(name, line))


def _isFor(name: bytes, line: bytes) -> bool:
    """
    Tell whether a line holds what is stored for a user.
    """
    parsed = _layout.parse(line)
    return parsed is not None and parsed[0] == name


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """
    Wait until nobody else edits a file in a folder, and keep others out.

    The folder itself is locked: the file is replaced, and a file for the lock
    would stay behind.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        # What was renamed is on the disk when the command ends.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: str, content: bytes, status: os.stat_result | None) -> None:
    """
    Put a file in the place of another.

    @param status: that of the old file; L{None} if there is none.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=".mycred-", dir=os.path.dirname(path))
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            if status is not None:
                _takeAfter(path, temporary, status)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _takeAfter(path: str, temporary: str, status: os.stat_result) -> None:
    """
    Give a new file the owner, mode and extended attributes of the old one.

    @raise OSError: if that can't be done, or the old file isn't any more what it
        was when it was read: not everybody who writes it takes the lock.
    """
    try:
        os.chown(temporary, status.st_uid, status.st_gid)
    except PermissionError as error:
        problem = "its owner can't be kept; nothing was changed"
        raise OSError(error.errno, problem, path) from None
    shutil.copystat(path, temporary)
    os.utime(temporary)
    now = os.stat(path)
    if (now.st_ino, now.st_size, now.st_ctime_ns) != (
        status.st_ino,
        status.st_size,
        status.st_ctime_ns,
    ):
        problem = "somebody else is writing it; nothing was changed"
        raise OSError(errno.EBUSY, problem, path)


__all__ = ["edit", "withSecret", "without"]
