"""
Checkers of SSH keys, under the names that conch has them.

They take conch's libraries: C{pip install '.[ssh]'} in a checkout.  In place of
C{twisted.conch.checkers}::

    from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles

    portal = Portal(realm, [SSHPublicKeyChecker(UNIXAuthorizedKeysFiles())])
"""

from twisted.python.deprecate import deprecatedModuleAttribute
from twisted.python.versions import Version

from ..._conchcontracts import (
    CryptedPasswordRecord,
    IAuthorizedKeysDB,
    NotEnoughAuthentication,
    UserDB,
    UserRecord,
    ValidPublicKey,
    error as error,
    keys as keys,
)
from ..._contracts import ICredentialsChecker, ISSHPrivateKey, IUsernamePassword
from ..._sshkeys import (
    SERVER_OPTIONS,
    KeyEvidence,
    KeyOptions,
    KeyPolicy,
    checkKeyFiles,
    checkPattern,
    checkPolicy,
)
from ...error import UnauthorizedLogin, UnhandledCredentials
from .._unix import verifyCryptedPassword
from ._command import KeysCommand
from ._database import SSHPublicKeyDatabase
from ._files import InMemorySSHKeyDB, UNIXAuthorizedKeysFiles
from ._plainkeys import readAuthorizedKeyFile
from ._protocol import ProvedBefore, SSHProtocolChecker
from ._publickeys import SSHPublicKeyChecker, keyOf
from ._unix import UNIXPasswordDatabase

deprecatedModuleAttribute(
    Version("Twisted", 15, 0, 0),
    "Please use mycred.checkers.sshkeys.SSHPublicKeyChecker, initialized with an "
    "instance of mycred.checkers.sshkeys.UNIXAuthorizedKeysFiles instead.",
    __name__,
    "SSHPublicKeyDatabase",
)

__all__ = [
    "SERVER_OPTIONS",
    "CryptedPasswordRecord",
    "IAuthorizedKeysDB",
    "ICredentialsChecker",
    "ISSHPrivateKey",
    "IUsernamePassword",
    "InMemorySSHKeyDB",
    "KeyEvidence",
    "KeyOptions",
    "KeyPolicy",
    "KeysCommand",
    "NotEnoughAuthentication",
    "ProvedBefore",
    "SSHProtocolChecker",
    "SSHPublicKeyChecker",
    "SSHPublicKeyDatabase",
    "UNIXAuthorizedKeysFiles",
    "UNIXPasswordDatabase",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "UserDB",
    "UserRecord",
    "ValidPublicKey",
    "checkKeyFiles",
    "checkPattern",
    "checkPolicy",
    "keyOf",
    "readAuthorizedKeyFile",
    "verifyCryptedPassword",
]
