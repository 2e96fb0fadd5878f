"""
The clients' side of TLS: which certificates a server accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificateRevocationList,
    ExtensionNotFound,
    load_der_x509_crl,
    load_pem_x509_crl,
)
from OpenSSL.crypto import X509, X509Store, X509StoreFlags

from twisted.logger import Logger

from .._secrets import printable
from ._kept import KeptFiles
from ._server import certificatesIn
from ._settings import TLSOptions
from ._unusable import UnusableFile, unusable

_log = Logger()

_PEM_BEGINNING = b"-----BEGIN X509 CRL-----"


@dataclass(frozen=True, eq=False)
class ClientAuthorities:
    """
    The authorities whose certificates clients may present.

    @ivar certificates: their certificates.
    @ivar lists: what they have revoked; if there are none, nothing counts as revoked.
    """

    certificates: Sequence[Certificate]
    lists: Sequence[CertificateRevocationList] = ()

    def addTo(self, store: X509Store) -> None:
        """
        Add them to a store, which trusts them then.

        OpenSSL verifies clients' certificates by it, with the purpose C{clientAuth} and
        the time of each handshake.  With lists, each certificate of a chain must stand
        in none of a current one by its issuer: without that list it is refused.
        """
        for certificate in self.certificates:
            store.add_cert(X509.from_cryptography(certificate))
        for one in self.lists:
            store.add_crl(one)
        if self.lists:
            store.set_flags(X509StoreFlags.CRL_CHECK | X509StoreFlags.CRL_CHECK_ALL)


def keptAuthorities(settings: TLSOptions) -> KeptFiles[ClientAuthorities] | None:
    """
    Return the authorities of clients' certificates, which are read again when their files
    differ; L{None} if clients aren't asked for one.

    @raise OSError: if a file can't be read.
    @raise UnusableFile: if one can't be used.
    """
    ca, crl = settings.clientCA, settings.crl
    if ca is None:
        return None

    def parse(texts: Sequence[bytes]) -> ClientAuthorities:
        with unusable(f"clientCA={ca}"):
            authorities = ClientAuthorities(_authoritiesIn(texts[0], f"clientCA={ca}"))
            authorities.addTo(X509Store())
        if crl is None:
            return authorities
        with unusable(f"crl={crl}"):
            lists = _listsIn(texts[1], f"crl={crl}")
            _insistOnLists(authorities.certificates, lists, f"crl={crl}")
            authorities = replace(authorities, lists=lists)
            authorities.addTo(X509Store())
        return authorities

    return KeptFiles([ca] if crl is None else [ca, crl], parse)


def _authoritiesIn(text: bytes, where: str) -> list[Certificate]:
    """
    Return the certificates of authorities in a file.

    @raise UnusableFile: if no client's certificate could be verified by them.
    """
    certificates = certificatesIn(text, where)
    for certificate in certificates:
        if not _isAuthority(certificate):
            raise UnusableFile(
                f"{where} holds the certificate of {_name(certificate.subject)}, which "
                "is no authority's; write the file of those that issue certificates"
            )
    if all(one.subject != one.issuer for one in certificates):
        issuer = _name(certificates[-1].issuer)
        raise UnusableFile(
            f"{where} holds no root, by which a chain would end; add the certificate of "
            f"{issuer}"
        )
    return certificates


def _isAuthority(certificate: Certificate) -> bool:
    """
    Return whether a certificate says that it is an authority's.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(BasicConstraints)
    except (ExtensionNotFound, ValueError):
        return False
    return extension.value.ca


def _listsIn(text: bytes, where: str) -> list[CertificateRevocationList]:
    """
    Return the lists of revoked certificates in a file, at least one.
    """
    try:
        if _PEM_BEGINNING in text:
            pieces = text.split(_PEM_BEGINNING)[1:]
            return [load_pem_x509_crl(_PEM_BEGINNING + piece) for piece in pieces]
        return [load_der_x509_crl(text)]
    except ValueError:
        raise UnusableFile(
            f"{where} holds no list of revoked certificates (CRL) in PEM or DER"
        ) from None


def _insistOnLists(
    certificates: Sequence[Certificate],
    lists: Sequence[CertificateRevocationList],
    where: str,
) -> None:
    """
    Insist on a list by each authority, and log those that are out of date.

    @raise UnusableFile: if one is missing.
    """
    now = datetime.now(timezone.utc)  # noqa: UP017  (Python 3.10)
    for certificate in certificates:
        name = _name(certificate.subject)
        its = [one for one in lists if _isBy(certificate, one)]
        if not its:
            raise UnusableFile(
                f"{where} holds no list by {name}, whose certificates would all be "
                "refused; append its list to the file"
            )
        if not any(_isCurrent(one, now) for one in its):
            _log.warn(
                "{where}: the list by {name} is out of date, so that all of its "
                "certificates are refused",
                where=printable(where),
                name=name,
            )


def _isBy(certificate: Certificate, one: CertificateRevocationList) -> bool:
    """
    Return whether an authority has issued a list.
    """
    if one.issuer != certificate.subject:
        return False
    try:
        return one.is_signature_valid(certificate.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        # By a key of another kind.
        return False


def _isCurrent(one: CertificateRevocationList, now: datetime) -> bool:
    """
    Return whether a list counts now.
    """
    until = one.next_update_utc
    return one.last_update_utc <= now and (until is None or now <= until)


def _name(name: object) -> str:
    """
    Return the name of an authority, as messages show it.
    """
    return printable(name.rfc4514_string())  # type: ignore[attr-defined]


__all__ = ["ClientAuthorities", "keptAuthorities"]
