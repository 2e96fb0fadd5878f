"""
Logins against an LDAP directory: find the user, bind as them, and decide whether they may
log in.

L{Directory.lookUp} does it all, and waits for servers: it is called in threads.
L{ScramUsers} is for users who log in without a bind, by SCRAM.
"""

from ._configuration import ldapSettings, readSettings
from ._directory import Directory
from ._options import OPTIONS
from ._scramusers import ScramUsers, Usual
from ._settings import Settings

__all__ = [
    "OPTIONS",
    "Directory",
    "ScramUsers",
    "Settings",
    "Usual",
    "ldapSettings",
    "readSettings",
]
