"""
Messages that make no sense.
"""

from __future__ import annotations

import struct
from os.path import basename

from twisted.python.failure import Failure

from .._sshkeys import UnusableKey


class Malformed(ValueError):
    """
    A message makes no sense.
    """


#: What is raised, by conch as well, where a message isn't what it should be.
MALFORMED = (
    IndexError,
    KeyError,
    Malformed,
    OverflowError,
    TypeError,
    UnicodeError,
    UnusableKey,
    struct.error,
)


def failureText(failure: Failure) -> str:
    """
    Return what went wrong, and where: instead of a traceback.
    """
    if failure.check(Malformed, UnusableKey):
        return failure.getErrorMessage()
    kind = failure.type.__name__ if failure.type else "?"
    if not failure.frames:
        return kind
    _, path, line, *_ = failure.frames[-1]
    return f"{kind} at {basename(path)}:{line}"


__all__ = ["MALFORMED", "Malformed", "failureText"]
