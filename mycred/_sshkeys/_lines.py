"""
The lines of authorized_keys, and of files that list keys or principals (sshd(8),
"AUTHORIZED_KEYS FILE FORMAT"; sshd_config(5), "AuthorizedPrincipalsFile").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ._certificate import CERTIFIED, Certificate
from ._key import TYPES, PublicKey, decode
from ._options import BadOption, KeyOptions, parseOptions
from ._wire import Fields, UnusableKey

_BLANKS = b" \t"

# What OpenSSH takes for space after a key.
_SPACES = b" \t\n\v\f\r"

#: A longer line isn't read, in bytes.
LONGEST_LINE = 2**16

# As far as options go: to a blank outside of quotes.
_options = re.compile(rb'(?:\\"|"(?:\\"|[^"\\]|\\(?!"))*"|[^ \t"\\]|\\(?!"))*')

# Types that OpenSSH knows besides.
_OTHERS = {b"ssh-dss", b"ssh-dss-cert-v01@openssh.com"}


class Line(NamedTuple):
    """
    A line that authorizes a key.

    @ivar number: its number in the file, counted from 1.
    @ivar blob: the key.
    @ivar options: its options, as they are written.
    """

    number: int
    blob: bytes
    options: bytes


def linesWith(text: bytes, blob: bytes, base64: bytes) -> Iterator[Line]:
    """
    Find the lines of authorized_keys that hold a key, without reading the others.

    @param text: what the file holds.
    @param blob: the key, as it is written on the wire.
    @param base64: the same, as it is written in a file.
    """
    number, counted = 1, 0
    found = text.find(base64)
    while found >= 0:
        start = text.rfind(b"\n", 0, found) + 1
        end = text.find(b"\n", found)
        if end < 0:
            end = len(text)
        number, counted = number + text.count(b"\n", counted, start), start
        line = None
        if end - start <= LONGEST_LINE:
            line = readLine(text[start:end], number)
        if line is not None and line.blob == blob:
            yield line
        found = text.find(base64, end)


def readLine(text: bytes, number: int) -> Line | None:
    """
    Read a line of authorized_keys.

    @return: L{None} if there is no key in it.
    """
    text = text.lstrip(_BLANKS)
    if not text or text[:1] == b"#" or b"\0" in text:
        return None
    try:
        return Line(number, _keyIn(text), b"")
    except UnusableKey:
        pass
    match = _options.match(text)
    length = match.end() if match else 0
    try:
        return Line(number, _keyIn(text[length:].lstrip(_BLANKS)), text[:length])
    except UnusableKey:
        return None


def keysIn(text: bytes) -> list[bytes]:
    """
    Read a list of keys without options: of authorities, or of revoked keys.

    @return: their blobs.

    @raise UnusableKey: if a line holds something else.
    """
    blobs = []
    for number, line in enumerate(text.split(b"\n"), 1):
        line = line.lstrip(_BLANKS)
        if not line.rstrip(b"\r") or line[:1] == b"#":
            continue
        try:
            blobs.append(_keyIn(line))
        except UnusableKey as error:
            raise UnusableKey(f"line {number} is no key: {error}") from None
    return blobs


class Principal(NamedTuple):
    """
    A line of a file of principals.

    @ivar number: its number in the file, counted from 1.
    @ivar name: the principal.
    @ivar options: its options, as they are written.
    """

    number: int
    name: str
    options: bytes


def principalsIn(text: bytes) -> Iterator[Principal]:
    """
    Read a file of principals.
    """
    for number, line in enumerate(text.split(b"\n"), 1):
        line = line.partition(b"#")[0].strip(_BLANKS)
        if not line or b"\0" in line:
            continue
        # What stands before the last blank is taken for options.
        options, blank, name = line.rpartition(b" ")
        if not blank:
            options, _, name = line.rpartition(b"\t")
        yield Principal(number, name.decode("utf-8", "surrogateescape"), options)


def plainBlob(blob: bytes) -> bytes:
    """
    Return the key in a certificate; a key comes back as it is.

    @raise UnusableKey: if it is no certificate, and no key.
    """
    if Fields(blob).string() in CERTIFIED:
        return Certificate.parse(blob).key.blob
    return blob


def _keyIn(text: bytes) -> bytes:
    """
    Read a key where a comment may follow.

    @return: its blob; of those types that don't count here, no more is known of it.
    """
    words = text.replace(b"\t", b" ").split(b" ", 1)
    if len(words) < 2 or words[0] not in _KNOWN:
        raise UnusableKey("no type of key")
    base64 = words[1].lstrip(b" ").partition(b" ")[0].rstrip(_SPACES)
    blob = decode(base64)
    if Fields(blob).string() != words[0]:
        raise UnusableKey("a key of another type")
    if words[0] in CERTIFIED:
        Certificate.parse(blob)
    elif words[0] in TYPES:
        PublicKey.parse(blob)
    return blob


def optionsIn(line: Line | Principal) -> KeyOptions:
    """
    Read the options of a line.

    @raise BadOption: if they aren't what they should be.
    """
    options = line.options
    text = options.decode("utf-8", "surrogateescape")
    # In a file of principals blanks may follow; OpenSSH reads no further.
    match = _options.match(options)
    if match is not None and match.end() < len(options.rstrip(_BLANKS)):
        raise BadOption("there is a blank among the options")
    return parseOptions(text.rstrip(" \t"))


_KNOWN = {*TYPES, *CERTIFIED, *_OTHERS}

__all__ = [
    "LONGEST_LINE",
    "Line",
    "Principal",
    "keysIn",
    "linesWith",
    "optionsIn",
    "plainBlob",
    "principalsIn",
    "readLine",
]
