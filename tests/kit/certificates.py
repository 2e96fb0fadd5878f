"""
Certificates that tests issue, as complete as Python 3.13 wants them.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PEM = serialization.Encoding.PEM
_DAY = timedelta(days=1)
# Python 3.10 has no other name for it.
_UTC = timezone.utc  # noqa: UP017


class Authority:
    """
    An authority that issues certificates to the names that a test gives.

    @ivar file: the path of its certificate.
    """

    def __init__(
        self, directory: Path, name: str = "ca", above: Authority | None = None
    ) -> None:
        """
        @param directory: the directory for its files.
        @param name: its name.
        @param above: the authority that issues its certificate; itself if L{None}.
        """
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            (above or self)
            ._builder(self._name, self._key, datetime.now(_UTC) + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .add_extension(usage, True)
        )
        signer = self._key if above is None else above._key
        certificate = builder.sign(signer, hashes.SHA256())
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(_PEM))

    def certify(
        self, name: str, *hosts: str, isExpired: bool = False
    ) -> tuple[Path, Path]:
        """
        Issue a certificate, with a key.

        @param name: its name.
        @param hosts: the host names and IP addresses that it has.
        @param isExpired: whether it has expired.

        @return: the paths of the certificate and of the key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(_UTC) + (-_DAY if isExpired else _DAY)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            self._builder(_named(name), key, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(x509.ExtendedKeyUsage(both), False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(_PEM))
        files[1].touch(0o600)
        files[1].write_bytes(
            key.private_bytes(
                _PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _builder(self, subject: x509.Name, key: Any, until: datetime) -> Any:
        """
        Return what builds a certificate.
        """
        mine = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - 7 * _DAY)
            .not_valid_after(until)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(mine), False
            )
        )


def _named(name: str) -> x509.Name:
    """
    Return a name for a certificate.
    """
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    """
    Return a host name or an IP address for a certificate.
    """
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
