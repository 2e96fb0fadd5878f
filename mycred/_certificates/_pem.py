"""
Parse files of certificates and of lists of revoked ones, in PEM (RFC 7468) or DER.

A file counts as a whole or not at all: what is cut off, or is something else, may be what
would have refused a certificate.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import TypeVar

from cryptography import x509

from .._secrets import printable
from ._errors import Untrusted, refusingFlaws
from ._strength import insistOnStrongSignature

_T = TypeVar("_T")

_DASHES = b"-----"
_BEGIN = _DASHES + b"BEGIN "

_CERTIFICATE = b"CERTIFICATE"
_FIRST_LINE = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")

# So much of a wrong line is shown, in bytes.
_LONGEST_SHOWN = 60

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
        found = _parsed(text, _CERTIFICATE, x509.load_der_x509_certificate, what)
        for certificate in found:
            if not isAuthority(certificate):
                name = certificate.subject.rfc4514_string()
                raise Untrusted(f"{name} is no authority (CA:TRUE is missing)")
    return found


def parseCertificates(text: bytes) -> tuple[x509.Certificate, ...]:
    """
    Return the certificates in a file, which may hold other things, such as a key.

    @param text: what the file holds, in PEM.

    @raise ValueError: if one is malformed, or a block of any kind is cut off.
    """
    with refusingFlaws("a certificate"):
        return tuple(
            x509.load_der_x509_certificate(_decoded(block))
            for label, block in _blocks(text)
            if label == _CERTIFICATE
        )


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
    Return what the blocks of a file hold, if it is PEM, and what the file holds, if it is
    DER.
    """
    if not text.strip():
        raise Untrusted(f"there is no {what} in it")
    if not isText(text):
        if text[:1] != _SEQUENCE:
            raise Untrusted(f"it is neither in DER nor in PEM ({_begin(label)})")
        return (parse(text),)
    blocks = list(_blocks(text))
    for other, _ in blocks:
        if other != label:
            raise Untrusted(f"it holds {_begin(other)}, and not only {_begin(label)}")
    return tuple(parse(_decoded(block)) for _, block in blocks)


def _blocks(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """
    Yield the label of each PEM block, and what stands in it.

    @raise Untrusted: if one is cut off, or its lines aren't such that OpenSSL, which may
        read the same file, finds it.
    """
    # The last line of the block that has begun, and where it holds something.
    last, at, label = b"", 0, b""
    for start, stop in _linesWith(_DASHES, text):
        line = text[start:stop].rstrip(b" \t\r")
        if last and line == last:
            yield label, text[at:start]
            last = b""
            continue
        if not last and b"BEGIN" not in line and b"END" not in line:
            # A comment between two blocks, which is underlined.
            continue
        begun = _FIRST_LINE.fullmatch(line)
        if last or begun is None:
            shown = printable(line[:_LONGEST_SHOWN].decode("ascii", "backslashreplace"))
            right = last.decode() or f"{_BEGIN.decode()}...{_DASHES.decode()}"
            raise Untrusted(f"it has the line {shown!r} where {right} belongs")
        label, at = begun[1], stop
        last = _DASHES + b"END " + label + _DASHES
    if last:
        raise Untrusted(f"{last.decode()} is missing: it is cut off")


def _linesWith(part: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    """
    Yield where each line of a text begins and ends that contains this part.
    """
    at = text.find(part)
    while at >= 0:
        stop = text.find(b"\n", at)
        stop = len(text) if stop < 0 else stop
        yield text.rfind(b"\n", 0, at) + 1, stop
        at = text.find(part, stop)


def _begin(label: bytes) -> str:
    """
    Return the line that begins a PEM block.
    """
    return (_BEGIN + label + _DASHES).decode()


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


__all__ = [
    "isAuthority",
    "isText",
    "parseAuthorities",
    "parseCertificates",
    "parseRevocations",
]
