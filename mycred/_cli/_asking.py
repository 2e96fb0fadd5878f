"""
Ask for a password.
"""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from getpass import getpass

from .._secrets import LONGEST, asBytes, equal, isPlausible


def askPassword(fromStdin: bool, twice: bool = False) -> bytes:
    """
    Get a password, from standard input or from whoever sits at the terminal.

    @param fromStdin: whether to read a line of standard input.
    @param twice: whether to ask at the terminal twice.

    @return: the password, as bytes of no particular encoding from standard
        input, in UTF-8 from the terminal.

    @raise ArgumentTypeError: if there is none, or it can't be one.
    """
    if fromStdin:
        line = sys.stdin.buffer.readline()
        password = line.removesuffix(b"\n").removesuffix(b"\r")
    else:
        password = asBytes(getpass("Password: "))
        if twice and not equal(password, asBytes(getpass("Once more: "))):
            raise ArgumentTypeError("the two passwords differ; nothing was changed")
    if not password:
        raise ArgumentTypeError("an empty password is none")
    if not isPlausible(password):
        raise ArgumentTypeError(
            f"a password holds no NUL, and is at most {LONGEST} bytes long"
        )
    return password


__all__ = ["askPassword"]
