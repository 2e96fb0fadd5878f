"""
Checkers that ask an LDAP directory.

::

    from mycred.checkers.ldap import LDAPChecker, ldapSettings

    settings = ldapSettings(
        host="ldap1.example.org,ldap2.example.org", base="ou=people,dc=example,dc=org"
    )
    portal = Portal(realm, [LDAPChecker(settings)])

They aren't in L{mycred.checkers}: a program without a directory needn't wait for ldap3.
"""

from .._ldap import (
    OPTIONS as ldapOptions,
    Settings as LDAPSettings,
    ldapSettings,
    readSettings,
)
from ._ldap import LDAPChecker

__all__ = [
    "LDAPChecker",
    "LDAPSettings",
    "ldapOptions",
    "ldapSettings",
    "readSettings",
]
