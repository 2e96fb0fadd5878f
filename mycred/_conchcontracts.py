"""
The door through which conch's contracts enter: as in L{mycred._contracts}, and for
the same reason, they are conch's very objects.  The door is another one, since conch
takes libraries that not everybody has.
"""

from __future__ import annotations

from twisted.conch.checkers import IAuthorizedKeysDB
from twisted.conch.error import (
    ConchError,
    IgnoreAuthentication,
    NotEnoughAuthentication,
    ValidPublicKey,
)
from twisted.conch.interfaces import IConchUser, ISession, ISessionSetEnv

__all__ = [
    "ConchError",
    "IAuthorizedKeysDB",
    "IConchUser",
    "ISession",
    "ISessionSetEnv",
    "IgnoreAuthentication",
    "NotEnoughAuthentication",
    "ValidPublicKey",
]
