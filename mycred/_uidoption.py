"""
What a server may do once twistd has become another user (C{--uid}).

Options are parsed by root, which may do everything; files that the server opens later it
opens with the rights of that user.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import NamedTuple


class LaterUser(NamedTuple):
    """
    The user that twistd becomes.

    @ivar uid: their uid.
    @ivar gid: the gid of their group.
    @ivar name: their name.
    """

    uid: int
    gid: int
    name: str

    @property
    def groups(self) -> list[int]:
        """
        The gids of all their groups.
        """
        return os.getgrouplist(self.name, self.gid)


def laterUser(options: object) -> LaterUser | None:
    """
    Return the user that the server becomes.

    @param options: the options of twistd; those of another program don't say.

    @return: the user; L{None} if the server becomes no other user, or if files have other
        paths by then (C{--chroot}).
    """
    if options is None or os.geteuid():
        return None
    from twisted.application.app import ServerOptions

    if not isinstance(options, ServerOptions):
        return None
    uid = options.get("uid")
    if not uid or options.get("chroot"):
        return None
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        # twistd ends, and says so.
        return None
    gid = options.get("gid")
    return LaterUser(uid, user.pw_gid if gid is None else gid, user.pw_name)


@contextmanager
def rightsOf(uid: int, gid: int, groups: Iterable[int]) -> Iterator[None]:
    """
    Have the rights of a user for a while, for files to be opened with them.  All threads
    of the process have them meanwhile, so there must be no other threads.

    @raise OSError: if the process isn't root's.
    """
    own = os.getgroups()
    ownGid, ownUid = os.getegid(), os.geteuid()
    try:
        os.setgroups(list(groups))
        os.setegid(gid)
        os.seteuid(uid)
        yield
    finally:
        os.seteuid(ownUid)
        os.setegid(ownGid)
        os.setgroups(own)


def insistOnReadable(path: str | bytes | os.PathLike[str], user: LaterUser) -> None:
    """
    Insist on a file that the server can read later.  One that doesn't exist is fine.

    @raise PermissionError: if it can't be read then.  The text says what to do.
    """
    file = Path(os.fsdecode(path))
    problem = (
        f"can't be read by {user.name} (--uid), as whom the server reads it at each login"
    )
    with _passing(file, user, problem, "put the file elsewhere"):
        isReadable = _canOpen(file, os.O_RDONLY)
    if not isReadable:
        name, group = quote(str(file)), _groupName(user.gid)
        raise PermissionError(
            f"{file} {problem}; do chgrp {group} {name} && chmod g+r {name}"
        )


def insistOnAppendable(path: str, user: LaterUser) -> None:
    """
    Insist on a file that the server can append to later, or make if it doesn't exist.

    @raise PermissionError: if it can't.  The text says what to do.
    """
    file, problem = Path(path), _unwritableBy(user)
    with _passing(file, user, problem, "name a file elsewhere") as real:
        exists = real.exists()
        isWritable = _canOpen(real, os.O_WRONLY) if exists else canMakeIn(real.parent)
    if not isWritable:
        name = quote(str(file))
        mend = (
            f"chown {user.name}" if exists else f"install -m 600 -o {user.name} /dev/null"
        )
        raise PermissionError(f"{file} {problem}; do {mend} {name}")


def insistOnWritable(path: str, user: LaterUser) -> None:
    """
    Insist on a file that the server can write later, or make if it doesn't exist, with
    others beside it.

    @raise PermissionError: if it can't.  The text says what to do.
    """
    problem = _unwritableBy(user)
    # The others stand where a link leads.
    with _passing(Path(path), user, problem, "name a file elsewhere") as file:
        canMake, canWrite = canMakeIn(file.parent), _canOpen(file, os.O_RDWR)
    if not canMake:
        # The directory may be the system's: no advice to change it.
        new = quote(str(file.parent / user.name))
        raise PermissionError(
            f"{file.parent} {problem}; name a file in a directory that they can write, "
            f"such as one made by install -d -m 700 -o {user.name} {new}"
        )
    if not canWrite:
        raise PermissionError(
            f"{file} {problem}; do chown {user.name} {quote(str(file))}, or name a file "
            "that they can write"
        )


def canMakeIn(directory: str | Path) -> bool:
    """
    Return whether files can be made in a directory, with the rights that this process has
    now.
    """
    return os.access(directory, os.W_OK | os.X_OK, effective_ids=True)


def _unwritableBy(user: LaterUser) -> str:
    """
    Return what is wrong with a file that a user can't write.
    """
    return f"can't be written by {user.name} (--uid), as whom the server runs"


@contextmanager
def _passing(file: Path, user: LaterUser, problem: str, otherwise: str) -> Iterator[Path]:
    """
    Have the rights of a user for a while, who can pass through all directories on the way
    to a file.  It yields the path where links lead.

    @param problem: what else can't be done with the file.
    @param otherwise: what can be done instead.

    @raise PermissionError: if they can't pass through one.
    """
    with rightsOf(user.uid, user.gid, user.groups):
        directory = _closedDirectory(file)
        if directory is not None:
            raise PermissionError(
                f"{file} {problem}, since they can't pass through {directory}; do chmod "
                f"o+x {quote(str(directory))}, or {otherwise}"
            )
        yield Path(os.path.realpath(file))


def _closedDirectory(file: Path) -> Path | None:
    """
    Return the first directory on the way to a file that can't be passed through, be it in
    its path or where links lead; L{None} if there is none.
    """
    for path in (file, Path(os.path.realpath(file))):
        for directory in reversed(path.parents):
            try:
                os.stat(directory / "x")
            except PermissionError:
                if os.path.islink(directory):
                    # It is the one where the link leads that can't be passed through.
                    break
                return directory
            except OSError:
                continue
    return None


def _canOpen(file: Path, flags: int) -> bool:
    """
    Return whether a file can be opened, as far as rights go.
    """
    try:
        os.close(os.open(file, flags | os.O_NONBLOCK))
    except PermissionError:
        return False
    except OSError:
        # Not for lack of rights.
        pass
    return True


def _groupName(gid: int) -> str:
    """
    Return the name of a group, or its gid if it has none.
    """
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


__all__ = [
    "LaterUser",
    "canMakeIn",
    "insistOnAppendable",
    "insistOnReadable",
    "insistOnWritable",
    "laterUser",
    "rightsOf",
]
