"""
C{mycred passwd}: set, remove or verify a password in an htpasswd file, or print its hash.
"""

from __future__ import annotations

import os
from argparse import Namespace

from .._hashes import UnusableHash, costOf, make
from .._passwordfile import HTPASSWD, UserFile, readHash
from ._errors import CommandError
from ._htpasswdfile import edit, without, withSecret
from ._names import oddities
from ._prompt import askPassword

# As htpasswd has it, in bytes.
_LONGEST_NAME = 255


def run(options: Namespace) -> int:
    """
    Set, remove or verify a password, or print its hash.

    @return: the exit status.
    """
    if options.print:
        return _print(options)
    name = os.fsencode(options.user)
    if options.delete or options.verify:
        if options.scheme is not None or options.cost is not None:
            raise CommandError("--scheme and --cost are for setting a password")
    if options.delete and options.stdin:
        raise CommandError("--delete needs no password, and so no --stdin")
    if options.delete:
        return _delete(options.file, name)
    if options.verify:
        return _verify(options.file, name, options.stdin)
    return _set(options, name)


def _set(options: Namespace, name: bytes) -> int:
    """
    Set a password.
    """
    _checkName(name)
    secret = _make(options)
    edit(options.file, lambda content: withSecret(content, name, secret))
    return 0


def _print(options: Namespace) -> int:
    """
    Print the hash of a password, for a store that isn't a file.
    """
    if options.file is not None:
        raise CommandError("--print writes no file, and takes neither FILE nor USER")
    return _report(_make(options).decode("ascii"), 0)


def _make(options: Namespace) -> bytes:
    """
    Ask for a password, and return what is stored for it.

    @raise CommandError: if it can't be hashed as the options say.
    """
    scheme = options.scheme or "bcrypt"
    try:
        cost = costOf(scheme, options.cost)
    except ValueError as error:
        raise CommandError(f"--cost={options.cost}: {error}") from None
    try:
        return make(askPassword(options.stdin, twice=True), scheme, cost)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _delete(path: str, name: bytes) -> int:
    """
    Remove a user.
    """
    removed = False

    def remove(content: bytes) -> bytes:
        nonlocal removed
        rest = without(content, name)
        removed = rest != content
        return rest

    # A file that isn't there is not made.
    os.stat(path)
    edit(path, remove)
    return 0 if removed else _report("no such user", 1)


def _verify(path: str, name: bytes, fromStdin: bool) -> int:
    """
    Verify a password by a file.
    """
    entry = UserFile(path, HTPASSWD).snapshot().find(name)
    if entry is None:
        return _report("no such user", 1)
    try:
        matched = readHash(entry).verify(askPassword(fromStdin))
    except UnusableHash as error:
        return _report(f"no password can match: {error}", 1)
    if matched:
        return _report("the password is right", 0)
    return _report("the password is wrong", 1)


def _checkName(name: bytes) -> None:
    """
    Insist on a name that a line can hold, and that can be typed.

    @raise CommandError: if it is none.
    """
    if not name or len(name) > _LONGEST_NAME:
        raise CommandError(f"a name has 1 to {_LONGEST_NAME} bytes")
    if name != name.strip() or any(c in name for c in (b":", b"\n", b"\r", b"\0")):
        raise CommandError(
            "a name holds no colon and no newline, and no white space before or after it"
        )
    if name.startswith(b"#"):
        raise CommandError("a line that begins with # would be a comment")
    for oddity in oddities(name):
        raise CommandError(f"this name can't be typed: {oddity}")


def _report(text: str, status: int) -> int:
    """
    Print the outcome, and return the exit status.
    """
    print(text)
    return status


__all__ = ["run"]
