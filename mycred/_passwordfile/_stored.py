"""
What is stored for a user, whatever the store, and what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple, Union

from .._files import Signature
from .._hashes import Hash, UnusableHash
from .._scram import HASHES, ScramKeys
from .._scram._saslprep import prepared
from .._secrets import asBytes
from .._verdict import NO_SUCH_USER, WRONG_PASSWORD, Kind, Verdict
from ._layout import Entry

#: How often a password in plain text is hashed at a login by SCRAM: as most programs do
#: it, and as little as RFC 7677 allows.
ITERATIONS = 4096

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

    def verified(self, password: bytes, decoys: Iterable[Hash]) -> StoredSecret:
        """
        Verify a password against the hash.

        @param decoys: what to verify it against where there is no hash, so that users
            without one are refused after the same work: the first that its library
            doesn't refuse.

        @return: the same, with the outcome.
        """
        stored = self
        if stored.hash is not None:
            try:
                return stored._replace(matched=stored.hash.verify(password))
            except UnusableHash as error:
                stored = stored._replace(hash=None, flaw=str(error))
        for decoy in decoys:
            with suppress(UnusableHash):
                decoy.verify(password)
                break
        return stored

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
            return ScramKeys.derived(hash, password, salt, ITERATIONS)
        keys = None if self.hash is None else self.hash.scramKeys
        return keys if keys is not None and keys.hash == hash else None

    def __repr__(self) -> str:
        """
        Show it without what is stored.
        """
        return f"StoredSecret({self.name!r})"


def verdictOn(stored: StoredSecret, isVerified: bool) -> Verdict:
    """
    Return the verdict on a user, by what is stored for them.

    @param isVerified: whether there was a password to verify.
    """
    kind, why = Kind.REFUSED, WRONG_PASSWORD
    secret, isHash = stored.secret, stored.hash is not None
    if stored.matched:
        kind, why = Kind.ACCEPTED, ""
    elif isHash and not isVerified:
        why = "a hash, which can't serve a login that doesn't send the password"
    elif not isHash and not secret:
        why = stored.flaw or NO_SUCH_USER
    return Verdict(
        kind,
        stored.name,
        why,
        # A password that matched came from a complete line.
        doubt=None if stored.matched else stored.doubt,
        isVerified=isHash and isVerified,
        secret=secret,
    )


__all__ = ["ITERATIONS", "StoredKind", "StoredSecret", "verdictOn"]
