"""
Why a certificate doesn't let anybody in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._x509errors import X509_ERRORS


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
    except X509_ERRORS as error:
        raise Untrusted(f"{what} is malformed: {error}") from None


__all__ = ["Undecided", "Untrusted", "refusingFlaws"]
