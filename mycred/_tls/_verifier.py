"""
What OpenSSL finds wrong with a client's certificate, and whether that counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.x509 import Certificate
from OpenSSL.crypto import X509
from OpenSSL.SSL import Connection

from twisted.logger import Logger

from .._peers import hostOf
from .._secrets import printable
from ._unusable import UnusableFile, unusable

# OpenSSL's numbers of what it finds in lists, or misses there: X509_V_ERR_CRL_... in
# x509_vfy.h, and those of a list that there isn't, and of a certificate that is in one.
_LIST_ERRORS = frozenset((3, 5, 8, 11, 12, 15, 16, 23, 33, 35, 36, 44, 54))

# The usual errors, in words.
_REASONS = {
    3: "there is no list by its issuer",
    8: "the list by its issuer is by another",
    9: "it isn't valid yet",
    10: "it has expired",
    11: "the list by its issuer isn't good yet",
    12: "the list by its issuer is out of date",
    18: "it is by itself",
    19: "it is by an authority that isn't trusted",
    20: "it is by an authority that isn't trusted",
    23: "it is revoked",
    26: "it isn't for clients",
}


class Verifier:
    """
    What OpenSSL asks at each step of verifying a client's certificate.
    """

    _log = Logger()

    def __init__(self, authorities: Iterable[Certificate]) -> None:
        """
        @param authorities: the certificates of the authorities, which are trusted as they
            are.
        """
        self._authorities = {_digest(X509.from_cryptography(one)) for one in authorities}

    def __call__(
        self, connection: Connection, found: X509, error: int, depth: int, isFine: int
    ) -> bool:
        """
        Return whether OpenSSL may go on.

        @param connection: OpenSSL's side of the connection.
        @param found: a certificate of the chain.
        @param error: OpenSSL's number of what is wrong with it.
        @param depth: the place in the chain.
        @param isFine: whether nothing is.
        """
        if isFine:
            return True
        if error in _LIST_ERRORS and _digest(found) in self._authorities:
            # OpenSSL looks for a list by the issuer of the last authority as well.
            return True
        peer = hostOf(connection.get_app_data().getPeer()) or "?"
        self._log.info(
            "Disconnected: {peer}: the certificate of {name} is refused: {why}",
            peer=printable(peer),
            name=_nameOf(found),
            why=_REASONS.get(error, f"OpenSSL's error {error}"),
        )
        return False


def _digest(certificate: X509) -> bytes:
    """
    Return what tells a certificate from others.  It needn't be one that can be parsed
    whole.
    """
    return certificate.digest("sha256")


def _nameOf(certificate: X509) -> str:
    """
    Return the name in a certificate of which nothing has been verified.
    """
    try:
        with unusable(""):
            return printable(certificate.to_cryptography().subject.rfc4514_string())
    except UnusableFile:
        return "?"


__all__ = ["Verifier"]
