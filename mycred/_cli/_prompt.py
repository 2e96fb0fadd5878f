"""
Ask for a password.
"""

from __future__ import annotations

import os
import sys
from getpass import getpass

from .._secrets import asBytes, equal
from ._errors import CommandError


def askPassword(fromStdin: bool, twice: bool = False) -> bytes:
    """
    Return a password, from standard input or typed at the terminal.

    @param fromStdin: whether to read a line of standard input.
    @param twice: whether it must be typed twice.

    @return: the password, as bytes of no particular encoding from standard
        input, in UTF-8 from the terminal.

    @raise CommandError: if there is none.
    """
    if fromStdin:
        line = sys.stdin.buffer.readline()
        return line.removesuffix(b"\n").removesuffix(b"\r")
    _insistOnTerminal()
    try:
        password = asBytes(getpass("Password: "))
        if twice and not equal(password, asBytes(getpass("Once more: "))):
            raise CommandError("the two passwords differ")
    except EOFError:
        raise CommandError("no password was given") from None
    except UnicodeError:
        raise CommandError(
            "that isn't text in the encoding of this terminal; --stdin takes any bytes"
        ) from None
    return password


def _insistOnTerminal() -> None:
    """
    Insist on a terminal.

    @raise CommandError: if there is no terminal.
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise CommandError("there is no terminal to ask at; use --stdin") from None


__all__ = ["askPassword"]
