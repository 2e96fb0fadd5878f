"""
A mechanism that sends a digest of the password and a challenge.
"""

from __future__ import annotations

from .._scram import sentName
from ..credentials import CramMD5Credentials
from ..error import LoginFailed, SASLError
from ._exchange import Exchange, Step


class CramMD5(Exchange):
    """
    CRAM-MD5 (U{RFC 2195<https://www.rfc-editor.org/rfc/rfc2195>}): the server begins.
    """

    def begin(self) -> bytes:
        """
        Return a challenge that no other login has.
        """
        self._credentials = CramMD5Credentials(self._context.host)
        return self._credentials.getChallenge()

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        credentials = self._credentials
        try:
            credentials.setResponse(answer)
        except LoginFailed:
            raise SASLError("a name and a digest are wanted") from None
        self.username = sentName(credentials.username or b"")
        return credentials


__all__ = ["CramMD5"]
