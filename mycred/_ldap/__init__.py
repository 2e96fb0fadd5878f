"""
Logins against an LDAP directory: find the user, bind as him, tell whether he may in.

L{Directory.look} does it all, and waits for servers: it is called in threads.
"""

from ._configuration import ldapSettings, readSettings
from ._directory import Directory
from ._options import OPTIONS
from ._settings import Settings

__all__ = [
    "OPTIONS",
    "Directory",
    "Settings",
    "ldapSettings",
    "readSettings",
]
