"""
The types of files that C{mycred lint} knows: how their lines are parsed, and what is odd
about what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .._accounts import ACCOUNTS, hashIn
from .._hashes import MAKERS, Hash, UnusableHash, isMeantAsHash, recognize
from .._passwordfile import HTPASSWD, Entry, Layout, readDigest, readHash

_ADVICE = 'set the password anew, with "mycred passwd"'


class FileType(NamedTuple):
    """
    A type of file.

    @ivar layout: how its lines are parsed.
    @ivar findings: yield what is odd about what a line stores.
    @ivar ignoresIndent: whether white space before a name is no part of it.
    @ivar isSecret: return whether a line must not be readable to all users.
    @ivar servesScram: whether users can log in by SCRAM.
    @ivar isPlain: whether what isn't like a hash is a password.
    """

    layout: Layout
    findings: Callable[[Entry], Iterator[str]]
    ignoresIndent: bool = True
    isSecret: Callable[[Entry], bool] = bool
    servesScram: bool = False
    isPlain: bool = False


class _RealmLayout(Layout):
    """
    Lines C{name:realm:hash}: the same name in two realms is no repetition.
    """

    def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
        """
        Parse a line.

        @return: the name and the realm, with a colon between them, and the hash;
            L{None} if the line holds no user.
        """
        fields = line.strip().split(b":", 3)
        if len(fields) < 3 or fields[0][:1] in (b"", b"#"):
            return None
        return b":".join(fields[:2]), fields[2]


def _hashFindings(entry: Entry) -> Iterator[str]:
    """
    Yield what is odd about the hash in a line of htpasswd.
    """
    if not entry.secret:
        yield "no hash: it matches nothing"
        return
    try:
        yield from _weaknessFindings(readHash(entry), _ADVICE)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
        if not isMeantAsHash(entry.secret):
            yield "if it is a password, anyone who reads the file has it"


def _secretFindings(entry: Entry) -> Iterator[str]:
    """
    Yield what is odd about a secret that may be plain text.
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
                yield from _weaknessFindings(found, _ADVICE)


def _digestFindings(entry: Entry) -> Iterator[str]:
    """
    Yield what is odd about the hash in a line of htdigest.
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


def _accountFindings(entry: Entry) -> Iterator[str]:
    """
    Yield what is odd about the second field of a line of passwd(5) or shadow(5).
    """
    secret = _accountSecret(entry)
    # The hash is in the other file.
    if secret == b"x":
        return
    if not secret:
        yield "no hash: an empty password is never accepted"
        return
    try:
        found = hashIn(secret)
    except UnusableHash as error:
        yield f"{error}; it matches nothing"
    else:
        if found is not None:
            yield from _weaknessFindings(found, "set the password anew, with passwd(1)")


def _weaknessFindings(found: Hash, advice: str) -> Iterator[str]:
    """
    Yield why a hash is weak, or of no use to clients, if it is.

    @param advice: what to do about it.
    """
    scheme = found.scheme
    if scheme.weakness is not None:
        yield f"{scheme.name} is weak, since {scheme.weakness}; {advice}"
    keys = found.scramKeys
    if keys is not None and keys.iterations not in MAKERS["scram-sha-256"].costs:
        yield f"{keys.iterations} rounds, which many clients refuse; {advice}"


#: The types, by the name that C{--auth} has for them.
FILE_TYPES = {
    "htpasswd": FileType(HTPASSWD, _hashFindings, servesScram=True),
    "file": FileType(
        Layout(), _secretFindings, ignoresIndent=False, servesScram=True, isPlain=True
    ),
    "htdigest": FileType(_RealmLayout(), _digestFindings),
    "passwd": FileType(
        ACCOUNTS, _accountFindings, isSecret=lambda entry: len(_accountSecret(entry)) > 1
    ),
}

__all__ = ["FILE_TYPES", "FileType"]
