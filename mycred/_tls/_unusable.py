"""
One error for all that is wrong with a key, a certificate or a list in a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from OpenSSL import SSL, crypto

from .._x509errors import X509_ERRORS

# What the libraries raise.
_ERRORS: tuple[type[Exception], ...] = (*X509_ERRORS, SSL.Error, crypto.Error)


class UnusableFile(ValueError):
    """
    A file can't be used; the text names it, and says why.
    """


@contextmanager
def unusable(where: str) -> Iterator[None]:
    """
    Turn what libraries raise into L{UnusableFile}.

    @param where: the option that names the file, with the path.

    @raise UnusableFile: if anything within the block finds that the file can't be used.
    """
    try:
        yield
    except UnusableFile:
        raise
    except _ERRORS as error:
        raise UnusableFile(f"{where} can't be used: {_reasonOf(error)}") from None


def _reasonOf(error: Exception) -> str:
    """
    Return what a library says about an error.
    """
    if not isinstance(error, (SSL.Error, crypto.Error)):
        return str(error)
    queue: list[tuple[str, str, str]] = error.args[0] if error.args else []
    return ", ".join(reason for *_, reason in queue) or "OpenSSL doesn't take it"


__all__ = ["UnusableFile", "unusable"]
