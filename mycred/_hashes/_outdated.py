"""
Which hashes are weaker than those that are made today.
"""

from __future__ import annotations

from collections.abc import Callable

from ._making import MAKERS
from ._recognize import Hash


def _never(hash: Hash) -> bool:
    """
    Return L{False}: an attacker needs much memory for each guess.
    """
    return False


def _isBelow(scheme: str, implied: int) -> Callable[[Hash], bool]:
    """
    Return what tells whether a hash costs less than those that are made.

    @param scheme: the maker of the same kind.
    @param implied: the cost of a hash that has none written.
    """
    return lambda hash: int(hash.cost or implied) < MAKERS[scheme].usualCost


# By the name of the scheme.  Any other one is weaker than bcrypt.
_RULES: dict[str, Callable[[Hash], bool]] = {
    "argon2": _never,
    "gost-yescrypt": _never,
    "SM3-yescrypt": _never,
    "scrypt": _never,
    "yescrypt": _never,
    "bcrypt": _isBelow("bcrypt", 0),
    "SHA-256-crypt": _isBelow("sha512", 5000),
    "SHA-512-crypt": _isBelow("sha512", 5000),
    "SM3-crypt": _isBelow("sha512", 5000),
}


# By the name of the scheme: how many bytes of a password count, where not all do.
_COUNTED = {"bcrypt": 72, "DES": 8}


def isOutdated(hash: Hash, password: bytes) -> bool:
    """
    Return whether a hash is weaker than one that L{make<mycred.hashes.make>} makes at the
    usual cost, and can be replaced.

    Keys of SCRAM never are: a hash in their place would end logins by SCRAM.

    @param password: a password that the hash matches.  If not all of it counts for the
        hash, the rest may be wrong: made of it, a new one would lock its user out.
    """
    if hash.scramKeys is not None:
        return False
    if len(password) > _COUNTED.get(hash.scheme.name, len(password)):
        return False
    if hash.scheme.name == "DES" and not password.isascii():
        # Seven bits of each byte count.
        return False
    rule = _RULES.get(hash.scheme.name)
    return rule is None or rule(hash)


__all__ = ["isOutdated"]
