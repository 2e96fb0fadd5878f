"""
Stored hashes: recognize one, verify a password against it, make one.

L{verify} is pure: bytes in, a verdict out.  The schemes stand in one table, in
C{_schemes}; how each is verified, in a module for each family.
"""

from ._making import MAKERS, Maker
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
    "Maker",
    "UnusableHash",
    "isMeantAsHash",
    "preload",
    "recognize",
    "recognizeCrypt",
    "verify",
]
