"""
What is stored for a user, and what follows from it for a login by SCRAM.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Union

from .._files import Signature
from .._hashes import Hash
from .._scram import HASHES, ScramKeys, mechanismOf, prepared
from .._secrets import asBytes
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD, Kind, Verdict
from ._layout import Entry

# How often a password in plain text is hashed at a login by SCRAM: as most programs do
# it, and as little as RFC 7677 allows.
_ITERATIONS = 4096

#: What is the same for lines of which the same is made; L{None} where nothing can match.
StoredKind = Union[tuple[str, bytes], None]


class StoredSecret(NamedTuple):
    """
    What is stored for a user, and whether a password matched it.

    @ivar name: the name as the store spells it; L{None} if there is no such user.
    @ivar secret: what is stored, if it is text to compare with.
    @ivar hash: the hash that is stored, if it can be verified.
    @ivar matched: whether the password matched that hash.
    @ivar flaw: why no password can match what is stored.
    @ivar doubt: the state of the file, if it had changed just before, and so may
        have been half-written.
    @ivar entry: the line, if it was looked up in a file.
    """

    name: Any
    secret: Any = None
    hash: Hash | None = None
    matched: bool = False
    flaw: str | None = None
    doubt: Signature | None = None
    entry: Entry | None = None

    @property
    def kind(self) -> StoredKind:
        """
        What is the same for lines of one scheme and cost; L{None} if nothing can match.
        """
        if self.hash is not None:
            return self.hash.kind
        return None if self.flaw or self.secret == b"" else ("", b"")

    @property
    def scramHashes(self) -> Iterable[str]:
        """
        The hashes for which a client can prove the password without sending it.
        """
        if self.hash is not None:
            keys = self.hash.scramKeys
            return () if keys is None else (keys.hash,)
        return HASHES if self.isPlain else ()

    @property
    def isPlain(self) -> bool:
        """
        Whether a password is stored as it is.
        """
        return (
            self.hash is None
            and isinstance(self.secret, (bytes, str))
            and bool(self.secret)
        )

    def scramKeys(self, hash: str, salt: bytes) -> ScramKeys | None:
        """
        Return the keys by which a client can prove the password.  Where that is stored as
        it is, they are computed, which takes some milliseconds.

        @param hash: the hash that they are for.
        @param salt: the salt for a password that is stored as it is.

        @return: the keys; L{None} if there are none for this hash.
        """
        if self.isPlain:
            password = prepared(asBytes(self.secret))
            return ScramKeys.derived(hash, password, salt, _ITERATIONS)
        keys = None if self.hash is None else self.hash.scramKeys
        return keys if keys is not None and keys.hash == hash else None

    def __repr__(self) -> str:
        """
        Show it without what is stored.
        """
        return f"StoredSecret({self.name!r})"


def scramVerdict(
    stored: StoredSecret, usual: StoredSecret | None, name: bytes, hash: str, salt: bytes
) -> Verdict:
    """
    Return the verdict on a user who wants to prove a password by SCRAM.  It takes the
    same work whether there is such a user or not.

    @param stored: what is stored for them.
    @param usual: a user with keys like those of most, as L{ScramSurvey.usual} returns it.
    @param name: the name by which they were looked up.
    @param hash: the hash of the mechanism.
    @param salt: the salt for a password that is stored as it is.

    @return: a verdict with the keys that the client has to prove; or, if there are none,
        with what it is to expect.
    """
    keys = stored.scramKeys(hash, salt)
    if keys is not None:
        why = WRONG_PASSWORD
        return Verdict(Kind.REFUSED, stored.name, why, doubt=stored.doubt, keys=keys)
    others = None if usual is None else usual.scramKeys(hash, salt)
    expected = None
    if usual is not None and others is not None:
        expected = others.iterations, len(others.salt), not usual.isPlain
    why = stored.flaw or (
        f"no keys for {mechanismOf(hash)}" if stored.name else NO_SUCH_USER
    )
    return Verdict(Kind.REFUSED, name, why, doubt=stored.doubt, expected=expected)


__all__ = ["StoredKind", "StoredSecret", "scramVerdict"]
