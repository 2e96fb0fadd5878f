"""
Checkers of SSH keys, under the names that conch has them.

They take conch's libraries: C{pip install '.[ssh]'} in a checkout.  In place of
C{twisted.conch.checkers}::

    from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles

    portal = Portal(realm, [SSHPublicKeyChecker(UNIXAuthorizedKeysFiles())])
"""

from .._conchcontracts import IAuthorizedKeysDB, NotEnoughAuthentication, ValidPublicKey
from .._sshkeys import SERVER_OPTIONS, KeyEvidence, KeyOptions, KeyPolicy
from ..error import UnauthorizedLogin, UnhandledCredentials
from ._keydbs import InMemorySSHKeyDB, UNIXAuthorizedKeysFiles, readAuthorizedKeyFile
from ._keyscommand import KeysCommand
from ._publickeys import SSHPublicKeyChecker, keyOf
from ._sshprotocol import SSHProtocolChecker
from ._unix import UNIXPasswordDatabase, verifyCryptedPassword

__all__ = [
    "SERVER_OPTIONS",
    "IAuthorizedKeysDB",
    "InMemorySSHKeyDB",
    "KeyEvidence",
    "KeyOptions",
    "KeyPolicy",
    "KeysCommand",
    "NotEnoughAuthentication",
    "SSHProtocolChecker",
    "SSHPublicKeyChecker",
    "UNIXAuthorizedKeysFiles",
    "UNIXPasswordDatabase",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "ValidPublicKey",
    "keyOf",
    "readAuthorizedKeyFile",
    "verifyCryptedPassword",
]
