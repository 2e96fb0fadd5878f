"""
The clients' side of TLS: which certificates a server accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

from cryptography.x509 import Certificate, CertificateRevocationList
from OpenSSL.crypto import X509, X509Store, X509StoreFlags
from OpenSSL.SSL import (
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_PEER,
    Context,
)

from twisted.logger import Logger

from .._certificates import Revocations, Trust, parseAuthorities, parseRevocations
from .._secrets import printable
from ._kept import KeptFiles
from ._settings import TLSOptions
from ._unusable import unusable
from ._verifier import Verifier

_log = Logger()


@dataclass(frozen=True, eq=False)
class ClientAuthorities:
    """
    The authorities whose certificates clients may present.

    @ivar certificates: their certificates.  Each is trusted by itself, be it a root or
        not.
    @ivar trust: the same, with what they have revoked.
    """

    certificates: Sequence[Certificate]
    trust: Trust

    def askBy(self, context: Context, isRequired: bool) -> None:
        """
        Have the connections of a context ask clients for a certificate.  OpenSSL verifies
        it, with the purpose C{clientAuth} and the time of the handshake.

        @param isRequired: whether clients without one are refused.
        """
        store = cast(X509Store, context.get_cert_store())
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        for certificate in self.certificates:
            store.add_cert(X509.from_cryptography(certificate))
        refusing = VERIFY_FAIL_IF_NO_PEER_CERT if isRequired else 0
        context.set_verify(VERIFY_PEER | refusing, Verifier(self.trust))


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
            certificates = parseAuthorities(texts[0])
            trust = Trust(certificates)
        if crl is not None:
            with unusable(f"crl={crl}"):
                lists = parseRevocations(texts[1])
                trust = Trust(certificates, _revocations(lists))
            _warnOfLists(certificates, lists, f"crl={crl}")
        return ClientAuthorities(certificates, trust)

    return KeptFiles([ca] if crl is None else [ca, crl], parse)


def _revocations(lists: tuple[CertificateRevocationList, ...]) -> Revocations:
    """
    Return lists as they were parsed, which aren't read again.
    """
    return Revocations(lists, "", (0, 0, 0, 0, 0), isText=False)


def _warnOfLists(
    certificates: Sequence[Certificate],
    lists: Sequence[CertificateRevocationList],
    where: str,
) -> None:
    """
    Log authorities without a list that counts now.
    """
    now = datetime.now(timezone.utc)  # noqa: UP017  (Python 3.10)
    current = {one.issuer for one in lists if _isCurrent(one, now)}
    for certificate in certificates:
        if certificate.subject not in current:
            _log.warn(
                "{where}: there is no list by {name} that is good now, so that all "
                "certificates by it are refused",
                where=printable(where),
                name=printable(certificate.subject.rfc4514_string()),
            )


def _isCurrent(one: CertificateRevocationList, now: datetime) -> bool:
    """
    Return whether a list counts now.
    """
    until = one.next_update_utc
    return one.last_update_utc <= now and (until is None or now <= until)


__all__ = ["ClientAuthorities", "keptAuthorities"]
