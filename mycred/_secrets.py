"""
Names and secrets: encoded in one way, compared in constant time, refused when absurd.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Any, TypeVar

#: The length above which names and passwords are refused before any work, in bytes.  The
#: longest name that an htpasswd file can hold is 255 bytes long, and the longest password
#: that libcrypt takes 511.
LONGEST = 1024

# As long as a path can be (PATH_MAX of Linux).
_LONGEST_SHOWN = 4096

_T = TypeVar("_T")


def asBytes(text: str | bytes | _T) -> bytes | _T:
    """
    Return text encoded as UTF-8; bytes, and what is neither, come back as they are.

    A lone surrogate stands for the byte that it was decoded from
    (U{PEP 383<https://peps.python.org/pep-0383/>}) where it can, so that no
    text at all makes this raise.
    """
    if not isinstance(text, str):
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def equal(mine: object, theirs: object) -> bool:
    """
    Return whether two secrets are equal, in a time that tells nothing about where they
    differ.

    As with C{==} in Twisted, text equals text and bytes equal bytes, and never one the
    other.  What is neither, or has a comparison of its own, is compared by that, and its
    answer handed on.
    """
    if type(mine) is bytes is type(theirs):
        # Nearly all are, and to ask for the type is the fastest.
        return compare_digest(mine, theirs)
    kind, other = _kindOf(mine), _kindOf(theirs)
    if kind is None or other is None:
        # Unlike in Twisted, None is no secret, and no password is never the right one.
        return mine is not None and theirs is not None and mine == theirs
    return kind is other and compare_digest(_inBytes(mine), _inBytes(theirs))


def _kindOf(secret: object) -> type | None:
    """
    Return the kind of a secret: L{str}, L{bytes}, or L{None} for what is neither, or
    isn't compared as these are.
    """
    for kind, known in ((bytes, bytes), (str, str), (bytearray, bytes)):
        if isinstance(secret, kind) and type(secret).__eq__ is kind.__eq__:
            return known
    return None


def _inBytes(secret: Any) -> bytes:
    """
    Return the bytes of text or bytes.
    """
    return bytes(asBytes(secret))


def isPlausible(secret: object) -> bool:
    """
    Return whether a name or a password is worth any work: it holds no NUL, at which C
    libraries would cut it off, and is at most L{LONGEST} bytes long.
    """
    if isinstance(secret, str) and len(secret) > LONGEST:
        return False
    encoded = asBytes(secret)
    if not isinstance(encoded, bytes):
        return False
    return b"\0" not in encoded and len(encoded) <= LONGEST


def shortened(name: object) -> object:
    """
    Return the beginning of a name, for the log: a client may send any length.
    """
    return name[:64] if isinstance(name, (bytes, str)) else type(name)


def printable(text: str) -> str:
    """
    Return a text, such as a path or what a server says, as the log can show it: what
    isn't UTF-8 in it is written by its code, and so are control characters, which could
    mislead a terminal or a reader.  It is cut off at the length of the longest path.
    """
    if len(text) > _LONGEST_SHOWN:
        text = text[:_LONGEST_SHOWN] + "..."
    if text.isprintable():
        return text
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in shown
    )


__all__ = ["LONGEST", "asBytes", "equal", "isPlausible", "printable", "shortened"]
