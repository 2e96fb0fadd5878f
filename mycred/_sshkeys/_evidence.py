"""
What is known of the key with which a user has logged in.
"""

from __future__ import annotations

from typing import NamedTuple

from .._records import unpack
from ._options import KeyOptions


class KeyEvidence(NamedTuple):
    """
    The key with which a user has logged in, and what may be done with it.

    @ivar type: its type, such as C{ssh-ed25519}.
    @ivar fingerprint: its fingerprint, as C{ssh-keygen -l} shows it.
    @ivar options: what may be done with it: what the line, the certificate and the file
        of principals say, taken together.
    @ivar file: the path of the file where it was found; L{None} if in no file.
    @ivar line: the number of the line, counted from 1; L{None} if there is none.
    @ivar certificateId: the key ID of its certificate; L{None} if it has none.
    @ivar serial: the serial number of the certificate.
    @ivar authority: the fingerprint of the key that has signed the certificate.
    """

    type: str
    fingerprint: str
    options: KeyOptions = KeyOptions()
    file: str | None = None
    line: int | None = None
    certificateId: str | None = None
    serial: int | None = None
    authority: str | None = None

    def __str__(self) -> str:
        """
        Return the key as the log shows it.
        """
        text = f"{self.type} {self.fingerprint}"
        if self.certificateId is not None:
            text += f" (certificate {self.certificateId!r}, serial {self.serial})"
        if self.file is not None:
            text += f" by {self.file}"
            text += f":{self.line}" if self.line is not None else ""
        return text

    @classmethod
    def restore(cls, packed: object) -> KeyEvidence:
        """
        Return evidence that has perhaps come from another process.

        @raise ValueError: if it isn't what this version of mycred knows as evidence.
        """
        return packed if isinstance(packed, KeyEvidence) else unpack(cls, packed)


class Honors(frozenset[str]):
    """
    The options that a server enforces, in the attribute C{honors} of credentials.  A
    checker notes there the key to whose options the server has to hold the user: a
    program may make an avatar ID of its own out of the checker's, which then doesn't
    know the key.

    @ivar key: the key; L{None} if there is none.
    """

    key: KeyEvidence | None = None

    def __reduce__(self) -> tuple[type[frozenset[str]], tuple[()]]:
        """
        Stay behind when credentials go to another process: no note comes back from
        there, so that no option would be enforced.
        """
        return frozenset, ()


def noteKey(credentials: object, key: KeyEvidence) -> None:
    """
    Note for the server to which key's options it has to hold a user, if they are let in.
    """
    honors = getattr(credentials, "honors", None)
    if isinstance(honors, Honors):
        honors.key = key


def notedKey(credentials: object) -> KeyEvidence | None:
    """
    Return the key that was noted; L{None} if none was.
    """
    honors = getattr(credentials, "honors", None)
    return honors.key if isinstance(honors, Honors) else None


__all__ = ["Honors", "KeyEvidence", "noteKey", "notedKey"]
