"""
A public key, and the signatures that it verifies.
"""

from __future__ import annotations

import binascii
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import (
    SHA256,
    SHA384,
    SHA512,
    HashAlgorithm,
)

from ._wire import Fields, ShortKey, UnusableKey, string

#: The flags that a security key signs (PROTOCOL.u2f): it was touched, and it has verified
#: its owner by a PIN or a finger.
TOUCHED, VERIFIED = 0x01, 0x04

# Flags of which only a browser's signature may have the first, with extensions.
_EXTENDED, _ATTESTED = 0x80, 0x40

#: The algorithm by which a security key signs for a web site, such as a terminal in a
#: browser.
WEBAUTHN = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

# OpenSSH's limits, in bits: what it takes for a key at all.
_RSA_BITS = range(1024, 16384 + 1)

# Where the flags stand in what a security key signs: after a digest; a counter and
# another digest follow.
_SK_FLAGS, _SK_SIGNED = 32, 32 + 1 + 4 + 32


class _Type(NamedTuple):
    """
    A type of key.

    @ivar read: checks the fields that follow its name, and moves past them.
    @ivar load: returns the key that C{verify} takes, of the same fields.
    @ivar verify: verifies a signature, by the loaded key, the algorithm, the signature
        and what was signed.
    @ivar algorithms: the algorithms of its signatures.
    """

    read: Callable[[Fields], None]
    load: Callable[[Fields], Any]
    verify: Callable[[Any, bytes, bytes, bytes], None]
    algorithms: tuple[bytes, ...]


def _readRSA(fields: Fields) -> None:
    """
    Check e and n (RFC 4253, section 6.6).
    """
    fields.natural()
    bits = fields.natural().bit_length()
    if bits not in _RSA_BITS:
        kind = ShortKey if bits < _RSA_BITS.start else UnusableKey
        raise kind(f"an RSA key of {bits} bits, a size that nobody uses")


def _loadRSA(fields: Fields) -> RSAPublicKey:
    """
    Return the key.
    """
    return RSAPublicNumbers(fields.natural(), fields.natural()).public_key()


def _verifyRSA(
    key: RSAPublicKey, algorithm: bytes, signature: bytes, data: bytes
) -> None:
    """
    Verify a signature (RFC 8332, section 3).
    """
    hash = SHA512() if algorithm == b"rsa-sha2-512" else SHA256()
    # There are clients that leave out zeros at its beginning.
    whole = signature.rjust((key.key_size + 7) // 8, b"\0")
    key.verify(whole, data, PKCS1v15(), hash)


def _readEd25519(fields: Fields) -> None:
    """
    Check a point (RFC 8709, section 4).
    """
    if len(fields.string()) != 32:
        raise UnusableKey("an Ed25519 key of another size")


def _loadEd25519(fields: Fields) -> Ed25519PublicKey:
    """
    Return the key.
    """
    return Ed25519PublicKey.from_public_bytes(fields.string())


def _verifyEd25519(
    key: Ed25519PublicKey, algorithm: bytes, signature: bytes, data: bytes
) -> None:
    """
    Verify a signature (RFC 8709, section 6).
    """
    key.verify(signature, data)


def _ecdsa(
    curve: EllipticCurve, hash: HashAlgorithm, name: bytes, algorithm: bytes
) -> _Type:
    """
    Return a type of ECDSA key (RFC 5656, section 3).
    """
    size = (curve.key_size + 7) // 8

    def read(fields: Fields) -> None:
        named, point = fields.string(), fields.string()
        # Only in the form that RFC 5656 demands: not compressed.
        if named != name or len(point) != 1 + 2 * size or point[0] != 4:
            raise UnusableKey("not a point of this curve")

    def load(fields: Fields) -> EllipticCurvePublicKey:
        fields.string()
        return EllipticCurvePublicKey.from_encoded_point(curve, fields.string())

    def verify(
        key: EllipticCurvePublicKey, algorithm: bytes, signature: bytes, data: bytes
    ) -> None:
        numbers = Fields(signature)
        encoded = encode_dss_signature(numbers.unsigned(), numbers.unsigned())
        numbers.end()
        key.verify(encoded, data, ECDSA(hash))

    return _Type(read, load, verify, (algorithm,))


def _sk(plain: _Type, *algorithms: bytes) -> _Type:
    """
    Return the type of a security key: the blob names its application too, and it signs
    something else (PROTOCOL.u2f).
    """

    def read(fields: Fields) -> None:
        plain.read(fields)
        fields.string()

    return _Type(read, plain.load, plain.verify, algorithms)


_ed25519 = _Type(_readEd25519, _loadEd25519, _verifyEd25519, (b"ssh-ed25519",))
_p256 = _ecdsa(SECP256R1(), SHA256(), b"nistp256", b"ecdsa-sha2-nistp256")
_p384 = _ecdsa(SECP384R1(), SHA384(), b"nistp384", b"ecdsa-sha2-nistp384")
_p521 = _ecdsa(SECP521R1(), SHA512(), b"nistp521", b"ecdsa-sha2-nistp521")

#: The types of keys.
TYPES = {
    b"ssh-ed25519": _ed25519,
    b"ecdsa-sha2-nistp256": _p256,
    b"ecdsa-sha2-nistp384": _p384,
    b"ecdsa-sha2-nistp521": _p521,
    b"sk-ssh-ed25519@openssh.com": _sk(_ed25519, b"sk-ssh-ed25519@openssh.com"),
    b"sk-ecdsa-sha2-nistp256@openssh.com": _sk(
        _p256, b"sk-ecdsa-sha2-nistp256@openssh.com", WEBAUTHN
    ),
    # Not ssh-rsa, which stands for SHA-1 (RFC 8332, section 1).
    b"ssh-rsa": _Type(_readRSA, _loadRSA, _verifyRSA, (b"rsa-sha2-512", b"rsa-sha2-256")),
}


#: The types that names stand for, in a file and in a blob: as for OpenSSH, the name of an
#: algorithm stands for the type of the keys that sign by it.
NAMES = {one: type for type, has in TYPES.items() for one in (type, *has.algorithms)}


class PublicKey(NamedTuple):
    """
    A public key.

    Two keys are the same if their blobs are: a blob that isn't written in the one
    right way is refused, except that its type may have another name.

    @ivar type: its type, as C{ssh-ed25519}.
    @ivar blob: how it is written on the wire.
    """

    type: bytes
    blob: bytes

    @classmethod
    def parse(cls, blob: bytes) -> PublicKey:
        """
        Return the key in a blob.

        @raise UnusableKey: if it isn't one, or of a type that doesn't count here.
        """
        fields = Fields(blob)
        key = cls.read(fields, fields.string())
        fields.end()
        return key

    @classmethod
    def read(cls, fields: Fields, type: bytes) -> PublicKey:
        """
        Return the key whose fields follow its type, and move past them.
        """
        if type not in NAMES:
            raise UnusableKey("a type of key that doesn't count here")
        type, start = NAMES[type], fields.position
        TYPES[type].read(fields)
        size, fields.position = fields.position - start, start
        return cls(type, string(type) + fields.take(size))

    @property
    def algorithms(self) -> tuple[bytes, ...]:
        """
        The algorithms of signatures that can be made with it.
        """
        return TYPES[self.type].algorithms

    @property
    def application(self) -> bytes | None:
        """
        The application of a security key; L{None} for other keys.
        """
        if not self.type.startswith(b"sk-"):
            return None
        fields = Fields(self.blob)
        last = b""
        while fields:
            last = fields.string()
        return last

    @property
    def base64(self) -> bytes:
        """
        How it is written in a file.
        """
        return b64encode(self.blob)

    @property
    def fingerprint(self) -> str:
        """
        Its fingerprint, as C{ssh-keygen -l} shows it.
        """
        return _fingerprintOf(self.blob)

    @property
    def bits(self) -> int | None:
        """
        The size of an RSA key; L{None} for others, whose size goes without saying.
        """
        if self.type != b"ssh-rsa":
            return None
        fields = Fields(self.blob)
        fields.string()
        fields.natural()
        return fields.natural().bit_length()

    def signedBy(self, signature: bytes, message: bytes) -> bytes:
        """
        Return what this key signs, to sign a message: the message itself, or what
        PROTOCOL.u2f makes of it where it is a security key's.

        @param signature: the signature, which holds some of that.

        @raise UnusableKey: if it isn't a signature of this message.
        """
        if self.application is None:
            return message
        state = _SKSignature.parse(signature)
        return (
            sha256(self.application).digest()
            + state.stamp
            + state.extensions
            + sha256(state.wrapped(message)).digest()
        )

    def verify(self, signature: bytes, data: bytes, algorithms: frozenset[bytes]) -> int:
        """
        Verify a signature.

        @param signature: the signature, with the name of its algorithm.
        @param data: what was signed.  For a security key that is what PROTOCOL.u2f
            makes of it, as L{signedBy} returns it, and conch hands it over.
        @param algorithms: those that may have been used.

        @return: the flags of a security key; those of one that was touched and has
            seen its owner, where a key is none.

        @raise UnusableKey: if it wasn't made with this key.
        """
        flags = TOUCHED | VERIFIED
        if self.application is None:
            fields = Fields(signature)
            algorithm, content = fields.string(), fields.string()
            fields.end()
        else:
            state = _SKSignature.parse(signature)
            algorithm, content, flags = state.algorithm, state.content, state.stamp[0]
            size = _SK_SIGNED + len(state.extensions)
            if len(data) != size or data[_SK_FLAGS] != flags:
                raise UnusableKey("a signature of other flags")
        if algorithm not in algorithms or algorithm not in self.algorithms:
            raise UnusableKey("a signature by an algorithm that doesn't count here")
        try:
            TYPES[self.type].verify(_load(self), algorithm, content, data)
        except InvalidSignature:
            raise UnusableKey("a wrong signature") from None
        except (UnsupportedAlgorithm, ValueError) as error:
            raise UnusableKey(f"it can't be verified: {error}") from None
        return flags


# Each login asks several times for the same key: it is offered first, and then proved.
_MOST_REMEMBERED = 64


@lru_cache(maxsize=_MOST_REMEMBERED)
def _load(key: PublicKey) -> Any:
    """
    Return the key by which signatures are verified.

    @raise ValueError: if it has numbers that no key has.
    """
    fields = Fields(key.blob)
    fields.string()
    return TYPES[key.type].load(fields)


@lru_cache(maxsize=_MOST_REMEMBERED)
def _fingerprintOf(blob: bytes) -> str:
    """
    Return the fingerprint of a key.
    """
    digest = b64encode(sha256(blob).digest()).rstrip(b"=")
    return f"SHA256:{digest.decode('ascii')}"


class _SKSignature(NamedTuple):
    """
    A signature by a security key (PROTOCOL.u2f, "SSH U2F signatures").

    @ivar algorithm: the name of its algorithm.
    @ivar content: the signature that the algorithm knows.
    @ivar stamp: the flags and the counter that were signed.
    @ivar extensions: the authenticator's extensions that were signed, from a browser.
    @ivar origin: for which web site a browser has had it made.
    @ivar clientData: what the browser has had signed; L{None} if there was none.
    """

    algorithm: bytes
    content: bytes
    stamp: bytes
    extensions: bytes = b""
    origin: bytes = b""
    clientData: bytes | None = None

    @classmethod
    def parse(cls, signature: bytes) -> _SKSignature:
        """
        Return the parts of a signature.

        @raise UnusableKey: if it is none.
        """
        fields = Fields(signature)
        algorithm, content, stamp = fields.string(), fields.string(), fields.take(5)
        parsed = cls(algorithm, content, stamp)
        if algorithm == WEBAUTHN:
            origin, data, extensions = (fields.string() for _ in range(3))
            parsed = cls(algorithm, content, stamp, extensions, origin, data)
        fields.end()
        return parsed

    def wrapped(self, message: bytes) -> bytes:
        """
        Return that of which a digest is signed: the message, or what a browser has
        wrapped around it (PROTOCOL.u2f, "SSH2 webauthn signatures").

        @raise UnusableKey: if another message is in there.
        """
        if self.clientData is None:
            return message
        hasExtensions = bool(self.stamp[0] & _EXTENDED)
        challenge = urlsafe_b64encode(message).rstrip(b"=")
        begins = b'{"type":"webauthn.get","challenge":"%s","origin":"%s"' % (
            challenge,
            self.origin,
        )
        if (
            b'"' in self.origin
            or self.stamp[0] & _ATTESTED
            or hasExtensions != bool(self.extensions)
            or not self.clientData.startswith(begins)
        ):
            raise UnusableKey("a browser's signature of something else")
        return self.clientData


def decode(text: bytes) -> bytes:
    """
    Return what base64 stands for, if it is written in the one right way.

    @raise UnusableKey: if it isn't that.
    """
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        raise UnusableKey("no base64") from None
    if b64encode(data) != text:
        raise UnusableKey("no base64")
    return data


__all__ = ["NAMES", "TOUCHED", "TYPES", "VERIFIED", "PublicKey", "decode"]
