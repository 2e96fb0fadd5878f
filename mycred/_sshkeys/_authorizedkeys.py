"""
The lines of authorized_keys, and of files that list keys or principals (sshd(8),
"AUTHORIZED_KEYS FILE FORMAT"; sshd_config(5), "AuthorizedPrincipalsFile").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from heapq import merge
from typing import NamedTuple

from ._budget import Budget, Limit
from ._certificate import CERTIFIED, Certificate
from ._key import NAMES, PublicKey, decode
from ._optionlist import parseOptions
from ._options import UNRESTRICTED, KeyOptions
from ._wire import Fields, ShortKey, UnusableKey

_BLANKS = b" \t"

# So much of a key is searched for: hardly another one begins with it.
_SOUGHT = 256

# As long as keys are, in base64: one of 5,000 bits has this length.
_LONGEST_USUAL = 1024

# What OpenSSH takes for space after a key.
_SPACES = b" \t\n\v\f\r"

#: A longer line isn't parsed, in bytes.
LONGEST_LINE = 2**16

# A type and a key, with what else stands there up to the next blank.
_words = re.compile(rb"([^ \t]+)[ \t]+([^ \t]+)")

# As far as options go: to a blank outside of quotes.  No two repetitions that stand
# side by side may take the same character.
_options = re.compile(
    rb"""[^ \t"\\]*(?:(?:
        \\(?:"|(?!"))
        | "[^"\\]*(?:\\(?:"|(?!"))[^"\\]*)*"
    )[^ \t"\\]*)*""",
    re.VERBOSE,
)

# Types that OpenSSH knows besides, or once knew.
_OTHERS = {
    name: name
    for name in (
        b"ssh-dss",
        b"ssh-dss-cert-v01@openssh.com",
        b"ssh-mldsa44-ed25519@openssh.com",
        b"ssh-mldsa44-ed25519-cert-v01@openssh.com",
    )
}

# All algorithms of signatures.
_ALGORITHMS = frozenset(NAMES)

# What each word stands for with which a line can begin.
_KNOWN = {
    **NAMES,
    **_OTHERS,
    **{name: b"a certificate of " + type for name, type in CERTIFIED.items()},
}

#: Called with a line that is left out: its number, and why.
Skip = Callable[[int, str], None]


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


def linesWith(
    text: bytes, blob: bytes, base64: bytes, budget: Budget | None = None
) -> Iterator[Line]:
    """
    Return the lines of authorized_keys that hold a key, without parsing the others.

    @param text: what the file holds.
    @param blob: the key, as it is written on the wire in the one right way.
    @param base64: the same, as it is written in a file.
    @param budget: what the work is counted against.

    @raise TooMuch: if there would be too much of it.
    """
    budget = Budget() if budget is None else budget
    budget.spend(Limit.BYTES, len(text))
    usual, type = min(len(base64), _LONGEST_USUAL), Fields(blob).string()
    number, counted, end = 1, 0, -1
    places = _places(text, b" " + base64)
    if b"\t" in text:
        places = merge(places, _places(text, b"\t" + base64))
    for place in places:
        if place < end:
            continue
        budget.spend(Limit.LINES)
        start, end = text.rfind(b"\n", 0, place) + 1, _endOfLine(text, place)
        if end - start > LONGEST_LINE:
            continue
        if end - start > usual:
            budget.spend(Limit.LINE_BYTES, end - start - usual)
        number, counted = number + text.count(b"\n", counted, start), start
        after = place + 1 + len(base64)
        if (
            text[start:place] == type
            and text[place + 1 : after] == base64
            and text[after : min(after + 1, end)] in _BLANKS
            and text.find(b"\0", after, end) < 0
        ):
            # Nearly all lines are like this: nothing stands before the key.
            yield Line(number, blob, b"")
            continue
        line = parseLine(text[start:end], number)
        if line is not None and line.blob == blob:
            yield line


def _places(text: bytes, wanted: bytes) -> Iterator[int]:
    """
    Return where a key stands, once for each line.

    @param wanted: a blank, and the beginning of the key: since there is no blank in a
        key, nothing is looked at more than twice, whatever text and key a user has
        chosen.
    """
    # Linear, too: as long as this, C{find} has the two-way algorithm for all that is
    # large.
    wanted = wanted[:_SOUGHT]
    place = text.find(wanted)
    while place >= 0:
        yield place
        place = text.find(wanted, _endOfLine(text, place + len(wanted)))


def _endOfLine(text: bytes, place: int) -> int:
    """
    Return the position at which a line ends.
    """
    end = text.find(b"\n", place)
    return len(text) if end < 0 else end


def parseLine(text: bytes, number: int) -> Line | None:
    """
    Return what a line of authorized_keys says; L{None} if there is no key in it.

    @param number: its number in the file, counted from 1.
    """
    text = text.lstrip(_BLANKS)
    if not text or text[:1] == b"#" or b"\0" in text:
        return None
    try:
        return Line(number, keyBlobIn(text), b"")
    except UnusableKey:
        pass
    match = _options.match(text)
    length = match.end() if match else 0
    try:
        return Line(number, keyBlobIn(text[length:]), text[:length])
    except UnusableKey:
        return None


def skipSilently(line: int, why: str) -> None:
    """
    Leave a line out without a word.
    """


def keysIn(text: bytes, skip: Skip = skipSilently) -> list[bytes]:
    """
    Return the blobs of a list of keys without options: of authorities, or of revoked
    keys.  As for sshd, RSA keys that are too short are left out, since they are of no use
    anyway.

    @param skip: called with lines that are left out.

    @raise UnusableKey: if a line holds something else.
    """
    return list(_eachKeyIn(text, skip))


def _eachKeyIn(text: bytes, skip: Skip) -> Iterator[bytes]:
    """
    Return the keys one by one.
    """
    for number, line in enumerate(text.split(b"\n"), 1):
        line = line.lstrip(_BLANKS)
        if not line.rstrip(b"\r") or line[:1] == b"#":
            continue
        try:
            yield keyBlobIn(line)
        except ShortKey as error:
            skip(number, f"skipped: {error}")
        except UnusableKey as error:
            raise UnusableKey(f"line {number} is no key: {error}") from None


class Authorities(NamedTuple):
    """
    A list of the keys of authorities.

    @ivar blobs: those that stand there; as for sshd, before a line that holds something
        else.
    @ivar flaw: what is wrong with that line; empty if there is none.
    """

    blobs: set[bytes]
    flaw: str = ""


def authoritiesIn(text: bytes, skip: Skip) -> Authorities:
    """
    Return the keys in a list of authorities.

    @param skip: called with lines that are left out.
    """
    blobs: set[bytes] = set()
    try:
        for blob in _eachKeyIn(text, skip):
            blobs.add(blob)
    except UnusableKey as error:
        return Authorities(blobs, str(error))
    return Authorities(blobs)


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


def principalsIn(text: bytes, budget: Budget | None = None) -> Iterator[Principal]:
    """
    Return the lines of a file of principals.

    @param budget: what its lines are counted against.

    @raise TooMuch: if there are too many.
    """
    budget = Budget() if budget is None else budget
    budget.spend(Limit.PRINCIPAL_BYTES, len(text))
    budget.spend(Limit.PRINCIPALS, text.count(b"\n"))
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
    Return the key in a certificate; a key is returned as it is.

    @raise UnusableKey: if it is no certificate, and no key.
    """
    if Fields(blob).string() in CERTIFIED:
        return Certificate.parse(blob).key.blob
    return blob


def keyBlobIn(text: bytes) -> bytes:
    """
    Return the blob of a key that is written as in a file; a comment may follow.  Of
    types that don't count here, no more than the blob is checked.

    @raise ShortKey: if it is an RSA key that is too short.
    @raise UnusableKey: if it is none.
    """
    words = _words.match(text.lstrip(_BLANKS))
    if words is None or words[1] not in _KNOWN:
        raise UnusableKey("no type of key")
    return _blobOf(_KNOWN[words[1]], words[2].rstrip(_SPACES))


# One key may stand in many lines.
@lru_cache(maxsize=4)
def _blobOf(type: bytes, base64: bytes) -> bytes:
    """
    Return the blob of a key.

    @param type: its type, which its name stands for.
    """
    blob = decode(base64)
    if _KNOWN.get(Fields(blob).string()) != type:
        raise UnusableKey("a key of another type")
    return usualBlob(blob)


def usualBlob(blob: bytes) -> bytes:
    """
    Return how a key or a certificate of any type that OpenSSH knows is usually written;
    of types that don't count here, no more than the name is checked.

    @raise ShortKey: if it is an RSA key that is too short.
    @raise UnusableKey: if it is none.
    """
    name = Fields(blob).string()
    if name not in _KNOWN:
        raise UnusableKey("no type of key")
    if name in CERTIFIED:
        _insistOnSignature(Certificate.parse(blob))
    return PublicKey.parse(blob).blob if name in NAMES else blob


def _insistOnSignature(certificate: Certificate) -> None:
    """
    Insist that a certificate is what its authority has signed.
    """
    # An old one may be by SHA-1: no user logs in by it, but its key can be revoked by it.
    if Fields(certificate.signature).string() != b"ssh-rsa":
        certificate.verify(_ALGORITHMS)


def optionsIn(line: Line | Principal, budget: Budget | None = None) -> KeyOptions:
    """
    Return the options of a line.

    @param budget: what they are counted against.

    @raise BadOption: if they aren't what they should be.
    @raise TooMuch: if there are too many.
    """
    if not line.options:
        return UNRESTRICTED
    # In a file of principals blanks may follow; OpenSSH reads no further.
    text = line.options.rstrip(_BLANKS).decode("utf-8", "surrogateescape")
    return parseOptions(text, budget)


__all__ = [
    "LONGEST_LINE",
    "Line",
    "Principal",
    "Skip",
    "authoritiesIn",
    "keyBlobIn",
    "keysIn",
    "linesWith",
    "optionsIn",
    "parseLine",
    "plainBlob",
    "principalsIn",
    "skipSilently",
    "usualBlob",
]
