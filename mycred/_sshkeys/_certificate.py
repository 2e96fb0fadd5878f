"""
Certificates of OpenSSH
(U{PROTOCOL.certkeys<https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.certkeys>}).
"""

from __future__ import annotations

from typing import NamedTuple, Union

from ._key import NAMES, PublicKey
from ._wire import Fields, ShortKey, UnusableKey, string

_SUFFIX = b"-cert-v01@openssh.com"

#: For each name of a type of certificate, the type of the key in it.
CERTIFIED = {
    name.removesuffix(b"@openssh.com") + _SUFFIX: type for name, type in NAMES.items()
}

# The type of a certificate for a user.
_USER = 1

# A longer one isn't parsed, in bytes.
_LONGEST = 2**16

# As many as OpenSSH takes.
_MOST_PRINCIPALS = 256

# As many critical options, and as many extensions.  OpenSSH has no such limit, and knows
# three of the one and six of the other.
_MOST_OPTIONS = 64


class Certificate(NamedTuple):
    """
    A certificate: a key, and what an authority says of it.

    @ivar key: the key.
    @ivar serial: its serial number.
    @ivar isForUser: whether it is for a user, not for a host.
    @ivar id: its key ID, by which the authority calls it.
    @ivar principals: the names for which it is.
    @ivar since: from when it counts, in seconds since 1970.
    @ivar until: until when it counts, in seconds since 1970.
    @ivar critical: names and values of options that all must be obeyed.
    @ivar extensions: names and values of options that may be ignored.
    @ivar authority: the key of the authority.
    @ivar signed: what was signed.
    @ivar signature: the signature.
    """

    key: PublicKey
    serial: int
    isForUser: bool
    id: str
    principals: tuple[str, ...]
    since: int
    until: int
    critical: tuple[tuple[str, bytes], ...]
    extensions: tuple[tuple[str, bytes], ...]
    authority: PublicKey
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, blob: bytes) -> Certificate:
        """
        Return the certificate in a blob.  Its signature isn't verified.

        @raise UnusableKey: if it isn't one.
        """
        if len(blob) > _LONGEST:
            raise UnusableKey("a certificate that is too long")
        fields = Fields(blob)
        type = fields.string()
        if type not in CERTIFIED:
            raise UnusableKey("a type of certificate that doesn't count here")
        fields.string()  # a nonce, so that what is signed isn't known beforehand
        key = PublicKey.read(fields, CERTIFIED[type])
        serial, kind, id = fields.number(8), fields.number(4), fields.text()
        principals = _readAll(fields.string())
        since, until = fields.number(8), fields.number(8)
        critical, extensions = _readPairs(fields), _readPairs(fields)
        fields.string()  # reserved
        authority = _readAuthority(fields.string())
        signed = blob[: fields.position]
        signature = fields.string()
        fields.end()
        return cls(
            key,
            serial,
            kind == _USER,
            id,
            principals,
            since,
            until,
            critical,
            extensions,
            authority,
            signed,
            signature,
        )

    @property
    def blob(self) -> bytes:
        """
        How it is written on the wire.
        """
        return self.signed + string(self.signature)

    def verify(self, algorithms: frozenset[bytes]) -> None:
        """
        Insist that it was signed by its authority.

        @param algorithms: those that may have been used.

        @raise UnusableKey: if it wasn't.
        """
        # As for sshd, an authority that is a security key needn't have been touched.
        signed = self.authority.signedBy(self.signature, self.signed)
        self.authority.verify(self.signature, signed, algorithms)

    def flaw(self, now: float) -> str | None:
        """
        Return why it doesn't count; L{None} if it does.

        @param now: the time, in seconds since 1970.
        """
        if not self.isForUser:
            return "the certificate is not for a user"
        if now < self.since:
            return "the certificate does not count yet"
        if now >= self.until:
            return "the certificate has expired"
        return None


#: What a client offers.
Offer = Union[PublicKey, Certificate]


def parseOffer(blob: bytes) -> Offer:
    """
    Return the key or the certificate in a blob.

    @raise UnusableKey: if it is neither.
    """
    fields = Fields(blob)
    type = fields.string()
    if type in CERTIFIED:
        return Certificate.parse(blob)
    key = PublicKey.read(fields, type)
    fields.end()
    return key


def signingKeyOf(offer: Offer) -> PublicKey:
    """
    Return the key that signs: that in a certificate, or the key itself.
    """
    return offer.key if isinstance(offer, Certificate) else offer


def _readAuthority(blob: bytes) -> PublicKey:
    """
    Return the key of an authority.
    """
    try:
        return PublicKey.parse(blob)
    except ShortKey as error:
        # It isn't the certificate's key that is short.
        raise UnusableKey(f"by an authority with {error}") from None


def _readAll(data: bytes) -> tuple[str, ...]:
    """
    Return the names in a field of a certificate.
    """
    fields = Fields(data)
    names: list[str] = []
    while fields:
        if len(names) >= _MOST_PRINCIPALS:
            raise UnusableKey("a certificate for too many names")
        names.append(fields.text())
    return tuple(names)


def _readPairs(fields: Fields) -> tuple[tuple[str, bytes], ...]:
    """
    Return the names and values in a field of a certificate.
    """
    inner = Fields(fields.string())
    pairs: list[tuple[str, bytes]] = []
    while inner:
        if len(pairs) >= _MOST_OPTIONS:
            raise UnusableKey("a certificate with too many options")
        pairs.append((inner.text(), inner.string()))
    return tuple(pairs)


__all__ = ["CERTIFIED", "Certificate", "Offer", "parseOffer", "signingKeyOf"]
