"""
Check the files that C{ssl:} names before the server listens: OpenSSL's own messages don't
say which file is wrong, and it would ask for a passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        PrivateKeyTypes,
        PublicKeyTypes,
    )
    from cryptography.x509 import Certificate


def checkTLSFiles(given: Mapping[str, str]) -> None:
    """
    Insist on a private key, and a certificate for it.

    @param given: the arguments of C{ssl:}.

    @raise ValueError: if a file is wrong, or TLS isn't installed.
    """
    try:
        import OpenSSL.SSL  # noqa: F401
    except ImportError as error:
        raise ValueError(f"TLS takes pyOpenSSL ({error}): pip install '.[tls]'") from None
    keyPath = given.get("privateKey", "server.pem")
    certificatePath = given.get("certKey", keyPath)
    key = _keyIn(keyPath)
    certificate, *more = _certificatesIn("certKey", certificatePath)
    if _publicBytes(certificate.public_key()) != _publicBytes(key.public_key()):
        raise ValueError(
            f"the certificate in {certificatePath} is not for the key in {keyPath}"
        )
    if "extraCertChain" in given:
        _certificatesIn("extraCertChain", given["extraCertChain"])
    elif more:
        raise ValueError(
            f"certKey={certificatePath} holds {1 + len(more)} certificates, of which "
            "only the first would be sent; write extraCertChain=FILE for the others "
            "(of Let's Encrypt's files: certKey=cert.pem, extraCertChain=chain.pem)"
        )


def _keyIn(path: str) -> PrivateKeyTypes:
    """
    Return the private key in a file.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = _read("privateKey", path)
    try:
        return load_pem_private_key(text, None)
    except TypeError:
        raise ValueError(
            f"privateKey={path} takes a passphrase, which a server can't type; write "
            f"the key without one: openssl pkey -in {path} -out FILE"
        ) from None
    except (UnsupportedAlgorithm, ValueError):
        raise ValueError(f"privateKey={path} holds no private key in PEM") from None


def _certificatesIn(name: str, path: str) -> list[Certificate]:
    """
    Return the certificates in a file, at least one.
    """
    from cryptography.x509 import load_pem_x509_certificates

    text = _read(name, path)
    try:
        return load_pem_x509_certificates(text)
    except ValueError:
        raise ValueError(f"{name}={path} holds no certificate in PEM") from None


def _read(name: str, path: str) -> bytes:
    """
    Return the content of a file.

    @raise ValueError: if it can't be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{name}={path} can't be read ({why})") from None


def _publicBytes(key: PublicKeyTypes) -> bytes:
    """
    Return the bytes by which public keys are compared.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


__all__ = ["checkTLSFiles"]
