"""
The lines of a password file: how each is parsed, into a name and a secret, and how the
secret is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Union

from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._scram import NAMES

#: As much of a line as is looked at, in bytes.
LONGEST_LINE = 2**16

# How hashes begin that hold two colons themselves (RFC 5803).
_COLONS = tuple(name + b"$" for name in NAMES.values())


class Entry(NamedTuple):
    """
    A line of the file.

    @ivar name: the name, as the file spells it.
    @ivar secret: the secret.
    @ivar start: where in the file the line begins, in bytes.
    @ivar isCut: whether the file ends in this line, without a newline: it may be
        half of a line that is being written.
    """

    name: bytes
    secret: bytes
    start: int
    isCut: bool

    def __repr__(self) -> str:
        """
        Show it without its secret.
        """
        return f"Entry({self.name!r}, start={self.start})"


class Layout:
    """
    How the lines of a file are parsed.

    Blank lines, and those that begin with C{#}, hold no user.
    """

    def __init__(
        self,
        delimiter: bytes | None = b":",
        nameField: int = 0,
        secretField: int = 1,
        caseSensitive: bool = True,
        isIndented: bool = False,
    ) -> None:
        """
        @param delimiter: what separates the fields; white space if L{None}.
        @param nameField: which field holds the name, counted from 0.
        @param secretField: which field holds the secret, counted from 0.
        @param caseSensitive: whether the case of names counts.  Where it
            doesn't, names are in lower case.
        @param isIndented: whether white space may stand before the name, and
            doesn't belong to it.
        """
        self.delimiter = delimiter
        self._name = nameField
        self._secret = secretField
        self._caseSensitive = caseSensitive
        self._strip = bytes.strip if isIndented else bytes.rstrip
        counted = min(nameField, secretField) >= 0
        self._splits = max(nameField, secretField) + 1 if counted else -1
        self._least = max(nameField, secretField) + 1
        self._isSecretLast = delimiter == b":" and secretField > nameField >= 0

    @property
    def beginsWithName(self) -> bool:
        """
        Whether the lines for a name begin with just this name.
        """
        return (
            not self._name
            and self._caseSensitive
            and self._strip == bytes.rstrip
            and self.delimiter is not None
        )

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Parse a line.

        @return: the name and the secret; L{None} if the line holds no user.
        """
        fields = self._strip(line).split(self.delimiter, self._splits)
        if len(fields) < self._least:
            return None
        # White space and a few more sort before it: the rare line is looked at.
        if line[:1] <= b"#" and line.lstrip().startswith(b"#"):
            return None
        name, secret = fields[self._name], fields[self._secret]
        if not name:
            return None
        if secret.startswith(_COLONS) and self._isSecretLast:
            # What follows the secret is there as one more field, if there is anything.
            for rest in fields[self._least :]:
                secret = b":".join([secret, *rest.split(b":", 2)[:2]])
        return name if self._caseSensitive else name.lower(), secret


#: The lines of htpasswd, as Apache reads them.
HTPASSWD = Layout(isIndented=True)

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
    "HTPASSWD",
    "LONGEST_LINE",
    "Entry",
    "Layout",
    "SecretReader",
    "isDigest",
    "readBare",
    "readDigest",
    "readHash",
    "readHashOrPassword",
    "readHashOrPlain",
    "readStrong",
]
