"""
Keys of SCRAM, as a hash of a password: what a client proves to have without sending it
serves a login that sends it, too.
"""

from __future__ import annotations

import re
import secrets

from .._scram import ScramKeys, isAbsurd, keysIn, prepared, written

# The size of a salt, in bytes, as doveadm and PostgreSQL have it.
_SALT = 16


def verify(form: re.Pattern[bytes], hash: str, stored: bytes, password: bytes) -> bool:
    """
    Return whether keys were made of a password.

    @param form: the form of the keys.
    @param hash: the name of their hash in L{hashlib}.
    @param stored: keys that the form matches.
    @param password: a password.
    """
    return keysIn(form, hash, stored).matches(prepared(password))


def make(hash: str, password: bytes, iterations: int) -> bytes:
    """
    Return the keys of a new password, as Dovecot writes them.

    @param hash: the name of the hash in L{hashlib}.
    """
    salt = secrets.token_bytes(_SALT)
    return written(ScramKeys.derived(hash, prepared(password), salt, iterations))


__all__ = ["isAbsurd", "keysIn", "make", "verify"]
