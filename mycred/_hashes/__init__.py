"""
Stored hashes: recognize one, verify a password against it, make one.

L{verify} is pure: bytes in, a verdict out.  The schemes stand in one table, in
C{_schemes}; how each is verified, in a module for each family.  L{mycred.hashes} shows
what other programs may use.
"""

from ._making import MAKERS, costOf, make
from ._outdated import isOutdated
from ._recognize import (
    Hash,
    UnusableHash,
    isMeantAsHash,
    preload,
    recognize,
    recognizeCrypt,
    verify,
)

__all__ = [
    "MAKERS",
    "Hash",
    "UnusableHash",
    "costOf",
    "isMeantAsHash",
    "isOutdated",
    "make",
    "preload",
    "recognize",
    "recognizeCrypt",
    "verify",
]
