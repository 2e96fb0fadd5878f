"""
What ends a command before its work is done.
"""

from __future__ import annotations

import sys
from contextlib import suppress

#: The exit status for a wrong command line, and for what can't be read or written,
#: as that of C{grep} and C{diff}.
TROUBLE = 2


class Trouble(Exception):
    """
    Something that whoever typed the command must mend.  The text says what, in one
    line.
    """


def worded(error: OSError) -> str:
    """
    Put into words that something can't be read or written.
    """
    named = error.filename is not None
    return f"{error.filename}: {error.strerror}" if named else str(error)


def tell(command: str, trouble: str) -> None:
    """
    Say what is wrong, if anybody listens.

    @param command: the command that meets it.
    """
    with suppress(OSError):
        print(f"mycred {command}: {trouble}", file=sys.stderr, flush=True)


__all__ = ["TROUBLE", "Trouble", "tell", "worded"]
