"""
Edit an htpasswd file, in one step and without a second writer.

The file's directory is opened once, and everything is done relative to it: where other
users may write, a path may lead elsewhere a moment later.
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
from typing import BinaryIO, NoReturn

from .._passwordfile import HTPASSWD

# How long to wait for another writer, and how often to try again, in seconds.
_PATIENCE = 10.0
_STEP = 0.05

# A line with its end, or the last one without.
_line = re.compile(rb"[^\n]*\n|[^\n]+")

# How a file system says that it has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def edit(path: str, change: Callable[[bytes], bytes]) -> None:
    """
    Change a file in one step: a program that reads it meanwhile finds the old content or
    the new, never half of it.

    Owner, mode and extended attributes stay as they are.  A new file is for its
    owner only.

    @param path: the path of the file; if it is a link, the file that it leads to is
        changed.
    @param change: return the new content, by the old one, which is empty if there is no
        file.

    @raise OSError: if the file can't be read or written, if its owner can't be kept, or
        if another program goes on writing it.
    """
    path = os.path.realpath(path)
    try:
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _errorOf(path, f"its directory can't be opened ({error.strerror})", error)
    try:
        with _tidy():
            _Edit(path, directory).run(change)
    finally:
        os.close(directory)


def withSecret(content: bytes, name: bytes, secret: bytes) -> bytes:
    """
    Return a file's content with another secret for a user: in the line that counts, whose
    further fields stay, or in a new line at the end.
    """
    lines = _line.findall(content)
    for number, line in enumerate(lines):
        old = _secretFor(name, line)
        if old is not None:
            before, _, rest = line.partition(b":")
            lines[number] = before + b":" + secret + rest[len(old) :]
            return b"".join(lines)
    if lines and not lines[-1].endswith(b"\n"):
        lines.append(b"\n")
    return b"".join([*lines, name, b":", secret, b"\n"])


def without(content: bytes, name: bytes) -> bytes:
    """
    Return a file's content without any line for a user: if only the first were removed,
    the next would count.
    """
    lines = _line.findall(content)
    return b"".join(line for line in lines if _secretFor(name, line) is None)


def _secretFor(name: bytes, line: bytes) -> bytes | None:
    """
    Return what a line stores for a user; L{None} if it isn't the user's.
    """
    parsed = HTPASSWD.parse(line)
    return parsed[1] if parsed is not None and parsed[0] == name else None


def _contentOf(status: os.stat_result) -> tuple[int, ...]:
    """
    Return what differs between two contents of a file.  The time of its status (ctime)
    isn't part of it: that changes when the program that made the file removes its
    temporary name.
    """
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


class _Edit:
    """
    One edit of a file.
    """

    def __init__(self, path: str, directory: int) -> None:
        """
        @param path: the path of the file.
        @param directory: the descriptor of its directory.
        """
        self._path = path
        self._name = os.path.basename(path)
        self._directory = directory
        self._until = time.monotonic() + _PATIENCE
        self._told = False

    def run(self, change: Callable[[bytes], bytes]) -> None:
        """
        Change the file, or make it.
        """
        while not (self._change(change) or self._make(change)):
            self._wait("another program is writing it")

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
                    src_dir_fd=self._directory,
                    dst_dir_fd=self._directory,
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

        @raise OSError: if the old file has changed since it was read: not every program
            that writes it takes the lock.
        """
        with self._written(content) as (descriptor, temporary):
            self._takeAfter(descriptor, old)
            if _contentOf(self._status()) != _contentOf(status):
                self._fail(errno.EBUSY, "another program is writing it")
            self._rename(temporary)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO | None]:
        """
        Open the file, and keep it locked against other edits meanwhile.

        @return: the file; L{None} if there is none.
        """
        file = self._open()
        while file is not None and not self._lock(file):
            file.close()
            self._wait("another program is writing it")
            file = self._open()
        if file is None:
            yield None
            return
        with file:
            yield file

    def _lock(self, file: BinaryIO) -> bool:
        """
        Wait for the lock of a file.

        @return: whether it is still the file of this name: the program that had the
            lock may have put another in its place.
        """
        while True:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                self._wait("another program keeps it locked")
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
            descriptor = os.open(self._name, flags, dir_fd=self._directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _errorOf(self._path, error.strerror, error)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            self._fail(errno.EINVAL, "it is not a regular file")
        return open(descriptor, "rb")

    def _status(self) -> os.stat_result:
        """
        Return the status of the file that has the name now.
        """
        return os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)

    @contextmanager
    def _written(self, content: bytes) -> Iterator[tuple[int, str]]:
        """
        Write a temporary file, which only its owner can read, and remove it afterwards
        if it is still there.

        @return: its descriptor and its name.
        """
        temporary = f".mycred-{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            descriptor = os.open(temporary, flags, 0o600, dir_fd=self._directory)
            try:
                with open(descriptor, "wb") as file:
                    os.fchmod(descriptor, 0o600)
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                    yield descriptor, temporary
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=self._directory)
        except OSError as error:
            if error.filename != temporary:
                raise
            problem = f"its directory can't be written, as it must be ({error.strerror})"
            raise _errorOf(self._path, problem, error)
        # So that what was renamed is on the disk.
        with suppress(OSError):
            os.fsync(self._directory)

    def _rename(self, temporary: str) -> None:
        """
        Put a temporary file in its place.
        """
        os.replace(
            temporary, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory
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
            raise _errorOf(self._path, problem, error)
        # It takes descriptors, too, which typeshed doesn't say.
        shutil.copystat(old.fileno(), new)  # type: ignore[arg-type]
        os.utime(new)

    def _wait(self, problem: str) -> None:
        """
        Wait a moment for another writer.

        @raise OSError: if that has taken too long.
        """
        if time.monotonic() > self._until:
            self._fail(errno.EBUSY, problem)
        if not self._told:
            print(
                f"{self._path}: waiting for another writer", file=sys.stderr, flush=True
            )
            self._told = True
        time.sleep(_STEP)

    def _fail(self, number: int, problem: str) -> NoReturn:
        """
        Give up.

        @raise OSError: with the problem, and that nothing was changed.
        """
        raise OSError(number, f"{problem}; nothing was changed", self._path)


@contextmanager
def _tidy() -> Iterator[None]:
    """
    Have signals that end the process let it remove its temporary file first, which holds
    all users' hashes.
    """

    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = {s: signal.signal(s, leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _errorOf(path: str, problem: str | None, error: OSError) -> OSError:
    """
    Return an error that names the file as the user did.
    """
    return OSError(error.errno, problem, path)


__all__ = ["edit", "withSecret", "without"]
