"""
Checkers: they hold credentials against a store and name the avatar.

Each provides L{ICredentialsChecker}, and so can be registered with
L{mycred.portal.Portal}, and with Twisted's::

    portal = Portal(realm, [FilePasswordDB("/etc/myapp/passwd")])
"""

from .. import error as error
from .._accounts import Account as UNIXAccount, Rules as AccountRules
from .._chain import CheckerChain
from .._contracts import (
    ANONYMOUS,
    IAnonymous,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from ._anonymous import AllowAnonymousAccess
from ._avatarids import accountOf
from ._file import FilePasswordDB, OnDiskUsernamePasswordDatabase
from ._htdigest import HtdigestChecker
from ._htpasswd import HtpasswdChecker
from ._memory import InMemoryUsernamePasswordDatabaseDontUse
from ._pam import PAMChecker
from ._unix import PasswdChecker, UNIXChecker, UNIXPasswordDatabase

__all__ = [
    # From .._contracts
    "ANONYMOUS",
    # From .._accounts
    "AccountRules",
    # From ._anonymous
    "AllowAnonymousAccess",
    # From .._chain
    "CheckerChain",
    # From ._file
    "FilePasswordDB",
    # From ._htdigest
    "HtdigestChecker",
    # From ._htpasswd
    "HtpasswdChecker",
    "IAnonymous",
    "ICredentialsChecker",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    # From ._memory
    "InMemoryUsernamePasswordDatabaseDontUse",
    "OnDiskUsernamePasswordDatabase",
    # From ._pam
    "PAMChecker",
    # From ._unix
    "PasswdChecker",
    # From .._accounts
    "UNIXAccount",
    # From ._unix
    "UNIXChecker",
    "UNIXPasswordDatabase",
    # From ._avatarids
    "accountOf",
]
