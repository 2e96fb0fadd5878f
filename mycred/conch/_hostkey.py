"""
The key by which clients recognize a server.
"""

from __future__ import annotations

import os
from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from twisted.conch.ssh.keys import EncryptedKeyError, Key

from .._files import openRegular
from .._paths import AnyPath, asPath
from .._sshkeys import TYPES

# A longer file is no key, in bytes.
_LONGEST = 2**16


def hostKeyIn(path: AnyPath) -> Key:
    """
    Return the host key of a server; it is made first if there is none.

    @param path: the path of its file, in any format that conch reads, as ssh-keygen
        makes it.

    @return: conch's key.

    @raise ValueError: if there is something else, or others may read it.
    @raise OSError: if it can't be read, or made.
    """
    path = asPath(path)
    if not os.path.lexists(path):
        _make(path)
    with openRegular(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise ValueError(f"{path} can be read by others; do chmod 600")
        text = file.read(_LONGEST)
    try:
        key: Key = Key(load_pem_private_key(text, None))
    except TypeError:
        raise ValueError(f"{path} takes a passphrase, which nobody would type") from None
    except (UnsupportedAlgorithm, ValueError):
        key = _readOpenSSH(path, text)
    if not _isUsable(key):
        raise ValueError(f"{path} holds a key that is neither Ed25519, ECDSA nor RSA")
    return key


def _readOpenSSH(path: str, text: bytes) -> Key:
    """
    Return a key in another format than PEM.
    """
    try:
        key: Key = Key.fromString(text)
    except EncryptedKeyError:
        raise ValueError(f"{path} takes a passphrase, which nobody would type") from None
    except Exception as error:
        # Of all kinds; without its text, which may repeat the key.
        kind = type(error).__name__
        raise ValueError(f"{path} holds no private key ({kind})") from None
    if key.isPublic():
        raise ValueError(f"{path} holds a public key, not a private one")
    return key


def _isUsable(key: Key) -> bool:
    """
    Return whether clients know the type of a key.
    """
    try:
        return key.sshType() in TYPES
    except (KeyError, RuntimeError):
        return False


def _make(path: str) -> None:
    """
    Write a new Ed25519 key.
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
