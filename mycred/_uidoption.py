"""
What a server may do once twistd has become another user (C{--uid}).

Options are parsed by root, who may do everything; what the server opens later it opens
with the rights of that user.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple


class LaterUser(NamedTuple):
    """
    The user that twistd becomes.

    @ivar uid: the uid of the user.
    @ivar gid: the gid of their group.
    @ivar name: the name of the user.
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
    Tell which user the server becomes.

    @param options: the options of twistd; those of another program don't say.

    @return: the user; L{None} if the server stays who it is, or goes where files have
        other names (C{--chroot}).
    """
    if options is None or os.geteuid():
        return None
    from twisted.application.app import ServerOptions

    twistd: Any = options if isinstance(options, ServerOptions) else {}
    uid = twistd.get("uid")
    if not uid or twistd.get("chroot"):
        return None
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        # twistd ends, and says so.
        return None
    gid = twistd.get("gid")
    return LaterUser(uid, user.pw_gid if gid is None else gid, user.pw_name)


@contextmanager
def rightsOf(uid: int, gid: int, groups: Iterable[int]) -> Iterator[None]:
    """
    Open files with the rights of a user.  All threads of the process have them
    meanwhile, so there must be no other threads.

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
    Insist on a file that the server can read later.  One that isn't there is none that it
    can't.

    @raise PermissionError: if it can't.  The text says what to do.
    """
    file = Path(os.fsdecode(path))
    with rightsOf(user.uid, user.gid, user.groups):
        folder = _closedFolder(file)
        isReadable = folder is not None or _canOpen(file, os.O_RDONLY)
    later = f"by {user.name} (--uid), as whom the server reads it at each login"
    if folder is not None:
        raise PermissionError(
            f"{file} can't be read {later}, since they can't pass through {folder}; do "
            f"chmod o+x {quote(str(folder))}, or put the file elsewhere"
        )
    if not isReadable:
        name, group = quote(str(file)), _groupName(user.gid)
        raise PermissionError(
            f"{file} can't be read {later}; do chgrp {group} {name} && chmod g+r {name}"
        )


def insistOnWritable(path: str, user: LaterUser) -> None:
    """
    Insist on a file that the server can write later, or make if it isn't there, with
    others beside it.

    @raise PermissionError: if it can't.  The text says what to do.
    """
    file = Path(path)
    with rightsOf(user.uid, user.gid, user.groups):
        folder = _closedFolder(file)
        if folder is None:
            # The others stand where a link leads.
            file = Path(os.path.realpath(file))
        canMake = os.access(file.parent, os.W_OK | os.X_OK, effective_ids=True)
        canWrite = folder is not None or _canOpen(file, os.O_RDWR)
    later = f"by {user.name} (--uid), as whom the server runs"
    if folder is not None:
        raise PermissionError(
            f"{file} can't be written {later}, since they can't pass through {folder}; "
            f"do chmod o+x {quote(str(folder))}, or name a file elsewhere"
        )
    if not canMake:
        # Whoever owns it may be the system.
        new = quote(str(file.parent / user.name))
        raise PermissionError(
            f"{file.parent} can't be written {later}; name a file in a directory that "
            f"they can write, such as one made by install -d -m 700 -o {user.name} {new}"
        )
    if not canWrite:
        raise PermissionError(
            f"{file} can't be written {later}; do chown {user.name} {quote(str(file))}, "
            "or name a file that they can write"
        )


def _closedFolder(file: Path) -> Path | None:
    """
    Find the first folder on the way to a file that can't be passed: by its name, or where
    links lead.
    """
    for path in (file, Path(os.path.realpath(file))):
        for folder in reversed(path.parents):
            try:
                os.stat(folder / "x")
            except PermissionError:
                if os.path.islink(folder):
                    # What can't be passed is where it leads.
                    break
                return folder
            except OSError:
                continue
    return None


def _canOpen(file: Path, flags: int) -> bool:
    """
    Tell whether nothing forbids to open a file.
    """
    try:
        os.close(os.open(file, flags | os.O_NONBLOCK))
    except PermissionError:
        return False
    except OSError:
        # Nothing that its rights could change.
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
    "insistOnReadable",
    "insistOnWritable",
    "laterUser",
    "rightsOf",
]
