"""
A checker behind a cache: it tells what its store holds, so that what is remembered of a
login ends when that changes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed

from mycred.checkers import ICredentialsChecker, IStoredState
from mycred.credentials import IUsernamePassword
from mycred.error import UnauthorizedLogin


@implementer(ICredentialsChecker, IStoredState)
class PinChecker:
    """
    Check the PINs of members, until they leave.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self) -> None:
        self.pins: dict[bytes, tuple[bytes, bytes]] = {}

    def setPin(self, name: bytes, salt: bytes, pin: bytes) -> None:
        """
        Set the PIN of a member.
        """
        self.pins[name] = salt, _hashed(pin, salt)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Check a PIN.
        """
        # As much work for a name that isn't known.
        salt, stored = self.pins.get(credentials.username, (b"nobody's", b""))
        if hmac.compare_digest(_hashed(credentials.password, salt), stored):
            return succeed(credentials.username)
        return fail(UnauthorizedLogin())

    def storedState(self, credentials: Any, avatarId: Any = None) -> bytes:
        """
        Return what the answer depends on besides the PIN.
        """
        salt, stored = self.pins.get(credentials.username, (b"", b""))
        return salt + stored


def _hashed(pin: bytes, salt: bytes) -> bytes:
    """
    Hash a PIN.
    """
    return hashlib.scrypt(pin, salt=salt, n=1024, r=8, p=1)
