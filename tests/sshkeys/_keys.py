"""
Keys and certificates for tests, made without ssh-keygen.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twisted.conch.ssh.keys import Key

from mycred._sshkeys import string

SK = b"sk-ssh-ed25519@openssh.com"


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


class SecurityKey:
    """
    A security key that is made of software.

    @ivar blob: its public half.
    """

    def __init__(self, application: bytes = b"ssh:") -> None:
        self._key = Ed25519PrivateKey.generate()
        self._application = application
        raw = self._key.public_key().public_bytes_raw()
        self.blob = string(SK) + string(raw) + string(application)

    def sign(self, message: bytes, flags: int = 1) -> tuple[bytes, bytes]:
        """
        Sign a message.

        @return: the signature, and what conch hands over as what was signed.
        """
        state = bytes([flags]) + (7).to_bytes(4, "big")
        data = sha256(self._application).digest() + state + sha256(message).digest()
        return string(SK) + string(self._key.sign(data)) + state, data


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
) -> bytes:
    """
    Write a certificate.

    @param body: the fields of the key, if not those of C{key}.
    """
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
        + string(blobOf(authority))
    )
    return signed + string(authority.sign(signed, algorithm))
