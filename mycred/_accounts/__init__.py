"""
UNIX accounts: find one, verify its password, and decide whether it may be used.

An account is found by the name service or in a passwd file, its hash and its dates in a
shadow file.  L{Accounts.lookUp} does it all, and waits for files, the name service and
the hash: it is called in threads, and in processes of their own.
"""

from ._account import ACCOUNTS, isAccountName, isMadeUp, isPlausibleLogin, madeUp
from ._fileusers import FileUsers
from ._passwords import (
    SHADOW,
    AccountFiles,
    Accounts,
    AccountSettings,
    insistOnHashes,
    lastDecoy,
    makeAccounts,
    preloadAccounts,
)
from ._rules import NOLOGIN, SHELLS, AccountRules, AccountStatus
from ._seenfiles import SeenFiles
from ._shadow import hashIn
from ._spwd import RecordUsers, ShadowDatabase
from ._systemusers import SystemUsers
from ._users import Users, findAccount

__all__ = [
    "ACCOUNTS",
    "NOLOGIN",
    "SHADOW",
    "SHELLS",
    "AccountFiles",
    "AccountRules",
    "AccountSettings",
    "AccountStatus",
    "Accounts",
    "FileUsers",
    "RecordUsers",
    "SeenFiles",
    "ShadowDatabase",
    "SystemUsers",
    "Users",
    "findAccount",
    "hashIn",
    "insistOnHashes",
    "isAccountName",
    "isMadeUp",
    "isPlausibleLogin",
    "lastDecoy",
    "madeUp",
    "makeAccounts",
    "preloadAccounts",
]
