"""
Keys and certificates for tests, made without ssh-keygen.
"""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from twisted.conch.ssh.keys import Key

from mycred._sshkeys import string

SK, SKECDSA = b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"


def ed25519() -> Any:
    """
    Make conch's key of this type.
    """
    return Key(Ed25519PrivateKey.generate())


def ecdsa(curve: Any = ec.SECP256R1) -> Any:
    """
    Make conch's key of this type.
    """
    return Key(ec.generate_private_key(curve()))


def rsaKey(bits: int = 2048) -> Any:
    """
    Make conch's key of this type.
    """
    return Key(rsa.generate_private_key(65537, bits))


def blobOf(key: Any) -> bytes:
    """
    Write its public half.
    """
    blob: bytes = key.public().blob()
    return blob


def line(key: Any, comment: bytes = b"me") -> bytes:
    """
    Write its public half as in a file.
    """
    return lineOf(blobOf(key), comment)


def lineOf(blob: bytes, comment: bytes = b"me") -> bytes:
    """
    Write a blob as in a file.
    """
    size = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + size] + b" " + b64encode(blob) + b" " + comment


def shortRSA(bits: int = 768) -> bytes:
    """
    Write a public key that is shorter than anybody takes; nobody can sign by it.
    """
    number = (1 << bits) - 1
    return string(b"ssh-rsa") + string(b"\1\0\1") + mpint(number)


def mpint(number: int, zeros: int | None = None) -> bytes:
    """
    Write a number.

    @param zeros: how many zeros to write before it; as many as it takes if L{None}.
    """
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if zeros is None:
        zeros = int(raw[:1] >= b"\x80")
    return string(b"\0" * zeros + raw)


def nearRSA() -> Any:
    """
    Make conch's RSA key whose signatures begin with a zero.
    """
    bits = 1024
    p = _primeFrom(secrets.randbits(bits // 2) | (3 << (bits // 2 - 2)))
    q = _primeFrom((1 << bits) // p)
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q)
    )
    return Key(numbers.private_key())


def _primeFrom(number: int) -> int:
    """
    Find a prime number that isn't less than another.
    """
    number |= 1
    while pow(2, number - 1, number) != 1 or pow(3, number - 1, number) != 1:
        number += 2
    return number


class SecurityKey:
    """
    A security key that is made of software.

    @ivar type: its type.
    @ivar blob: its public half.
    """

    def __init__(self, application: bytes = b"ssh:", type: bytes = SK) -> None:
        self.type = type
        self._application = application
        self._key: Any
        if type == SK:
            self._key = Ed25519PrivateKey.generate()
            fields = string(self._key.public_key().public_bytes_raw())
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            blob = blobOf(Key(self._key))
            fields = blob[len(string(b"ecdsa-sha2-nistp256")) :]
        self.blob = string(type) + fields + string(application)

    def sign(
        self, message: bytes, flags: int = 1, zeros: int | None = None
    ) -> tuple[bytes, bytes]:
        """
        Sign a message.

        @param flags: what the key says of its owner.
        @param zeros: how many to write before the numbers of the signature.

        @return: the signature, and what conch hands over as what was signed.
        """
        state = bytes([flags]) + (7).to_bytes(4, "big")
        data = sha256(self._application).digest() + state + sha256(message).digest()
        return string(self.type) + string(self._sign(data, zeros)) + state, data

    def signForSite(
        self,
        message: bytes,
        flags: int = 1,
        origin: bytes = b"https://example.org",
        extensions: bytes = b"",
        type: bytes = b"webauthn.get",
    ) -> bytes:
        """
        Sign a message as a browser does it.
        """
        challenge = urlsafe_b64encode(message).rstrip(b"=")
        wrapped = b'{"type":"%s","challenge":"%s","origin":"%s","crossOrigin":false}' % (
            type,
            challenge,
            origin,
        )
        state = bytes([flags]) + (7).to_bytes(4, "big")
        digest = sha256(self._application).digest()
        data = digest + state + extensions + sha256(wrapped).digest()
        name = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
        wrapping = string(origin) + string(wrapped) + string(extensions)
        return string(name) + string(self._sign(data)) + state + wrapping

    def _sign(self, data: bytes, zeros: int | None = None) -> bytes:
        """
        Sign what is said to be signed.
        """
        if self.type == SK:
            return bytes(self._key.sign(data))
        numbers = decode_dss_signature(self._key.sign(data, ec.ECDSA(SHA256())))
        return b"".join(mpint(number, zeros) for number in numbers)


def certificate(
    authority: Any,
    key: Any,
    *,
    type: bytes = b"ssh-ed25519-cert-v01@openssh.com",
    serial: int = 1,
    kind: int = 1,
    id: bytes = b"me",
    principals: tuple[bytes, ...] = (b"alice",),
    since: int = 0,
    until: int = 2**64 - 1,
    critical: tuple[tuple[bytes, bytes], ...] = (),
    extensions: tuple[tuple[bytes, bytes], ...] = ((b"permit-pty", b""),),
    algorithm: bytes | None = None,
    body: bytes | None = None,
    authorityBlob: bytes = b"",
    sign: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """
    Write a certificate.

    @param authority: conch's key, or a L{SecurityKey}; if L{None}, C{authorityBlob} and
        C{sign} stand for it.
    @param sign: what signs, if it isn't simply the authority.
    @param body: the fields of the key, if not those of C{key}.
    """
    if isinstance(authority, SecurityKey):
        authorityBlob = authority.blob
        sign = sign or (lambda data: authority.sign(data)[0])
    elif authority is not None:
        authorityBlob = blobOf(authority)
        sign = sign or (lambda data: authority.sign(data, algorithm))
    assert sign is not None
    blob = blobOf(key) if key is not None else b""
    if body is None:
        body = blob[4 + int.from_bytes(blob[:4], "big") :]

    def pairs(them: tuple[tuple[bytes, bytes], ...]) -> bytes:
        return string(b"".join(string(name) + string(value) for name, value in them))

    signed = (
        string(type)
        + string(b"n" * 32)
        + body
        + serial.to_bytes(8, "big")
        + kind.to_bytes(4, "big")
        + string(id)
        + string(b"".join(map(string, principals)))
        + since.to_bytes(8, "big")
        + until.to_bytes(8, "big")
        + pairs(critical)
        + pairs(extensions)
        + string(b"")
        + string(authorityBlob)
    )
    return signed + string(sign(signed))
