"""
Key revocation lists as they are written (PROTOCOL.krl of OpenSSH).
"""

from __future__ import annotations

from mycred._sshkeys import string

HEAD = b"SSHKRL\n\0" + (1).to_bytes(4, "big") + bytes(24) + string(b"") + string(b"")


def section(type: int, content: bytes) -> bytes:
    """
    Write a section of a KRL.
    """
    return bytes([type]) + string(content)


def u64(*numbers: int) -> bytes:
    """
    Write numbers.
    """
    return b"".join(number.to_bytes(8, "big") for number in numbers)


def krlOf(*sections: bytes, authority: bytes) -> bytes:
    """
    Write a KRL about the certificates of an authority.
    """
    return HEAD + section(1, string(authority) + string(b"") + b"".join(sections))
