"""
The secret of a site, in a file.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from tempfile import NamedTemporaryFile

from .._files import Watch, readWhole
from .._paths import AnyPath, asPath

# The size of a secret that is made, and the least that is taken, in bytes.
_SIZE = 32


def secretIn(path: AnyPath) -> bytes:
    """
    Return the secret of the site, from a file.  If there is no such file it is made, with
    a random secret, for its owner alone.  This blocks.

    All processes of a server use one file.  Several may make it at once: all get the
    same secret.

    @param path: the path of the file.

    @raise OSError: if the file can't be read or made, holds less than 32 bytes, or other
        users of the machine can read or write it.
    """
    path = asPath(path)
    with suppress(FileNotFoundError):
        return _secretAt(path)
    directory, name = os.path.split(os.path.abspath(path))
    # Never half-written under its own name.  Its mode is 0600.
    with NamedTemporaryFile(prefix=f".{name}.", dir=directory) as made:
        made.write(secrets.token_bytes(_SIZE))
        made.flush()
        os.fsync(made.fileno())
        # The first one wins.
        with suppress(FileExistsError):
            os.link(made.name, path)
    return _secretAt(path)


def _secretAt(path: str) -> bytes:
    """
    Read a secret.
    """
    secret, _ = readWhole(path, Watch())
    if len(secret) < _SIZE:
        raise OSError(errno.EINVAL, f"it holds less than {_SIZE} bytes", path)
    if os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        why = "everybody can read or write it; change that (chmod o-rwx)"
        raise OSError(errno.EPERM, why, path)
    return secret


__all__ = ["secretIn"]
