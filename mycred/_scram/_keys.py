"""
The keys by which a server knows that a client has the password, without having it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from .._secrets import equal

#: The hashes that SCRAM is used with, by their names in L{hashlib}, and the size of each,
#: in bytes.
HASHES = {"sha1": 20, "sha256": 32}

#: The names that SASL has for the hashes, as they stand in the names of mechanisms.
NAMES = {"sha1": b"SCRAM-SHA-1", "sha256": b"SCRAM-SHA-256"}


def mechanismOf(hash: str) -> str:
    """
    Return the name of the mechanism for a hash, as administrators know it.
    """
    return NAMES.get(hash, b"SCRAM").decode("ascii")


@dataclass(frozen=True)
class ScramKeys:
    """
    What is stored of one password for one mechanism (RFC 5802, section 3).

    @ivar hash: the name of the hash in L{hashlib}: one of L{HASHES}.
    @ivar iterations: how often the password is hashed.
    @ivar salt: the salt.
    @ivar storedKey: what the client's proof is verified with.
    @ivar serverKey: what the server proves with that it has these keys.
    """

    hash: str
    iterations: int
    salt: bytes
    storedKey: bytes = field(repr=False)
    serverKey: bytes = field(repr=False)

    @classmethod
    def derived(
        cls, hash: str, password: bytes, salt: bytes, iterations: int
    ) -> ScramKeys:
        """
        Return the keys of a password.  This blocks: it takes as long as the password is
        to be hashed.

        @param password: the password, prepared (RFC 4013).
        """
        salted = hashlib.pbkdf2_hmac(hash, password, salt, iterations)
        clientKey = hmac.digest(salted, b"Client Key", hash)
        storedKey = hashlib.new(hash, clientKey).digest()
        serverKey = hmac.digest(salted, b"Server Key", hash)
        return cls(hash, iterations, salt, storedKey, serverKey)

    def matches(self, password: bytes) -> bool:
        """
        Return whether these are the keys of a password.  This blocks, as L{derived}.

        @param password: the password, prepared (RFC 4013).
        """
        derived = self.derived(self.hash, password, self.salt, self.iterations)
        return equal(derived.storedKey, self.storedKey)


__all__ = ["HASHES", "NAMES", "ScramKeys", "mechanismOf"]
