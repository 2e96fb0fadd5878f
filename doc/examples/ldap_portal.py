"""
A portal for the users of a directory, and for a local administrator.
"""

from mycred.checkers import HtpasswdChecker
from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.portal import Portal


def makePortal(realm, host, base, local):
    """
    Make a portal.

    @param host: the servers of the directory.
    @param base: where its users are.
    @param local: an htpasswd file, for when the directory is down.
    """
    directory = LDAPChecker(ldapSettings(host=host, base=base))
    return Portal(realm, [directory, HtpasswdChecker(local)])
