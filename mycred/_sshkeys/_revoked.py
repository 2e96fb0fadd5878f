"""
Keys and certificates that don't count any more: a list of keys, or OpenSSH's KRL
(U{PROTOCOL.krl<https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.krl>}).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from hashlib import sha1, sha256
from itertools import accumulate
from operator import itemgetter

from ._authorizedkeys import Skip, keysIn, plainBlob, skipSilently, usualBlob
from ._certificate import Certificate, Offer, signingKeyOf
from ._key import PublicKey
from ._wire import Fields, UnusableKey

_MAGIC = b"SSHKRL\n\0"
_VERSION = 1

# Sections of a KRL, and of what it says of certificates.
_CERTIFICATES, _KEYS, _SHA1, _SIGNATURE, _SHA256, _EXTENSION = 1, 2, 3, 4, 5, 255
_SERIALS, _RANGE, _BITMAP, _IDS, _CERTIFICATE_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39

_MOST_SERIAL = 2**64 - 1


class Revoked:
    """
    Keys and certificates that are revoked.
    """

    def __init__(self) -> None:
        self.blobs: set[bytes] = set()
        self.sha1s: set[bytes] = set()
        self.sha256s: set[bytes] = set()
        #: By authority; of any of them, under an empty name.
        self.certificates: dict[bytes, RevokedCertificates] = {}

    @classmethod
    def parse(cls, text: bytes, skip: Skip = skipSilently) -> Revoked:
        """
        Return what a list of keys or a KRL revokes.

        @param skip: called with lines that are left out.

        @raise UnusableKey: if it is neither.
        """
        revoked = cls()
        if text.startswith(_MAGIC):
            _readKRL(revoked, Fields(text[len(_MAGIC) :]))
        else:
            revoked.blobs.update(map(plainBlob, keysIn(text, skip)))
        return revoked

    def __contains__(self, offer: Offer) -> bool:
        """
        Return whether a key is revoked; or a certificate, its key, or the key of its
        authority.
        """
        if self._holds(signingKeyOf(offer)):
            return True
        if not isinstance(offer, Certificate):
            return False
        if self._holds(offer.authority):
            return True
        lists = (self.certificates.get(ca) for ca in (offer.authority.blob, b""))
        return any(one is not None and offer in one for one in lists)

    def _holds(self, key: PublicKey) -> bool:
        """
        Return whether a key is revoked.
        """
        return (
            key.blob in self.blobs
            or sha256(key.blob).digest() in self.sha256s
            or sha1(key.blob, usedforsecurity=False).digest() in self.sha1s
        )


class RevokedCertificates:
    """
    The certificates of an authority that are revoked.
    """

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._ranges: list[tuple[int, int]] = []
        self._bitmaps: list[tuple[int, bytes]] = []
        self._sorted: list[tuple[int, int]] | None = None
        self._reaches: tuple[list[tuple[int, bytes]], list[int]] | None = None

    def __contains__(self, certificate: Certificate) -> bool:
        """
        Return whether a certificate is revoked.
        """
        if certificate.id in self.ids:
            return True
        serial = certificate.serial
        return self._inRange(serial) or self._inBitmap(serial)

    def addRange(self, first: int, last: int) -> None:
        """
        Revoke all serial numbers from one to another.
        """
        # 0 is the serial number of all certificates that were given none.
        if not 0 < first <= last:
            raise UnusableKey("a range of numbers that there can't be")
        self._ranges.append((first, last))
        self._sorted = None

    def addBitmap(self, first: int, bitmap: bytes) -> None:
        """
        Revoke the serial numbers whose bits are set.
        """
        bits = int.from_bytes(bitmap, "big")
        if bits and first + bits.bit_length() - 1 > _MOST_SERIAL:
            raise UnusableKey("a bitmap beyond all numbers")
        if bitmap[:1] >= b"\x80" or (first == 0 and bits & 1):
            # The bitmap is a number itself, and not negative.
            raise UnusableKey("a bitmap that can't be one")
        self._bitmaps.append((first, bitmap))
        self._reaches = None

    def _inRange(self, serial: int) -> bool:
        """
        Return whether a serial number is in one of the ranges.
        """
        if self._sorted is None:
            self._sorted = _joined(self._ranges)
        position = bisect_right(self._sorted, (serial, _MOST_SERIAL))
        return position > 0 and serial <= self._sorted[position - 1][1]

    def _inBitmap(self, serial: int) -> bool:
        """
        Return whether a serial number is in one of the bitmaps.
        """
        if self._reaches is None:
            self._reaches = _withReaches(self._bitmaps)
        bitmaps, reaches = self._reaches
        position = bisect_right(bitmaps, serial, key=itemgetter(0))
        while position > 0 and reaches[position - 1] > serial:
            position -= 1
            first, bitmap = bitmaps[position]
            byte, bit = divmod(serial - first, 8)
            if byte < len(bitmap) and bitmap[-1 - byte] >> bit & 1:
                return True
        return False


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """
    Return ranges in order, with those joined that overlap.
    """
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _withReaches(
    bitmaps: Iterable[tuple[int, bytes]],
) -> tuple[list[tuple[int, bytes]], list[int]]:
    """
    Return bitmaps in order, and for each how far it and those before it reach.
    """
    ordered = sorted(bitmaps)
    ends = (first + 8 * len(bitmap) for first, bitmap in ordered)
    return ordered, list(accumulate(ends, max))


def _readKRL(revoked: Revoked, fields: Fields) -> None:
    """
    Add what a KRL revokes, by what follows its magic number.
    """
    if fields.number(4) != _VERSION:
        raise UnusableKey("a KRL of another version")
    # Its own version, the date and flags, which decide nothing; reserved; a comment.
    fields.take(24)
    fields.string()
    fields.string()
    while fields:
        type, section = fields.number(1), Fields(fields.string())
        if type == _CERTIFICATES:
            _readCertificates(revoked, section)
        elif type == _KEYS:
            revoked.blobs.update(_strings(section, None))
        elif type == _SHA1:
            revoked.sha1s.update(_strings(section, 20))
        elif type == _SHA256:
            revoked.sha256s.update(_strings(section, 32))
        elif type == _EXTENSION:
            _skipExtension(section)
        else:
            what = "is signed" if type == _SIGNATURE else f"has a section {type}"
            raise UnusableKey(f"the KRL {what}, which isn't known here")
        section.end()


def _readCertificates(revoked: Revoked, fields: Fields) -> None:
    """
    Add what a KRL revokes of the certificates of an authority.
    """
    authority = fields.string()
    fields.string()  # reserved
    if authority:
        # As for sshd: if it is no key, it isn't known whose certificates are revoked.
        authority = usualBlob(authority)
    ours = revoked.certificates.setdefault(authority, RevokedCertificates())
    while fields:
        type, section = fields.number(1), Fields(fields.string())
        if type == _SERIALS:
            while section:
                serial = section.number(8)
                ours.addRange(serial, serial)
        elif type == _RANGE:
            ours.addRange(section.number(8), section.number(8))
        elif type == _BITMAP:
            ours.addBitmap(section.number(8), section.string())
        elif type == _IDS:
            while section:
                ours.ids.add(section.text())
        elif type == _CERTIFICATE_EXTENSION:
            _skipExtension(section)
        else:
            raise UnusableKey(f"the KRL has a section {type:#x} of certificates")
        section.end()


def _strings(fields: Fields, size: int | None) -> Iterable[bytes]:
    """
    Return the strings in a section, of one size or of any.
    """
    while fields:
        one = fields.string()
        if size is not None and len(one) != size:
            raise UnusableKey("a digest of another size")
        yield one


def _skipExtension(fields: Fields) -> None:
    """
    Skip an extension that may be skipped.
    """
    fields.string()
    if fields.number(1):
        raise UnusableKey("the KRL has a critical extension that isn't known here")
    fields.string()


__all__ = ["Revoked", "RevokedCertificates"]
