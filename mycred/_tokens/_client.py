"""
What this server calls itself when it asks about tokens.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from .._files import openRegular
from .._paths import AnyPath, asPath

# More is no name, and no secret, in bytes.
_LONGEST = 4096


@dataclass(frozen=True)
class OAuthClient:
    """
    A client of an OAuth server, by its id and its secret.

    @ivar id: the id.
    @ivar secret: the secret.
    """

    id: str
    secret: str = field(repr=False)

    @classmethod
    def inFile(cls, path: AnyPath) -> OAuthClient:
        """
        Return the client in a file of two lines, of which the first is the id, and the
        second the secret.

        @raise ValueError: if the file isn't like that, or other users can read or write
            it.
        @raise OSError: if it can't be read.
        """
        path = asPath(path)
        with openRegular(path) as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise ValueError(
                    f"everybody can read or write {path}; change that (chmod o-rwx), and "
                    "the secret, if others have seen it"
                )
            text = file.read(_LONGEST + 1)
        lines = text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        isSound = len(text) <= _LONGEST and len(lines) == 2 and all(lines)
        if not isSound or not all(0x21 <= c <= 0x7E for line in lines for c in line):
            raise ValueError(
                f"{path} must hold two lines, in ASCII and without spaces: the id of "
                "this server as a client of the OAuth server, and its secret"
            )
        return cls(*(line.decode("ascii") for line in lines))

    @property
    def authorization(self) -> bytes:
        """
        The value of the header C{Authorization} (RFC 6749, section 2.3.1, which wants
        both parts encoded as those of a form).
        """
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}"
        return b"Basic " + base64.b64encode(pair.encode("ascii"))


__all__ = ["OAuthClient"]
