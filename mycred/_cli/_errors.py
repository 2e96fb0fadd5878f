"""
Errors that end a command.
"""

from __future__ import annotations

import sys
from contextlib import suppress

#: The exit status for a wrong command line, and for a file that can't be read or
#: written, as C{grep} and C{diff} have it.
ERROR_STATUS = 2


class CommandError(Exception):
    """
    The command can't be carried out as it was given.  The text says why, in one line.
    """


def messageOf(error: OSError) -> str:
    """
    Return a message that says what can't be read or written, and why.
    """
    named = error.filename is not None
    return f"{error.filename}: {error.strerror}" if named else str(error)


def printError(command: str, message: str) -> None:
    """
    Print an error message, unless standard error can't be written either.

    @param command: the name of the command.
    @param message: what is wrong.
    """
    with suppress(OSError):
        print(f"mycred {command}: {message}", file=sys.stderr, flush=True)


__all__ = ["ERROR_STATUS", "CommandError", "messageOf", "printError"]
