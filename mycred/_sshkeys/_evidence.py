"""
What is known of the key with which somebody has logged in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ._options import KeyOptions, restored


class KeyEvidence(NamedTuple):
    """
    The key with which somebody has logged in, and what may be done with it.

    @ivar type: its type, as C{ssh-ed25519}.
    @ivar fingerprint: what names it, as C{ssh-keygen -l} shows it.
    @ivar options: what may be done with it: what the line, the certificate and the file
        of principals say, taken together.
    @ivar file: where it was found; L{None} if in no file.
    @ivar line: the number of the line, counted from 1; L{None} if there is none.
    @ivar certificateId: what its certificate is called; L{None} if it has none.
    @ivar serial: the number of the certificate.
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
        Return what the log is told of it.
        """
        text = f"{self.type} {self.fingerprint}"
        if self.certificateId is not None:
            text += f" (certificate {self.certificateId!r}, serial {self.serial})"
        if self.file is not None:
            text += f" by {self.file}"
            text += f":{self.line}" if self.line is not None else ""
        return text

    @classmethod
    def restore(cls, packed: Any) -> KeyEvidence:
        """
        Make evidence of what has perhaps come from another process.
        """
        if isinstance(packed, KeyEvidence):
            return packed
        evidence = cls(*packed)
        return evidence._replace(options=restored(evidence.options))


__all__ = ["KeyEvidence"]
