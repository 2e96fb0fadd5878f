"""
Open a user's files as sshd does (sshd_config(5), "StrictModes").
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from .._accounts import Users
from .._files import openDescriptor
from .._uidoption import rightsOf
from .._verdict import Account

#: Larger files are refused, in bytes: there is room for 100,000 keys.
LARGEST = 2**24

#: Returns what lets files be opened with the rights of a user.
AsUser = Callable[[Users, Account], AbstractContextManager[None]]

# What others may not do with a file, or with a directory above it.
_WRITE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


# What changes nothing; it may be entered by several threads at a time.
_nothing = nullcontext()


class UnsafeFile(Exception):
    """
    A file that others may write, or that is too large.
    """


def readSafely(path: str, account: Account, isStrict: bool) -> bytes:
    """
    Return what a file of a user holds.

    @param path: its path.
    @param account: whose file it is.
    @param isStrict: whether to insist that it, and each directory above it up to the
        user's home directory, belongs to the user or to root, and that no other user may
        write there.

    @raise UnsafeFile: if one of them doesn't, or the file is too large.
    @raise OSError: if it can't be read, or is no regular file.
    """
    descriptor, status = openDescriptor(path)
    try:
        if status.st_size > LARGEST:
            raise UnsafeFile(f"it is larger than {LARGEST} bytes")
        if isStrict:
            insistOnModes(_realPath(descriptor, path), status, account)
        # In one call; a line that is just being added will be there the next time.
        return os.read(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def insistOnModes(
    path: str, status: os.stat_result, account: Account | None = None
) -> None:
    """
    Insist that only root and a user can have written a file, and have put it where it
    is.

    @param path: its real path, without links.
    @param status: its status, by the descriptor that is open.
    @param account: the user; the owners and modes of the directories above their home
        directory don't matter.  If L{None}, the user who runs this process, up to the
        root of the file system.

    @raise UnsafeFile: if another user can.
    @raise OSError: if that can't be found out.
    """
    uid = os.geteuid() if account is None else account.uid
    _insistOnOwner(path, status, uid)
    home = end = None
    if account is not None:
        home = account.home
        if not path.startswith(f"{home}/"):
            # Its real path is another one, or the file isn't there.
            with suppress(OSError):
                end = os.stat(home)
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        status = os.stat(path)
        _insistOnOwner(path, status, uid)
        if path == home or (end is not None and os.path.samestat(status, end)):
            break


def _realPath(descriptor: int, path: str) -> str:
    """
    Return the real path of a file that is open.

    @raise OSError: if it has none any more.
    """
    try:
        # As Linux knows it, whatever links are changed meanwhile.
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return os.path.realpath(path, strict=True)


def _insistOnOwner(path: str, status: os.stat_result, uid: int) -> None:
    """
    Insist that a file or a directory belongs to root or a user, and that no other user
    may write there.
    """
    if status.st_uid not in (0, uid) or status.st_mode & _WRITE_BY_OTHERS:
        raise UnsafeFile(
            f"{path} must belong to the user or to root, and be writable by nobody else"
        )


def withOwnRights(users: Users, account: Account) -> AbstractContextManager[None]:
    """
    Open files with the rights that this process has.
    """
    return _nothing


@contextmanager
def asUser(users: Users, account: Account) -> Iterator[None]:
    """
    Open files with the rights of a user.  All threads of the process have these rights
    meanwhile, so there must be no other threads.

    @raise OSError: if the process isn't root's.
    """
    with rightsOf(account.uid, account.gid, users.groupsOf(account).gids):
        yield


__all__ = [
    "LARGEST",
    "AsUser",
    "UnsafeFile",
    "asUser",
    "insistOnModes",
    "readSafely",
    "withOwnRights",
]
