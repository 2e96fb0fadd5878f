"""
Checkers: they hold credentials against a store and name the avatar.

Each provides L{ICredentialsChecker}, and so can be registered with
L{mycred.portal.Portal}, and with Twisted's::

    portal = Portal(realm, [FilePasswordDB("/etc/myapp/passwd")])
"""

from .. import error as error
from .._accounts import AccountRules
from .._chain import CheckerChain
from .._checking._accounts import accountOf
from .._checking._passwords import PasswordChecker
from .._contracts import (
    ANONYMOUS,
    IAnonymous,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._storedstate import IStoredState
from .._verdict import Account as UNIXAccount
from ._anonymous import AllowAnonymousAccess
from ._file import FilePasswordDB, OnDiskUsernamePasswordDatabase
from ._htdigest import HtdigestChecker
from ._htpasswd import HtpasswdChecker
from ._memory import InMemoryUsernamePasswordDatabaseDontUse
from ._pam import PAMChecker
from ._rules import accountRules
from ._unix import (
    PasswdChecker,
    UNIXChecker,
    UNIXPasswordDatabase,
    verifyCryptedPassword,
)

__all__ = [
    "ANONYMOUS",
    "AccountRules",
    "AllowAnonymousAccess",
    "CheckerChain",
    "FilePasswordDB",
    "HtdigestChecker",
    "HtpasswdChecker",
    "IAnonymous",
    "ICredentialsChecker",
    "IStoredState",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "InMemoryUsernamePasswordDatabaseDontUse",
    "OnDiskUsernamePasswordDatabase",
    "PAMChecker",
    "PasswdChecker",
    "PasswordChecker",
    "UNIXAccount",
    "UNIXChecker",
    "UNIXPasswordDatabase",
    "accountOf",
    "accountRules",
    "verifyCryptedPassword",
]
