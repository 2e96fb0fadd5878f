"""
UNIX accounts: find one, verify a password, and tell whether it may be used.

An account is found by the name service or in a passwd file, its hash and its
dates in a shadow file.  L{Accounts.lookUp} does it all, and waits for files, the
name service and the hash: it is called in threads, and in processes of their own.
"""

from ._account import isAccountName, isMadeUp, isPlausibleLogin, madeUp
from ._layout import ACCOUNTS, hashIn
from ._passwords import (
    SHADOW,
    AccountFiles,
    Accounts,
    AccountSettings,
    checkFiles,
    describe,
    lastDecoy,
    makeAccounts,
    preload,
)
from ._rules import NOLOGIN, SHELLS, Rules
from ._settled import settled
from ._spwd import RecordUsers, ShadowDatabase
from ._standing import Standing
from ._users import FileUsers, SystemUsers, Users

__all__ = [
    "ACCOUNTS",
    "NOLOGIN",
    "SHADOW",
    "SHELLS",
    "AccountFiles",
    "AccountSettings",
    "Accounts",
    "FileUsers",
    "RecordUsers",
    "Rules",
    "ShadowDatabase",
    "Standing",
    "SystemUsers",
    "Users",
    "checkFiles",
    "describe",
    "hashIn",
    "isAccountName",
    "isMadeUp",
    "isPlausibleLogin",
    "lastDecoy",
    "madeUp",
    "makeAccounts",
    "preload",
    "settled",
]
