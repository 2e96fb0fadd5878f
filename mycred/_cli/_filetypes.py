"""
The types of files that C{mycred lint} knows: how their lines are taken apart, and what
is odd about what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .._accounts import ACCOUNTS, hashIn
from .._hashes import Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import HTPASSWD, Entry, Layout, readDigest, readHash

_ADVICE = 'set the password anew, with "mycred passwd"'


class FileType(NamedTuple):
    """
    A type of file.

    @ivar layout: how its lines are taken apart.
    @ivar ofEntry: find what is odd about what a line stores.
    @ivar ignoresIndent: whether white space before a name is no part of it.
    @ivar isSecret: tell whether not everybody should read a line.
    """

    layout: Layout
    ofEntry: Callable[[Entry], Iterator[str]]
    ignoresIndent: bool = True
    isSecret: Callable[[Entry], bool] = bool


class _RealmLayout(Layout):
    """
    Lines C{name:realm:hash}: whose name is the same in two realms has two.
    """

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Take a line apart.

        @return: the name and the realm, with a colon between them, and the hash;
            L{None} if the line holds nobody.
        """
        fields = line.strip().split(b":", 3)
        if len(fields) < 3 or fields[0][:1] in (b"", b"#"):
            return None
        return b":".join(fields[:2]), fields[2]


def _ofHash(entry: Entry) -> Iterator[str]:
    """
    Find what is odd about the hash of a line of htpasswd.
    """
    if not entry.secret:
        yield "no hash: it matches nothing"
        return
    try:
        yield from _ofWeakness(readHash(entry), _ADVICE)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
        if not isMeantAsHash(entry.secret):
            yield "if it is a password, everybody who reads the file has it"


def _ofSecret(entry: Entry) -> Iterator[str]:
    """
    Find what is odd about a secret that may be plain text.
    """
    if not entry.secret:
        yield "no password: it matches nothing"
    elif isMeantAsHash(entry.secret):
        try:
            found = recognize(entry.secret)
        except UnusableHash as error:
            yield (
                f"{error}; it matches nothing (if it is a password, write {{PLAIN}} "
                "before it)"
            )
        else:
            if not found.isPlain:
                yield from _ofWeakness(found, _ADVICE)


def _ofDigest(entry: Entry) -> Iterator[str]:
    """
    Find what is odd about the hash of a line of htdigest.
    """
    try:
        readDigest(entry)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"


def _accountSecret(entry: Entry) -> bytes:
    """
    Return the second field of a line of passwd(5) or shadow(5).
    """
    return entry.secret.partition(b":")[0]


def _ofAccount(entry: Entry) -> Iterator[str]:
    """
    Find what is odd about the second field of a line of passwd(5) or shadow(5).
    """
    secret = _accountSecret(entry)
    # The hash is in the other file.
    if secret == b"x":
        return
    if not secret:
        yield "no hash: nobody gets in with an empty password"
        return
    try:
        found = hashIn(secret)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
    else:
        if found is not None:
            yield from _ofWeakness(found, "set the password anew, with passwd(1)")


def _ofWeakness(found: Hash, advice: str) -> Iterator[str]:
    """
    Find what is weak about a hash.

    @param advice: what to do about it.
    """
    scheme = found.scheme
    if scheme.weakness is not None:
        yield f"{scheme.name} is weak, since {scheme.weakness}; {advice}"


#: The types, by the name that C{--auth} has for them.
FILE_TYPES = {
    "htpasswd": FileType(HTPASSWD, _ofHash),
    "file": FileType(Layout(), _ofSecret, ignoresIndent=False),
    "htdigest": FileType(_RealmLayout(), _ofDigest),
    "passwd": FileType(
        ACCOUNTS, _ofAccount, isSecret=lambda entry: len(_accountSecret(entry)) > 1
    ),
}

__all__ = ["FILE_TYPES", "FileType"]
