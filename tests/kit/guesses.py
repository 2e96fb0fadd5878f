"""
Guesses at an account, as a state sees them.
"""

from __future__ import annotations

from hashlib import blake2b
from math import log2

from mycred._state import Bucket, Guess, Limit

#: The limits of these guesses.
PAIR = Limit(5, 60.0, 600.0)
SOURCE = Limit(20, 60.0, 600.0)
ACCOUNT = Limit(20, 30.0, 600.0)
NEWCOMERS = Limit(50, 30.0, 600.0)

#: How long a source is known, in seconds.
REMEMBER = 86_400.0


def keyOf(*parts: object) -> bytes:
    """
    Return the key of something.
    """
    return blake2b(repr(parts).encode(), digest_size=8).digest()


def guessOf(source: object, account: object, password: object = None) -> Guess:
    """
    Return a guess.
    """
    ofSource = Bucket("address4", keyOf(source), SOURCE)
    return Guess(
        keyOf(account),
        Bucket("pair", keyOf(source, account), PAIR),
        (ofSource, Bucket("newcomers", keyOf(account), NEWCOMERS)),
        (ofSource, Bucket("account", keyOf(account), ACCOUNT)),
        None if password is None else keyOf(source, account, password),
        REMEMBER,
    )


def mostOf(limit: Limit, seconds: float) -> int:
    """
    Return how many guesses a limit lets through within a time, from the first one on.
    """
    return limit.free + 1 + int(log2(seconds + 1))


__all__ = ["NEWCOMERS", "PAIR", "guessOf", "keyOf", "mostOf"]
