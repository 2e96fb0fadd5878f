"""
Recognize a stored hash, and verify a password against it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .._scram import ScramKeys
from .._secrets import asBytes
from ._digests import decode
from ._schemes import NAMES, PLAIN, PREFIXES, Scheme

# How a hash of a known scheme begins (the empty prefix of DES comes last), how one of
# any scheme of crypt(3)'s kind does, and {SCHEME}, perhaps with the encoding.
_prefix = re.compile(b"|".join(map(re.escape, sorted(PREFIXES, reverse=True))))
_dollars = re.compile(rb"\$[A-Za-z0-9-]{1,16}\$")
_braces = re.compile(rb"\{([A-Za-z0-9-]{1,24})(?:\.([A-Za-z0-9]{1,8}))?\}")

# How hashes of unknown schemes look, and damaged ones: with $, directories'
# {x-issha, 1024}, BSDi's DES, Django's, Drupal's, MySQL's and PostgreSQL's.
_foreign = re.compile(
    rb"\$[A-Za-z0-9_,=.-]{1,40}\$|\$md5,"
    rb"|\{[A-Za-z0-9_.-]{1,40}(?:, ?\d+)?\}"
    rb"|_[./A-Za-z0-9]{3}\.[./A-Za-z0-9]{14}[.26AEIMQUYcgkosw]\Z"
    rb"|(?:argon2|bcrypt|md5|pbkdf2|scrypt|sha1)[a-z0-9_]*\$"
    rb"|U\$S\$|\*[0-9A-F]{40}\Z|md5[0-9a-f]{32}\Z|SCRAM-SHA-(?:[0-9]{1,3}(?:\$|\Z)|\Z)"
)

# What shadow(5) and its kind write in place of a hash, or before one.
_locked = re.compile(
    rb"[!*]+\Z|x\Z|\*(?:LK|NP)\*|[!*]+(?=[$_{])"
    rb"|!+(?=[./A-Za-z0-9]{12}[.26AEIMQUYcgkosw]\Z)"
)


class Hash(NamedTuple):
    """
    A stored hash that can be verified.

    @ivar scheme: how it was made: its C{name} is what administrators call it, and its
        C{weakness} says why it is weak, or is L{None}.
    @ivar text: what the scheme verifies: the hash without a name before it, and
        decoded.
    @ivar cost: what decides how long a verification takes.
    """

    scheme: Scheme
    text: bytes
    cost: bytes

    @property
    def kind(self) -> tuple[str, bytes]:
        """
        What is the same for hashes that take the same time.
        """
        return self.scheme.name, self.cost

    @property
    def scramKeys(self) -> ScramKeys | None:
        """
        The keys by which a client can prove the password without sending it; L{None} if
        it is no hash of SCRAM's kind.
        """
        return None if self.scheme.keysIn is None else self.scheme.keysIn(self.text)

    def verify(self, password: bytes) -> bool:
        """
        Return whether the hash was made of this password.

        @param password: what the user typed, in bytes.  One with a NUL matches nothing,
            since most libraries would stop there.

        @raise UnusableHash: if the library that knows the scheme refuses the hash.
        @raise MemoryError: if a scheme that takes much memory can't have it now.
        """
        try:
            return b"\0" not in password and self.scheme.verify(self.text, password)
        except ValueError:
            raise UnusableHash(f"a damaged hash ({self.scheme.name})") from None

    def __repr__(self) -> str:
        """
        Return a text without the hash.
        """
        return f"Hash({self.scheme.name}, {self.cost!r})"

    @property
    def isPlain(self) -> bool:
        """
        Whether it is no hash at all: L{text} is the password.
        """
        return self.scheme is PLAIN


class UnusableHash(ValueError):
    """
    A stored secret is no hash that any password could match.  The text says why,
    without what is stored.
    """


def recognize(stored: bytes | str) -> Hash:
    """
    Return what a stored hash is.

    @param stored: the hash; text stands for its UTF-8.

    @raise UnusableHash: if it isn't a whole hash of a scheme that is known and
        can be verified here, or if its cost is absurd.
    """
    return _hashOf(*_split(asBytes(stored)))


def recognizeCrypt(stored: bytes) -> Hash:
    """
    Return what a hash is of those that crypt(3) knows, as C{/etc/shadow} has them: of
    no other scheme, and with no name in braces before it.

    @raise UnusableHash: if it isn't one, or as from L{recognize}.
    """
    wrong = "not a hash as crypt(3) makes it"
    if stored.startswith(b"{"):
        raise UnusableHash(wrong)
    scheme, text = _split(stored)
    if not scheme.isCrypt:
        raise UnusableHash(wrong)
    return _hashOf(scheme, text)


def _hashOf(scheme: Scheme, text: bytes) -> Hash:
    """
    Return the hash that a text is by a scheme.

    @raise UnusableHash: if it is incomplete, can't be verified here, or of an absurd
        cost.
    """
    match = scheme.complete.fullmatch(text)
    if match is None:
        raise UnusableHash(f"a damaged hash ({scheme.name})")
    cost: bytes = match["cost"] or b"" if match.re.groupindex else b""
    if scheme.isAbsurd(cost):
        raise UnusableHash(f"a hash of an absurd cost ({scheme.name})")
    missing = None if scheme.lacks is None else scheme.lacks()
    if missing is not None:
        raise UnusableHash(
            f"a hash that can't be verified without {missing} ({scheme.name})"
        )
    return Hash(scheme, text, cost)


def verify(stored: bytes | str, password: bytes | str) -> bool:
    """
    Return whether a stored hash was made of this password.

    This takes as long as the hash's cost says; nothing else is read or changed.  The
    time doesn't tell where the two differ.

    @param stored: the hash; text stands for its UTF-8.  What isn't a complete hash of a
        known scheme, and a hash whose cost is absurd, match no password.
    @param password: what the user typed; text stands for its UTF-8.  One with a NUL
        matches nothing.

    @raise MemoryError: as from L{Hash.verify}.
    """
    try:
        return recognize(stored).verify(asBytes(password))
    except UnusableHash:
        return False


def preload() -> None:
    """
    Import what verifying a hash of crypt(3)'s kind needs.
    """
    import bcrypt as bcrypt

    for scheme in PREFIXES.values():
        if scheme.lacks is not None:
            scheme.lacks()


def isMeantAsHash(stored: bytes) -> bool:
    """
    Return whether a stored secret begins like a hash, be it a whole one of a known
    scheme or not.  Then it is never a password in plain text: users who have seen the
    file must not be able to log in with what stands there.

    Neither is what stands for a locked account.  A hash of DES has no mark: it may be
    a word of thirteen letters.
    """
    if _foreign.match(stored) or _locked.match(stored):
        return True
    # A prefix or a name that was cut off.
    if stored[:1] == b"$":
        return any(prefix.startswith(stored) for prefix in PREFIXES)
    name, dot, _ = stored[1:].upper().partition(b".")
    return stored[:1] == b"{" and (
        name in NAMES if dot else any(known.startswith(name) for known in NAMES)
    )


def _split(stored: bytes) -> tuple[Scheme, bytes]:
    """
    Return the scheme of a hash, and what of it the scheme verifies.

    @raise UnusableHash: if there is no such scheme.
    """
    if _locked.match(stored):
        raise UnusableHash("a locked account, or one whose hash is elsewhere")
    braces = _braces.match(stored)
    if braces is None:
        return _schemeOf(stored), stored
    name, encoding = (group.upper() for group in braces.groups(b""))
    text = stored[braces.end() :]
    named = NAMES.get(name)
    if named is None:
        raise UnusableHash("a hash of an unknown kind")
    try:
        if encoding or named[0].isEncoded:
            text = decode(text, encoding)
    except ValueError:
        raise UnusableHash("a damaged hash") from None
    return _schemeOf(text, named) if named[0].prefixes else named[0], text


def _schemeOf(text: bytes, allowed: tuple[Scheme, ...] | None = None) -> Scheme:
    """
    Return the scheme whose prefix a hash begins with.

    @param allowed: the schemes that it may have; L{None} for any.

    @raise UnusableHash: if it has another one, or none.
    """
    match = _prefix.match(text)
    prefix = match[0] if match else b""
    scheme = PREFIXES[prefix]
    isAllowed = allowed is None or scheme in allowed
    if not isAllowed or (not prefix and _dollars.match(text)):
        raise UnusableHash("a hash of an unknown kind")
    if not prefix and not scheme.complete.fullmatch(text):
        raise UnusableHash("no hash, or a damaged one")
    return scheme


__all__ = [
    "Hash",
    "UnusableHash",
    "isMeantAsHash",
    "preload",
    "recognize",
    "recognizeCrypt",
    "verify",
]
