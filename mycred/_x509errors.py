"""
What C{cryptography} raises of certificates that aren't as they should be.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    DuplicateExtension,
    InvalidVersion,
    UnsupportedGeneralNameType,
)

#: All of it.  Most parts are parsed when they are first asked for.
X509_ERRORS: tuple[type[Exception], ...] = (
    # Of strings of an unknown kind, in older releases.
    KeyError,
    TypeError,
    ValueError,
    DuplicateExtension,
    InvalidVersion,
    UnsupportedAlgorithm,
    UnsupportedGeneralNameType,
)

__all__ = ["X509_ERRORS"]
