"""
The clients' side of TLS: which certificates a server accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from cryptography.x509 import Certificate
from OpenSSL.crypto import X509, X509Store, X509StoreFlags
from OpenSSL.SSL import (
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_PEER,
    Context,
)

from twisted.logger import Logger

from .._certificates import (
    Revocations,
    Trust,
    lackingLists,
    outdatedAuthorities,
    parseAuthorities,
    parseRevocations,
)
from .._secrets import printable
from ._kept import KeptFiles
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


def keptAuthorities(ca: str, crl: str | None = None) -> KeptFiles[ClientAuthorities]:
    """
    Return the authorities of clients' certificates, which are read again when their files
    differ.

    @param ca: the path of their certificates.
    @param crl: the path of the lists of what they have revoked; nothing is if L{None}.

    @raise OSError: if a file can't be read.
    @raise UnusableFile: if one can't be used.
    """

    def parse(texts: Sequence[bytes]) -> ClientAuthorities:
        with unusable(f"clientCA={ca}"):
            certificates = parseAuthorities(texts[0])
            trust = Trust(certificates)
        _warn(f"clientCA={ca}", outdatedAuthorities(certificates))
        if crl is not None:
            with unusable(f"crl={crl}"):
                lists = parseRevocations(texts[1])
                trust = Trust(certificates, Revocations(lists))
            _warn(f"crl={crl}", lackingLists(certificates, lists))
        return ClientAuthorities(certificates, trust)

    return KeptFiles([ca] if crl is None else [ca, crl], parse)


def _warn(where: str, problems: Iterable[str]) -> None:
    """
    Log what isn't good now, so that certificates are refused.

    @param where: the option that names the file, with the path.
    """
    for problem in problems:
        _log.warn(
            "{where}: {problem}, so that clients are refused",
            where=printable(where),
            problem=printable(problem),
        )


__all__ = ["ClientAuthorities", "keptAuthorities"]
