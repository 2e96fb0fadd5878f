"""
The key by which clients know a server.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key


def hostKeyIn(path: str) -> Any:
    """
    Read the host key of a server, and make it first if there is none.

    @param path: the name of its file, in any format that conch reads, as ssh-keygen
        makes it.

    @return: conch's key.

    @raise ValueError: if there is something else, or others may read it.
    @raise OSError: if it can't be read, or made.
    """
    if not os.path.lexists(path):
        _make(path)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise ValueError(f"{path} can be read by others; do chmod 600")
        text = file.read()
    try:
        key: Any = Key.fromString(text)
    except EncryptedKeyError:
        raise ValueError(f"{path} takes a passphrase, which nobody would type") from None
    except (BadKeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} holds no private key: {error}") from None
    if key.isPublic():
        raise ValueError(f"{path} holds a public key, not a private one")
    return key


def _make(path: str) -> None:
    """
    Make an Ed25519 key.
    """
    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    # Never half a key under that name.
    other = f"{path}.{os.getpid()}"
    descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            # Another server may have been faster.
            os.link(other, path)
    finally:
        os.unlink(other)


__all__ = ["hostKeyIn"]
