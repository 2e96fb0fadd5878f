"""
Open a user's files as sshd does (sshd_config(5), "StrictModes").
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from .._accounts import Users
from .._files import openRegular
from .._uidoption import rightsOf
from .._verdict import Account

#: Larger files are refused, in bytes: there is room for 100,000 keys.
LARGEST = 2**24

#: What lets files be opened with the rights of a user.
AsUser = Callable[[Users, Account], AbstractContextManager[None]]

# What others may not do with a file, or a folder above it.
_WRITE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFile(Exception):
    """
    A file to which others may write, or that isn't one.
    """


def readSafely(path: str, account: Account, isStrict: bool) -> bytes:
    """
    Read a file of a user.

    @param path: its name.
    @param account: whose file it is.
    @param isStrict: whether to insist that it, and each folder above it up to his home,
        belongs to him or to root, and that nobody else may write there.

    @raise UnsafeFile: if one of them doesn't, or it is too large.
    @raise OSError: if it can't be read, or is no regular file.
    """
    with openRegular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > LARGEST:
            raise UnsafeFile(f"it is larger than {LARGEST} bytes")
        if isStrict:
            insistOnModes(_realPath(file.fileno(), path), status, account)
        # In one call; a line that somebody is just adding will be there the next time.
        text: bytes = os.read(file.fileno(), status.st_size)
    return text


def insistOnModes(
    path: str, status: os.stat_result, account: Account | None = None
) -> None:
    """
    Insist that nobody but root and a user can have written a file, or have put it
    where it is.

    @param path: its real name, without links.
    @param status: its status, by what was opened.
    @param account: the user, above whose home all may belong to anybody; if L{None},
        the user who runs this process, without such an end.

    @raise UnsafeFile: if somebody else can.
    @raise OSError: if that can't be found out.
    """
    uid = os.geteuid() if account is None else account.uid
    _insist(path, status, uid)
    end = None
    if account is not None:
        with suppress(OSError):
            end = os.stat(account.home)
    while path != "/":
        path = os.path.dirname(path)
        status = os.stat(path)
        _insist(path, status, uid)
        if end is not None and os.path.samestat(status, end):
            break


def _realPath(descriptor: int, path: str) -> str:
    """
    Tell the real name of a file that is open.

    @raise OSError: if it has none any more.
    """
    try:
        # As Linux knows it, whoever changes links meanwhile.
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return os.path.realpath(path, strict=True)


def _insist(path: str, status: os.stat_result, uid: int) -> None:
    """
    Insist on one of them.
    """
    if status.st_uid not in (0, uid) or status.st_mode & _WRITE_BY_OTHERS:
        raise UnsafeFile(
            f"{path} must belong to the user or to root, and be writable by nobody else"
        )


@contextmanager
def asNobodyElse(users: Users, account: Account) -> Iterator[None]:
    """
    Open files with the rights that this process has.
    """
    yield


@contextmanager
def asUser(users: Users, account: Account) -> Iterator[None]:
    """
    Open files with the rights of a user.  All threads of the process have them
    meanwhile: it must have no others.

    @raise OSError: if the process isn't root's.
    """
    with rightsOf(account.uid, account.gid, users.groupsOf(account).gids):
        yield


__all__ = [
    "LARGEST",
    "AsUser",
    "UnsafeFile",
    "asNobodyElse",
    "asUser",
    "insistOnModes",
    "readSafely",
]
