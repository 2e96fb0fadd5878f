"""
Make hashes of new passwords.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .._secrets import LONGEST, asBytes, isPlausible
from . import _argon2, _bcrypt, _libcrypt, _scram

_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Maker(NamedTuple):
    """
    A way to hash a new password.

    @ivar make: return a password's hash at a cost.  It raises L{ValueError} if it
        can't, with a text that says why.
    @ivar costs: the costs that it takes.
    @ivar usualCost: the cost to take if nothing is said: a fifth of a second or
        so, if it isn't the client's time.
    @ivar meaning: what the cost is.
    """

    make: Callable[[bytes, int], bytes]
    costs: range
    usualCost: int
    meaning: str


def make(password: bytes | str, scheme: str = "bcrypt", cost: int | None = None) -> bytes:
    """
    Return the hash of a new password, with a salt of its own.

    This takes as long as verifying will, a fifth of a second at the usual cost: in a
    server, run it in L{Workers<mycred.workers.Workers>}.

    @param password: the password; text stands for its UTF-8.
    @param scheme: C{bcrypt}, C{argon2id} (which needs argon2-cffi), C{sha512}
        (SHA-512-crypt, for C{/etc/shadow}), C{scram-sha-256} or C{scram-sha-1} (keys of
        SCRAM, by which a client can prove the password without sending it).
    @param cost: for C{bcrypt} the logarithm of the rounds, 4 to 17, 12 if not given;
        for C{argon2id} the passes over 64 MiB, 1 to 16, 3 if not given; for C{sha512}
        the rounds, 1,000 to 10,000,000, 500,000 if not given; for keys of SCRAM the
        rounds, 4,096 to 65,536, 4,096 if not given: at each login the client's machine
        computes them.

    @raise ValueError: if no hash can be made so; the text says why, without the
        password.
    """
    secret = asBytes(password)
    if not secret:
        raise ValueError("the password is empty")
    if not isPlausible(secret):
        raise ValueError(f"a password holds no NUL, and is at most {LONGEST} bytes long")
    usual = costOf(scheme, cost)
    try:
        return MAKERS[scheme].make(secret, usual)
    except ValueError as error:
        raise ValueError(f"{scheme}: {error}") from None


def costOf(scheme: str, cost: int | None = None) -> int:
    """
    Return the cost at which a password is hashed.

    @param scheme: one of L{MAKERS}.
    @param cost: the cost that is asked for; L{None} for the usual one.

    @raise ValueError: if there is no such scheme, or it doesn't take this cost.
    """
    maker = MAKERS.get(scheme)
    if maker is None:
        raise ValueError(f"scheme: write one of {', '.join(MAKERS)}")
    if cost is None:
        return maker.usualCost
    if cost not in maker.costs:
        raise ValueError(
            f"for {scheme} it is {maker.meaning}, {maker.costs[0]} to {maker.costs[-1]}"
        )
    return cost


def _bcryptHash(password: bytes, cost: int) -> bytes:
    """
    Return a password's hash by bcrypt, as C{htpasswd -B} does.
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
    Return a password's hash by Argon2id: 64 MiB, 4 lanes (RFC 9106, section 4).
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
    Return a password's hash by SHA-512-crypt.
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


def _scramMaker(hash: str) -> Maker:
    """
    Return the way to make keys of SCRAM.
    """
    # Fewer rounds are refused by Dovecot, and by many clients (RFC 7677, section 4), more
    # by all clients with Cyrus SASL, such as mbsync.
    costs = range(4096, 65_537)
    return Maker(partial(_scram.make, hash), costs, 4096, "the client's rounds")


#: The ways, by the names that a command line has for them.
MAKERS = {
    "bcrypt": Maker(_bcryptHash, range(4, 18), 12, "the logarithm of the rounds"),
    "argon2id": Maker(_argon2Hash, range(1, 17), 3, "the passes over 64 MiB"),
    "sha512": Maker(_sha512Hash, range(1000, 10_000_001), 500_000, "the rounds"),
    "scram-sha-256": _scramMaker("sha256"),
    "scram-sha-1": _scramMaker("sha1"),
}

__all__ = ["MAKERS", "Maker", "costOf", "make"]
