"""
Edit an htpasswd file, in one step and without a second writer.

The file's folder is opened once, and all is done in there: in the folder of
somebody else a name may lead anywhere a moment later.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NoReturn

from .._passwordfile import HTPASSWD

# For how long another writer is waited for, and how often he is asked, in seconds.
_PATIENCE = 10.0
_STEP = 0.05

# A line with its end, or the last one without.
_line = re.compile(rb"[^\n]*\n|[^\n]+")

# How a file system says that it has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


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
    try:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _named(path, f"its folder can't be opened ({error.strerror})", error)
    try:
        with _tidy():
            _Edit(path, folder).run(change)
    finally:
        os.close(folder)


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


def _contentOf(status: os.stat_result) -> tuple[int, ...]:
    """
    Sum up what tells one content of a file from another.  The time of its status isn't
    among it: that changes when who has made the file removes its first name.
    """
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


class _Edit:
    """
    One edit of a file.
    """

    def __init__(self, path: str, folder: int) -> None:
        """
        @param path: the name of the file, for messages.
        @param folder: the descriptor of its folder.
        """
        self._path = path
        self._name = os.path.basename(path)
        self._folder = folder
        self._until = time.monotonic() + _PATIENCE
        self._told = False

    def run(self, change: Callable[[bytes], bytes]) -> None:
        """
        Change the file, or make it.
        """
        while not (self._change(change) or self._make(change)):
            self._wait("somebody else writes it")

    def _change(self, change: Callable[[bytes], bytes]) -> bool:
        """
        Change the file.

        @return: whether there is one.
        """
        with self._locked() as file:
            if file is None:
                return False
            status = os.fstat(file.fileno())
            old = file.read()
            new = change(old)
            if new != old:
                self._replace(new, file, status)
            return True

    def _make(self, change: Callable[[bytes], bytes]) -> bool:
        """
        Make the file.

        @return: whether that was done; it isn't if it is there by now.
        """
        with self._written(change(b"")) as (_, temporary):
            try:
                # Unlike a rename, this fails where there is a file.
                os.link(
                    temporary,
                    self._name,
                    src_dir_fd=self._folder,
                    dst_dir_fd=self._folder,
                )
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                self._rename(temporary)
        return True

    def _replace(self, content: bytes, old: BinaryIO, status: os.stat_result) -> None:
        """
        Put a file in the place of another.

        @param old: the other one.
        @param status: its status before it was read.

        @raise OSError: if the old file isn't any more what it was when it was read:
            not everybody who writes it takes the lock.
        """
        with self._written(content) as (descriptor, temporary):
            self._takeAfter(descriptor, old)
            if _contentOf(self._status()) != _contentOf(status):
                self._fail(
                    errno.EBUSY, "somebody else is writing it; nothing was changed"
                )
            self._rename(temporary)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO | None]:
        """
        Open the file, with nobody else editing it meanwhile.

        @return: the file; L{None} if there is none.
        """
        file = self._open()
        while file is not None and not self._lock(file):
            file.close()
            self._wait("somebody else writes it")
            file = self._open()
        if file is None:
            yield None
            return
        with file:
            yield file

    def _lock(self, file: BinaryIO) -> bool:
        """
        Wait for the lock of a file.

        @return: whether it is still the file of this name: whoever had the lock has
            put another in its place.
        """
        while True:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                self._wait("somebody else keeps it locked")
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(file.fileno()), self._status())
        return False

    def _open(self) -> BinaryIO | None:
        """
        Open the file for reading; L{None} if there is none.
        """
        # Without waiting for a writer, if it is a pipe.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._name, flags, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _named(self._path, error.strerror, error)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            self._fail(errno.EINVAL, "it is not a regular file")
        return open(descriptor, "rb")

    def _status(self) -> os.stat_result:
        """
        Tell the status of the file that has the name now.
        """
        return os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)

    @contextmanager
    def _written(self, content: bytes) -> Iterator[tuple[int, str]]:
        """
        Write a temporary file, for its owner's eyes only, and take it away
        afterwards if it is still there.

        @return: its descriptor and its name.
        """
        temporary = f".mycred-{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            descriptor = os.open(temporary, flags, 0o600, dir_fd=self._folder)
            try:
                with open(descriptor, "wb") as file:
                    os.fchmod(descriptor, 0o600)
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                    yield descriptor, temporary
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=self._folder)
        except OSError as error:
            if error.filename != temporary:
                raise
            problem = f"its folder can't be written, as it must be ({error.strerror})"
            raise _named(self._path, problem, error)
        # So that what was renamed is on the disk.
        with suppress(OSError):
            os.fsync(self._folder)

    def _rename(self, temporary: str) -> None:
        """
        Put a temporary file in its place.
        """
        os.replace(
            temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder
        )

    def _takeAfter(self, new: int, old: BinaryIO) -> None:
        """
        Give a new file the owner, mode and extended attributes of the old one.

        @raise OSError: if that can't be done.
        """
        status = os.fstat(old.fileno())
        try:
            os.fchown(new, status.st_uid, status.st_gid)
        except PermissionError as error:
            problem = "its owner and group can't be kept; do it as root"
            raise _named(self._path, problem, error)
        copystat: Any = shutil.copystat
        copystat(old.fileno(), new)
        os.utime(new)

    def _wait(self, problem: str) -> None:
        """
        Wait a moment for another writer.

        @raise OSError: if that has taken too long.
        """
        if time.monotonic() > self._until:
            self._fail(errno.EBUSY, f"{problem}; nothing was changed")
        if not self._told:
            print(
                f"{self._path}: waiting for another writer", file=sys.stderr, flush=True
            )
            self._told = True
        time.sleep(_STEP)

    def _fail(self, number: int, problem: str) -> NoReturn:
        """
        Give up.
        """
        raise OSError(number, f"{problem}; nothing was changed", self._path)


@contextmanager
def _tidy() -> Iterator[None]:
    """
    Have signals that end the process let it take away what it has written: the
    hashes of everybody.
    """

    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = {s: signal.signal(s, leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _named(path: str, problem: str | None, error: OSError) -> OSError:
    """
    Say what is wrong with the file that the user has named.
    """
    return OSError(error.errno, problem, path)


__all__ = ["edit", "withSecret", "without"]
