"""
Parse files of certificates and of lists of revoked ones, in PEM (RFC 7468) or DER.

A file counts as a whole or not at all: what is cut off, or is something else, may be what
would have refused somebody.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from typing import TypeVar

from cryptography import x509

from ._errors import Untrusted, refusingFlaws
from ._strength import insistOnStrongSignature

_T = TypeVar("_T")

_BEGIN = b"-----BEGIN "

# What a certificate and a list begin with in DER.
_SEQUENCE = b"0"

# So much is decoded at a time, in bytes: in one call, a list of 100,000 would keep the
# reactor's thread waiting.  Of base64, which is decoded by four.
_PIECE = 2**18


def parseAuthorities(text: bytes) -> tuple[x509.Certificate, ...]:
    """
    Return the certificates of authorities.

    @param text: what the file holds: blocks C{CERTIFICATE}, or one certificate in DER.

    @raise ValueError: if one is malformed or isn't an authority's, or there is none.
    """
    what = "certificate of an authority"
    with refusingFlaws(f"a {what}"):
        found = _parsed(text, b"CERTIFICATE", x509.load_der_x509_certificate, what)
        for certificate in found:
            if not isAuthority(certificate):
                name = certificate.subject.rfc4514_string()
                raise Untrusted(f"{name} is no authority (CA:TRUE is missing)")
    return found


def parseRevocations(text: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    """
    Return lists of revoked certificates (RFC 5280, section 5).

    @param text: what the file holds: blocks C{X509 CRL}, or one list in DER.

    @raise ValueError: if one is malformed, lists only a part, or doesn't say until when
        it is good, or there is none.
    """
    what = "list of revoked certificates"
    with refusingFlaws(f"a {what}"):
        found = _parsed(text, b"X509 CRL", x509.load_der_x509_crl, what)
        for revocations in found:
            name = revocations.issuer.rfc4514_string()
            try:
                _insistOnComplete(revocations)
            except Untrusted as error:
                raise Untrusted(f"the list by {name} can't be used: {error}") from None
    return found


def isText(text: bytes) -> bool:
    """
    Return whether what a file holds is PEM.
    """
    return _BEGIN in text


def isAuthority(certificate: x509.Certificate) -> bool:
    """
    Return whether a certificate says that it is an authority's.

    @raise ValueError: and others, if its extensions are malformed.
    """
    try:
        constraints = certificate.extensions.get_extension_for_class(
            x509.BasicConstraints
        )
    except x509.ExtensionNotFound:
        return False
    return constraints.value.ca


def _parsed(
    text: bytes, label: bytes, parse: Callable[[bytes], _T], what: str
) -> tuple[_T, ...]:
    """
    Return what the blocks of a file hold.
    """
    if not text.strip():
        raise Untrusted(f"there is no {what} in it")
    if not isText(text) and text[:1] != _SEQUENCE:
        raise Untrusted(f"it is neither in DER nor in PEM ({_begin(label)})")
    return tuple(map(parse, _blocks(text, label) if isText(text) else [text]))


def _blocks(text: bytes, label: bytes) -> list[bytes]:
    """
    Return the contents of PEM blocks, in DER.

    @raise Untrusted: if a block has another label, or no end.
    """
    begin, end = _begin(label).encode(), b"-----END " + label + b"-----"
    blocks: list[bytes] = []
    at = text.find(_BEGIN)
    while at >= 0:
        if not text.startswith(begin, at):
            other = re.sub(rb"[^ -~].*", b"", text[at : at + 40], flags=re.DOTALL)
            raise Untrusted(f"it holds {other.decode()}, and not only {_begin(label)}")
        stop = text.find(end, at)
        if stop < 0:
            raise Untrusted(f"{end.decode()} is missing: it is cut off")
        blocks.append(_decoded(text[at + len(begin) : stop]))
        at = text.find(_BEGIN, stop)
    return blocks


def _begin(label: bytes) -> str:
    """
    Return the line that begins a PEM block.
    """
    return f"-----BEGIN {label.decode()}-----"


def _decoded(text: bytes) -> bytes:
    """
    Return what base64 stands for.
    """
    dense = text.translate(None, b" \t\r\n")
    pieces = (dense[at : at + _PIECE] for at in range(0, len(dense), _PIECE))
    return b"".join(b64decode(piece, validate=True) for piece in pieces)


def _insistOnComplete(revocations: x509.CertificateRevocationList) -> None:
    """
    Insist on a list that holds all that its issuer has revoked, and has an end.

    @raise Untrusted: if it may not.
    """
    for extension in revocations.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            raise Untrusted("it lists only what has changed since another (delta CRL)")
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            point = extension.value
            if point.indirect_crl:
                raise Untrusted("it is by another issuer than the certificates")
            if point.only_some_reasons or point.only_contains_attribute_certs:
                raise Untrusted("it lists only a part of what is revoked")
    if revocations.next_update_utc is None:
        raise Untrusted("it doesn't say when the next one comes (nextUpdate)")
    insistOnStrongSignature(revocations)


__all__ = ["isAuthority", "isText", "parseAuthorities", "parseRevocations"]
