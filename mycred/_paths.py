"""
Paths, in whatever form a program has them.
"""

from __future__ import annotations

import os
from typing import Union

#: A path, in each form that L{open} takes.
AnyPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


def asPath(path: AnyPath) -> str:
    """
    Return a path as text: what isn't UTF-8 in it comes back as it was when the file is
    opened (U{PEP 383<https://peps.python.org/pep-0383/>}).

    @raise TypeError: if it is no path.
    """
    return os.fsdecode(path)


def asPathOrNone(path: AnyPath | None) -> str | None:
    """
    Return a path as text, as L{asPath} does; L{None} if there is none.
    """
    return None if path is None else asPath(path)


__all__ = ["AnyPath", "asPath", "asPathOrNone"]
