"""
Argon2 (U{RFC 9106<https://www.rfc-editor.org/rfc/rfc9106>}), by argon2-cffi.
"""

from __future__ import annotations

import re
from importlib.util import find_spec

from .._extras import installing

# Base64 without padding, of so many characters at least.
_base64 = rb"(?:[A-Za-z0-9+/]{4}){%d,43}(?:[A-Za-z0-9+/]{2,3})?"

# Without a version it is 1.0.  The salt has 8 bytes at least, and the tag 15.
complete = re.compile(
    rb"\$argon2(?:id|i)\$(?:v=(?:16|19)\$)?(?P<cost>m=\d{1,9},t=\d{1,9},p=\d{1,9})"
    rb"\$%s\$%s" % (_base64 % 2, _base64 % 5)
)

# The largest parameters that a hash may have: memory in KiB, memory times passes over
# it, threads at a time (lanes), and lanes times passes, since each pass starts its
# threads anew.
_MOST_MEMORY = 2**20
_MOST_WORK = 2**24
_MOST_LANES = 64
_MOST_STARTS = 1024


def isAbsurd(cost: bytes) -> bool:
    """
    Return whether parameters are absurd.

    @param cost: the parameters, C{m=MEMORY,t=PASSES,p=LANES}.
    """
    memory, passes, lanes = (int(field[2:]) for field in cost.split(b","))
    return (
        memory > _MOST_MEMORY
        or memory * passes > _MOST_WORK
        or lanes > _MOST_LANES
        or passes * lanes > _MOST_STARTS
    )


def verify(stored: bytes, password: bytes) -> bool:
    """
    Return whether a hash was made of a password.

    @param stored: a hash that L{complete} matches.
    @param password: a password.

    @raise ValueError: if it is no hash after all.
    @raise MemoryError: if there is not enough memory, or there are too many
        threads, for it now.
    """
    from argon2.exceptions import Argon2Error, VerifyMismatchError
    from argon2.low_level import Type, error_to_str, verify_secret

    kind = Type.ID if stored.startswith(b"$argon2id$") else Type.I
    try:
        return verify_secret(stored, password, kind)
    except VerifyMismatchError:
        return False
    except Argon2Error as error:
        # ARGON2_MEMORY_ALLOCATION_ERROR and ARGON2_THREAD_FAIL say nothing
        # about the password.
        if str(error) in (error_to_str(-22), error_to_str(-33)):
            raise MemoryError(str(error)) from None
        raise ValueError(str(error)) from None


def lacks() -> str | None:
    """
    Return what is missing for it, or L{None}.
    """
    if find_spec("argon2") is None:
        return f"argon2-cffi ({installing('argon2')})"
    return None


__all__ = ["complete", "isAbsurd", "lacks", "verify"]
