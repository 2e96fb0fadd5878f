"""
Why a certificate doesn't let anybody in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

#: What cryptography raises where a certificate isn't as it should be: it parses most
#: parts when they are first asked for.
FLAWS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Untrusted(ValueError):
    """
    A certificate is refused.  The text says why, for the log.
    """


class Undecided(Exception):
    """
    Nothing can be said about certificates now.  The text says what is missing, for the
    log.
    """


@contextmanager
def refusingFlaws(what: str = "the certificate") -> Iterator[None]:
    """
    Refuse a certificate of which a part can't be read.

    @param what: what is read, for the log.

    @raise Untrusted: if an error within the block shows that.
    """
    try:
        yield
    except Untrusted:
        raise
    except FLAWS as error:
        raise Untrusted(f"{what} is malformed: {error}") from None


__all__ = ["FLAWS", "Undecided", "Untrusted", "refusingFlaws"]
