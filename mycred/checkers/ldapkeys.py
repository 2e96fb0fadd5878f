"""
SSH keys that are in an LDAP directory.
"""

from .sshkeys._directory import LDAPAuthorizedKeys

__all__ = ["LDAPAuthorizedKeys"]
