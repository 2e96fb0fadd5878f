"""
How the secrets in password files are parsed: a reader for each kind of file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Union

from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from ._layout import Entry

#: Parses the secret of a line: a hash, or the bare text to compare with; L{None} where
#: no password is meant to match.  It raises L{UnusableHash} if none can match, and the
#: log is told so.
SecretReader = Callable[[Entry], Union[Hash, bytes, None]]

# H(username:realm:password): MD5, which is all that htdigest makes, or SHA-256.
_digest = re.compile(rb"[0-9a-f]{32}(?:[0-9a-f]{32})?")


def readBare(entry: Entry) -> bytes:
    """
    Return the secret as it stands there.
    """
    return entry.secret


def readHashOrPassword(entry: Entry) -> Hash | bytes:
    """
    Return the hash of a line, or the password if it isn't meant as a hash.

    @raise UnusableHash: if it is, and nothing can match it.
    """
    if not isMeantAsHash(entry.secret):
        return entry.secret
    try:
        return recognize(entry.secret)
    except UnusableHash as error:
        raise UnusableHash(
            f"{error} (if it is a password, write {{PLAIN}} before it)"
        ) from None


def readHash(entry: Entry) -> Hash:
    """
    Return the hash of a line of an htpasswd file.

    @raise UnusableHash: if nothing can match what stands there.
    """
    try:
        found = recognize(entry.secret)
    except UnusableHash as error:
        if entry.isCut:
            raise UnusableHash(f"{error}, on a line that has no end") from None
        raise
    if found.isPlain and entry.isCut:
        raise UnusableHash("perhaps half of a password, on a line that has no end")
    return found


def readHashOrPlain(entry: Entry) -> Hash | bytes:
    """
    Return the hash of a line of an htpasswd file, or the password if it isn't like a
    hash.

    @raise UnusableHash: if it is, and nothing can match it.
    """
    try:
        return readHash(entry)
    except UnusableHash:
        if isMeantAsHash(entry.secret) or entry.isCut:
            raise
        return entry.secret


def readStrong(read: SecretReader, entry: Entry) -> Hash | bytes | None:
    """
    Return what another reader does, unless it is a hash of a weak kind.

    @raise UnusableHash: if it is.
    """
    found = read(entry)
    if isinstance(found, Hash) and found.scheme.weakness:
        raise UnusableHash(f"a hash of a weak kind ({found.scheme.name})")
    return found


def readDigest(entry: Entry) -> bytes:
    """
    Return the hash of a line of an htdigest file.

    @raise UnusableHash: if it is none.
    """
    digest = entry.secret.lower()
    if not isDigest(digest):
        raise UnusableHash("a damaged hash")
    return digest


def isDigest(text: bytes) -> bool:
    """
    Return whether a text is a hash as htdigest makes it, in lower case.
    """
    return _digest.fullmatch(text) is not None


__all__ = [
    "SecretReader",
    "isDigest",
    "readBare",
    "readDigest",
    "readHash",
    "readHashOrPassword",
    "readHashOrPlain",
    "readStrong",
]
