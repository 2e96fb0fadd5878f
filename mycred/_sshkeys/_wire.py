"""
Parse what SSH writes on the wire (U{RFC 4251, section 5
<https://www.rfc-editor.org/rfc/rfc4251#section-5>}).
"""

from __future__ import annotations

from twisted.conch.ssh.keys import BadKeyError

from ..error import UnauthorizedLogin

# The longest number that OpenSSH takes, in bytes, without a zero that only says that it
# isn't negative (sshbuf.h, "SSHBUF_MAX_BIGNUM").
_LONGEST_NUMBER = 16384 // 8


class UnusableKey(BadKeyError, UnauthorizedLogin, ValueError):
    """
    What came is no key, certificate, signature or list of revoked keys, or none
    that counts here.

    As in Twisted, a key that can't be parsed is a C{BadKeyError}; to a program that knows
    cred's errors only, it is a refused login.
    """


class ShortKey(UnusableKey):
    """
    An RSA key of fewer bits than OpenSSH takes.
    """


class Fields:
    """
    Bytes that are parsed field by field.

    All methods raise L{UnusableKey} if what they are asked for isn't there.

    @ivar position: where the next field begins.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def __bool__(self) -> bool:
        """
        Whether there is more.
        """
        return self.position < len(self._data)

    def take(self, size: int) -> bytes:
        """
        Return the next bytes, so many.
        """
        start, self.position = self.position, self.position + size
        if self.position > len(self._data):
            raise UnusableKey("it ends too soon")
        return self._data[start : self.position]

    def number(self, size: int) -> int:
        """
        Return the number in the next bytes, so many.
        """
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """
        Return the next string.
        """
        # In one step: no other field is so common.
        data, start = self._data, self.position + 4
        end = self.position = start + int.from_bytes(data[start - 4 : start], "big")
        if end > len(data):
            raise UnusableKey("it ends too soon")
        return data[start:end]

    def text(self) -> str:
        """
        Return the next string as text.  It holds no NUL, at which programs in C would cut
        it off.
        """
        data = self.string()
        if b"\0" in data:
            raise UnusableKey("there is a NUL in a text")
        return data.decode("utf-8", "surrogateescape")

    def natural(self) -> int:
        """
        Return the next positive number of any size, which is written as short as can be.
        """
        data = self.string()
        if not data or data[0] >= 0x80 or not (data[0] or data[1:2] >= b"\x80"):
            raise UnusableKey("a number isn't written as it should be")
        return int.from_bytes(data, "big")

    def unsigned(self) -> int:
        """
        Return the next number that isn't negative, with any zeros before it, as OpenSSH
        parses the numbers of a signature.
        """
        data = self.string()
        if data[:1] >= b"\x80" or len(data) - (data[:1] == b"\0") > _LONGEST_NUMBER:
            raise UnusableKey("a number isn't one that can be in a signature")
        return int.from_bytes(data, "big")

    def end(self) -> None:
        """
        Insist that nothing follows.
        """
        if self:
            raise UnusableKey("more follows than should")


def string(data: bytes) -> bytes:
    """
    Return a string as it is written on the wire.
    """
    return len(data).to_bytes(4, "big") + data


__all__ = ["Fields", "ShortKey", "UnusableKey", "string"]
