"""
Whom a certificate names.

A certificate has several places for names, and most places hold several.  One place is
looked at, and exactly one value there must be a user's: which of two would count is not
for the holder to choose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from ._errors import Untrusted, refusingFlaws

#: Longer values are refused, in bytes.  An address of mail has at most 254 (RFC 5321).
LONGEST = 512

# User Principal Name, of Active Directory.
_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")

# The DER of a UTF8String: its tag, and how a length from 128 to 255, and one to 65535,
# begins.
_UTF8_STRING, _ONE_BYTE, _TWO_BYTES = 0x0C, 0x81, 0x82


@dataclass(frozen=True)
class Naming:
    """
    How a certificate is taken for the name of a user.

    @ivar kind: the place, one of L{KINDS}.
    @ivar match: what a value must match as a whole; its group, if it has one, is what
        counts of the value.
    @ivar domain: the domain that a value must have after its last C{@}, in lower case;
        it is cut off.
    """

    kind: str
    match: re.Pattern[str] | None = None
    domain: str | None = None

    def nameOf(self, certificate: x509.Certificate) -> str:
        """
        Return the name that a certificate has for its user.

        @raise Untrusted: if there is none, or more than one.
        """
        with refusingFlaws():
            values = list(KINDS[self.kind](certificate))
        for value in values:
            _insistOnPlausible(self.kind, value)
        names = [name for name in map(self._nameIn, values) if name is not None]
        if len(names) != 1:
            many = "more than one" if names else "no"
            raise Untrusted(f"{many} {self.kind} in the certificate is a user's")
        [name] = names
        return name

    def _nameIn(self, value: str) -> str | None:
        """
        Return the user's name in a value, or L{None} if it isn't a user's.
        """
        if self.match is not None:
            matched = self.match.fullmatch(value)
            if matched is None:
                return None
            # A group may have matched nothing, though the whole has matched.
            value = matched[self.match.groups] or ""
        if self.domain is not None:
            value, _, domain = value.rpartition("@")
            if _lowered(domain) != self.domain or "@" in value:
                return None
        return value or None


def _lowered(text: str) -> str:
    """
    Return a text in lower case, as far as it is ASCII: there are other letters, such as
    U+212A, whose lower case is a letter of ASCII.
    """
    return text.lower() if text.isascii() else text


def _insistOnPlausible(kind: str, value: str) -> None:
    """
    Insist on a value that shows what it is.

    @raise Untrusted: if it is empty, too long, or has characters that can't be seen, of
        which a NUL is one.
    """
    if not value:
        raise Untrusted(f"the {kind} in the certificate is empty")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST:
        raise Untrusted(f"the {kind} in the certificate is too long")
    if not value.isprintable():
        raise Untrusted(f"the {kind} in the certificate has invisible characters")
    if kind == "dns" and "*" in value:
        raise Untrusted("the dns in the certificate stands for several (*)")


def _alternatives(kind: type[Any]) -> Callable[[x509.Certificate], list[Any]]:
    """
    Return what reads the alternative names of one kind.
    """

    def values(certificate: x509.Certificate) -> list[Any]:
        extensions = certificate.extensions
        try:
            found = extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return list(found.value.get_values_for_type(kind))

    return values


def _principals(certificate: x509.Certificate) -> list[str]:
    """
    Return the User Principal Names.
    """
    others = _alternatives(x509.OtherName)(certificate)
    return [_utf8String(other.value) for other in others if other.type_id == _UPN]


def _utf8String(der: bytes) -> str:
    """
    Return the text of a UTF8String.

    @raise ValueError: if it isn't exactly one.
    """
    sizes = {_ONE_BYTE: 3, _TWO_BYTES: 4}
    start = sizes.get(der[1], 2) if len(der) > 1 else 0
    length = int.from_bytes(der[2:start], "big") if start > 2 else der[1] if start else -1
    if der[:1] != bytes([_UTF8_STRING]) or length != len(der) - start:
        raise ValueError("a name is no UTF8String")
    return der[start:].decode("utf-8")


def _commonNames(certificate: x509.Certificate) -> list[str]:
    """
    Return the common names of the subject.
    """
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [_text(attribute.value) for attribute in found]


def _subjects(certificate: x509.Certificate) -> list[str]:
    """
    Return the distinguished name of the subject, as RFC 4514 writes it.
    """
    for attribute in certificate.subject:
        _insistOnPlausible("dn", _text(attribute.value))
    return [certificate.subject.rfc4514_string()]


def _fingerprints(certificate: x509.Certificate) -> list[str]:
    """
    Return the SHA-256 of the certificate, in hexadecimal digits.
    """
    return [certificate.fingerprint(SHA256()).hex()]


def _text(value: object) -> str:
    """
    Return the value of an attribute, if it is text.

    @raise ValueError: if it isn't.
    """
    if not isinstance(value, str):
        raise ValueError("a name is no text")
    return value


#: What reads the values of each place in a certificate.
KINDS: dict[str, Callable[[x509.Certificate], Iterable[str]]] = {
    "email": _alternatives(x509.RFC822Name),
    "cn": _commonNames,
    "uri": _alternatives(x509.UniformResourceIdentifier),
    "dns": _alternatives(x509.DNSName),
    "upn": _principals,
    "dn": _subjects,
    "fingerprint": _fingerprints,
}

#: The places whose values have a domain.
WITH_DOMAIN = ("email", "cn", "upn")

__all__ = ["KINDS", "LONGEST", "WITH_DOMAIN", "Naming"]
