"""
Making hashes, for password files.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from . import _argon2, _bcrypt, _libcrypt

_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Maker(NamedTuple):
    """
    A way to hash a new password.

    @ivar make: hash a password at a cost.  It raises L{ValueError} if it can't,
        with a text that says why.
    @ivar costs: the costs that it takes.
    @ivar usualCost: the cost to take if nothing is said: a fifth of a second or
        so.
    @ivar meaning: what the cost is.
    """

    make: Callable[[bytes, int], bytes]
    costs: range
    usualCost: int
    meaning: str


def _bcryptHash(password: bytes, cost: int) -> bytes:
    """
    Hash a password with bcrypt, as C{htpasswd -B} does.
    """
    import bcrypt

    if len(password) > _bcrypt.LONGEST:
        raise ValueError(
            f"only the first {_bcrypt.LONGEST} bytes of a password count, and this one "
            "is longer"
        )
    # Of two names for one thing, the one that Apache's library knows.
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).replace(b"$2b$", b"$2y$", 1)


def _argon2Hash(password: bytes, cost: int) -> bytes:
    """
    Hash a password with Argon2id: 64 MiB, 4 lanes (RFC 9106, section 4).
    """
    missing = _argon2.lacks()
    if missing is not None:
        raise ValueError(f"it needs {missing}")
    from argon2 import exceptions, low_level

    salt = secrets.token_bytes(16)
    try:
        return low_level.hash_secret(
            password, salt, cost, 65_536, 4, 32, low_level.Type.ID
        )
    except exceptions.HashingError as error:
        raise ValueError(str(error)) from None


def _sha512Hash(password: bytes, cost: int) -> bytes:
    """
    Hash a password with SHA-512-crypt.
    """
    if len(password) > _libcrypt.LONGEST_SHA:
        raise ValueError(
            f"a password of more than {_libcrypt.LONGEST_SHA} bytes is never taken"
        )
    salt = "".join(secrets.choice(_DIGITS) for _ in range(16))
    hashed = _libcrypt.crypt(password, f"$6$rounds={cost}${salt}$".encode("ascii"))
    if hashed is None:
        raise ValueError("the system's libcrypt can't make it of this password")
    return hashed


#: The ways, by the names that a command line has for them.
MAKERS = {
    "bcrypt": Maker(_bcryptHash, range(4, 18), 12, "the logarithm of the rounds"),
    "argon2id": Maker(_argon2Hash, range(1, 17), 3, "the passes over 64 MiB"),
    "sha512": Maker(_sha512Hash, range(1000, 10_000_001), 500_000, "the rounds"),
}

__all__ = ["MAKERS", "Maker"]
