"""
A file with a line for each login.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from twisted.logger import LogEvent

from .._paths import AnyPath, asPath
from ._formats import FORMATS
from ._gap import Gap

# Lines are appended whatever other processes append; and a pipe isn't waited for.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY

# New files can be read by the server's user alone: they say who logs in from where.
_MODE = 0o600


class AuditFile:
    """
    A file to which a line is appended for each login, by any number of processes.

    Another file of that path, as C{logrotate} makes, is noticed at the next login.  If
    the file can't be written, because its directory is gone or the disk is full, that is
    logged once, and logins go on.

    @ivar path: the absolute path of the file.
    """

    _descriptor = -1

    # The device and the inode of what is open.
    _opened: tuple[int, int] | None = None

    def __init__(self, path: AnyPath, format: str = "line") -> None:
        """
        @param path: the path of a regular file on a local disk.  It is opened at a login;
            if it doesn't exist then it is made, for its owner alone.
        @param format: C{line}, as in the log, or C{json}.

        @raise ValueError: if there is no such format.
        """
        if format not in FORMATS:
            raise ValueError(f"write one of {', '.join(FORMATS)}")
        self.path = os.path.abspath(asPath(path))
        self._line = FORMATS[format]
        self._gap = Gap(self.path)

    def __call__(self, event: LogEvent) -> None:
        """
        Append a line.
        """
        line = self._line(event).encode("utf-8", "backslashreplace")
        try:
            self._follow()
            _append(self._descriptor, line)
        except OSError as error:
            self.close()
            self._gap.note(error)
        else:
            self._gap.end()

    def close(self) -> None:
        """
        Close the file.  Another login opens it again.
        """
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor, self._opened = -1, None

    def __del__(self) -> None:
        """
        Close the file.
        """
        self.close()

    def _follow(self) -> None:
        """
        Open the file, unless it is the one that is open.
        """
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            pass
        else:
            if (status.st_dev, status.st_ino) == self._opened:
                return
        self.close()
        self._descriptor = os.open(self.path, _FLAGS, _MODE)
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        self._opened = status.st_dev, status.st_ino


def _append(descriptor: int, line: bytes) -> None:
    """
    Append a line, by one call, so that it isn't mixed with those of other processes.

    @raise OSError: if there is no room for the whole line.  Then nothing of it is left:
        the beginning of an address may be another address.
    """
    written = os.write(descriptor, line)
    if written == len(line):
        return
    # Where what was written ends; after it there may be others' lines, which stay.
    end = os.lseek(descriptor, 0, os.SEEK_CUR)
    if os.fstat(descriptor).st_size == end:
        os.ftruncate(descriptor, end - written)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


__all__ = ["AuditFile"]
