"""
SSH keys that are in an LDAP directory.

They take conch's libraries: C{pip install '.[ssh]'} in a checkout.
"""

from .sshkeys._directory import LDAPAuthorizedKeys

__all__ = ["LDAPAuthorizedKeys"]
