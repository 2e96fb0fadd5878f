"""
UNIX accounts: find one, verify a password, and tell whether it may be used.

An account is found by the name service or in a passwd file, its hash and its
dates in a shadow file.  L{Accounts.look} does it all, and waits for files, the
name service and the hash: it is called in threads, and in processes of their own.
"""

from ._account import (
    Account,
    Doubt,
    Kind,
    Verdict,
    isAccountName,
    isMadeUp,
    isPlausibleLogin,
    madeUp,
)
from ._lines import cryptIn
from ._rules import NOLOGIN, SHELLS, Rules
from ._settled import settled
from ._spwd import RecordUsers, ShadowDatabase
from ._standing import Standing
from ._store import (
    SHADOW,
    Accounts,
    Files,
    checkFiles,
    describe,
    lastDecoy,
    makeAccounts,
    preload,
)
from ._users import FileUsers, SystemUsers, Users

__all__ = [
    # From ._rules
    "NOLOGIN",
    # From ._store
    "SHADOW",
    # From ._rules
    "SHELLS",
    # From ._account
    "Account",
    # From ._store
    "Accounts",
    # From ._account
    "Doubt",
    # From ._users
    "FileUsers",
    "Files",
    # From ._account
    "Kind",
    # From ._rules
    "RecordUsers",
    "Rules",
    "ShadowDatabase",
    # From ._standing
    "Standing",
    # From ._users
    "SystemUsers",
    "Users",
    # From ._account
    "Verdict",
    # From ._store
    "checkFiles",
    # From ._lines
    "cryptIn",
    # From ._store
    "describe",
    # From ._account
    "isAccountName",
    # From ._account
    "isMadeUp",
    # From ._account
    "isPlausibleLogin",
    # From ._store
    "lastDecoy",
    # From ._account
    "madeUp",
    "makeAccounts",
    "preload",
    # From ._settled
    "settled",
]
