"""
Twisted's own contracts: the one place where they are imported.

zope.interface matches an interface, and C{except} an exception, by identity: a
copy made here would be refused by every protocol that Twisted ships.  So the
interfaces, L{ANONYMOUS} and the exceptions of strcred are Twisted's very
objects, and the rest of mycred imports them from this module (the login errors from
L{mycred.error}).  What stands behind a contract is written anew; Twisted's classes are
here to be extended, by L{mycred._counterparts}, for programs that ask C{isinstance} and
adapters that are registered for a class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from zope.interface import Interface

from twisted.cred import checkers as twistedCheckers, credentials as twistedCredentials
from twisted.cred.checkers import ANONYMOUS, ICredentialsChecker
from twisted.cred.credentials import (
    IAnonymous,
    ICredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from twisted.cred.portal import IRealm, Portal as TwistedPortal
from twisted.cred.strcred import (
    ICheckerFactory,
    InvalidAuthArgumentString,
    InvalidAuthType,
    StrcredException,
    UnsupportedInterfaces,
)
from twisted.plugins import cred_unix as twistedUNIX

#: What a checker answers: an avatar ID, or L{ANONYMOUS}.  The contract says bytes; where
#: a protocol hands over a str (FTP, IRC) a str comes back.
AvatarID = Union[bytes, tuple[()]]

#: An interface is an object to zope.interface and a type to a type checker.
InterfaceType = type[Interface]

#: What a realm answers, and what a login ends with: the interface, the avatar
#: that provides it, and the callable that logs the avatar out.
Login = tuple[InterfaceType, object, Callable[[], None]]

__all__ = [
    "ANONYMOUS",
    "AvatarID",
    "IAnonymous",
    "ICheckerFactory",
    "ICredentials",
    "ICredentialsChecker",
    "IRealm",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "InterfaceType",
    "InvalidAuthArgumentString",
    "InvalidAuthType",
    "Login",
    "StrcredException",
    "TwistedPortal",
    "UnsupportedInterfaces",
    "twistedCheckers",
    "twistedCredentials",
    "twistedUNIX",
]
