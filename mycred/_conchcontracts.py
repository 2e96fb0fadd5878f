"""
The door through which conch's contracts enter: as in L{mycred._contracts}, and for
the same reason, they are conch's very objects.  The door is another one, since conch
needs libraries that aren't always installed.
"""

from __future__ import annotations

from twisted.conch import checkers as twistedConch, error
from twisted.conch.checkers import (
    CryptedPasswordRecord,
    IAuthorizedKeysDB,
    UserDB,
    UserRecord,
)
from twisted.conch.error import (
    ConchError,
    IgnoreAuthentication,
    NotEnoughAuthentication,
    ValidPublicKey,
)
from twisted.conch.interfaces import IConchUser, ISession, ISessionSetEnv
from twisted.conch.ssh import keys

__all__ = [
    "ConchError",
    "CryptedPasswordRecord",
    "IAuthorizedKeysDB",
    "IConchUser",
    "ISession",
    "ISessionSetEnv",
    "IgnoreAuthentication",
    "NotEnoughAuthentication",
    "UserDB",
    "UserRecord",
    "ValidPublicKey",
    "error",
    "keys",
    "twistedConch",
]
