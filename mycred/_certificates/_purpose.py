"""
Whether a certificate is meant for a client of TLS.

The rules are those that OpenSSL calls the purpose C{sslclient}, which pyOpenSSL can't ask
for, and one more: an authority's certificate is nobody's.
"""

from __future__ import annotations

from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ._errors import Untrusted
from ._pem import isAuthority

_E = TypeVar("_E", bound=x509.ExtensionType)

# The extension that said it before there were others (Netscape Certificate Type), and
# what stands in it for a client: a BIT STRING of one byte, its first bit set.
_NETSCAPE = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
_BIT_STRING, _CLIENT = 3, 0x80


def insistOnUser(certificate: x509.Certificate) -> None:
    """
    Insist on a certificate of a client.

    @raise Untrusted: if it is for something else.
    @raise ValueError: and others, if it is malformed.
    """
    if isAuthority(certificate):
        raise Untrusted("it is the certificate of an authority")
    usage = _extension(certificate, x509.KeyUsage)
    if usage and not (usage.digital_signature or usage.key_agreement):
        raise Untrusted("its key isn't for signatures (keyUsage)")
    _insistOnExtendedUsage(certificate)
    for extension in certificate.extensions:
        if extension.oid == _NETSCAPE and not _isForClients(extension.value):
            raise Untrusted("it isn't for clients (nsCertType)")


def insistOnAuthority(certificate: x509.Certificate) -> None:
    """
    Insist on a certificate of an authority that may vouch for clients.  OpenSSL takes old
    ones for authorities that don't say so.

    @raise Untrusted: if it isn't one.
    @raise ValueError: and others, if it is malformed.
    """
    if not isAuthority(certificate):
        name = certificate.subject.rfc4514_string()
        raise Untrusted(f"its issuer {name} is no authority")
    _insistOnExtendedUsage(certificate)


def _insistOnExtendedUsage(certificate: x509.Certificate) -> None:
    """
    Insist on C{clientAuth} where a certificate says at all what it is for.  As in
    OpenSSL, C{anyExtendedKeyUsage} doesn't stand for it.
    """
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if usages is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        name = certificate.subject.rfc4514_string()
        raise Untrusted(f"{name} isn't for clients (extendedKeyUsage)")


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    """
    Return an extension, or L{None} if there is none of this kind.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _isForClients(netscape: x509.ExtensionType) -> bool:
    """
    Return whether Netscape's extension names clients.
    """
    if not isinstance(netscape, x509.UnrecognizedExtension):
        return False
    value = netscape.value
    return len(value) == 4 and value[0] == _BIT_STRING and bool(value[3] & _CLIENT)


__all__ = ["insistOnAuthority", "insistOnUser"]
