"""
The server's side of TLS: its private key, and the certificate for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate
from OpenSSL.crypto import X509, PKey

from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger

from .._certificates import parseCertificates
from .._secrets import printable
from ._kept import KeptFiles
from ._unusable import UnusableFile, unusable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        PrivateKeyTypes,
        PublicKeyTypes,
    )

_log = Logger()


@dataclass(frozen=True, eq=False)
class ServerCertificate:
    """
    What a server proves its identity by.

    @ivar key: the private key.
    @ivar certificate: the certificate for it.
    @ivar chain: the certificates of the authorities above it, as far as clients may not
        know them.
    """

    key: PrivateKeyTypes
    certificate: Certificate
    chain: Sequence[Certificate]

    def options(self) -> CertificateOptions:
        """
        Return Twisted's options for it.
        """
        return CertificateOptions(
            # Not all keys are for TLS, which is found out when the files are read.
            privateKey=PKey.from_cryptography_key(self.key),  # type: ignore[arg-type]
            certificate=X509.from_cryptography(self.certificate),
            extraCertChain=[X509.from_cryptography(one) for one in self.chain],
        )


def keptCertificate(
    privateKey: str, certKey: str | None = None, extraCertChain: str | None = None
) -> KeptFiles[ServerCertificate]:
    """
    Return the certificate of a server, which is read again when its files differ.

    @param privateKey: the path of the private key.
    @param certKey: the path of the certificate, and of others of its chain; the same if
        L{None}.
    @param extraCertChain: the path of the others, if they stand in another file.

    @raise OSError: if a file can't be read.
    @raise UnusableFile: if one can't be used.
    """
    named = {"privateKey": privateKey}
    if certKey is not None and certKey != privateKey:
        named["certKey"] = certKey
    if extraCertChain is not None:
        named["extraCertChain"] = extraCertChain

    def parse(texts: Sequence[bytes]) -> ServerCertificate:
        return serverCertificate(named, dict(zip(named, texts)))

    return KeptFiles(list(named.values()), parse)


def serverCertificate(
    paths: dict[str, str], texts: dict[str, bytes]
) -> ServerCertificate:
    """
    Return the certificate of a server.

    @param paths: the paths of the files, by the name of the option: C{privateKey}, and
        perhaps C{certKey} and C{extraCertChain}.
    @param texts: what they hold, by the same names.

    @raise UnusableFile: if that can't be used.
    """
    with unusable(" and ".join(f"{name}={path}" for name, path in paths.items())):
        return _parse(paths, texts)


def _parse(paths: dict[str, str], texts: dict[str, bytes]) -> ServerCertificate:
    """
    Return the certificate of a server, or fail in any of many ways.
    """
    key = keyIn(texts["privateKey"], f"privateKey={paths['privateKey']}")
    option = "certKey" if "certKey" in texts else "privateKey"
    where = f"{option}={paths[option]}"
    missing = "" if "certKey" in texts else "certKey is missing, and "
    certificate, *chain = certificatesIn(texts[option], missing + where)
    if _publicBytes(certificate.public_key()) != _publicBytes(key.public_key()):
        raise UnusableFile(
            f"the first certificate in {paths[option]} is not for the key in "
            f"{paths['privateKey']}"
        )
    if "extraCertChain" in texts:
        more = f"extraCertChain={paths['extraCertChain']}"
        chain += certificatesIn(texts["extraCertChain"], more)
    _warnOfTime(certificate, where)
    served = ServerCertificate(key, certificate, chain)
    # OpenSSL may find it too weak, for instance.
    served.options().getContext()
    return served


def keyIn(text: bytes, where: str) -> PrivateKeyTypes:
    """
    Return the private key in a file.

    @param text: what the file holds.
    @param where: the option that names the file, with the path.

    @raise UnusableFile: if there is none, or it takes a passphrase.
    """
    try:
        return load_pem_private_key(text, None)
    except TypeError:
        path = where.partition("=")[2]
        raise UnusableFile(
            f"{where} takes a passphrase, which a server can't type; write the key "
            f"without one: openssl pkey -in {path} -out FILE"
        ) from None
    except (UnsupportedAlgorithm, ValueError):
        raise UnusableFile(f"{where} holds no private key in PEM") from None


def certificatesIn(text: bytes, where: str) -> list[Certificate]:
    """
    Return the certificates in a file, at least one.

    @param text: what the file holds.
    @param where: the option that names the file, with the path.

    @raise UnusableFile: if there is none, or a part is cut off.
    """
    with unusable(where):
        found = parseCertificates(text)
    if not found:
        raise UnusableFile(f"{where} holds no certificate in PEM")
    return list(found)


def _warnOfTime(certificate: Certificate, where: str) -> None:
    """
    Log a certificate that clients refuse now.
    """
    now = datetime.now(timezone.utc)  # noqa: UP017  (Python 3.10)
    isEarly = now < certificate.not_valid_before_utc
    if isEarly or now > certificate.not_valid_after_utc:
        _log.warn(
            "{where}: clients refuse this certificate, which {why}",
            where=printable(where),
            why="isn't valid yet" if isEarly else "has expired",
        )


def _publicBytes(key: PublicKeyTypes) -> bytes:
    """
    Return the bytes by which public keys are compared.
    """
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


__all__ = [
    "ServerCertificate",
    "certificatesIn",
    "keptCertificate",
    "keyIn",
    "serverCertificate",
]
