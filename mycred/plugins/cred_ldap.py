"""
The auth type C{ldap}: the users who can bind to an LDAP directory.
"""

from __future__ import annotations

import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    needing,
)

ldapCheckerFactoryHelp = """
This checker lets in users who can bind to an LDAP directory, such as OpenLDAP, 389
Directory Server, FreeIPA or Active Directory.  While no server works logins are temporary
failures; mycred's programs ask the next --auth then, Twisted's own only know one.

One of base=, dn= and upn= says how a user is found, and host= where the directory is.
"""

ldapCheckerFactoryNotes = """
Only a server on this machine may have no TLS, or any server with tls=none.

A colon in a value is written \\:, a backslash \\\\; the shell wants both in quotes, and
parentheses and braces, too.

Example: --auth=ldap:host=ldap.example.org:base=ou=people,dc=example,dc=org
"""


@implementer(ICheckerFactory, IPlugin)
class LDAPCheckerFactory:
    """
    Makes L{LDAPChecker<mycred.checkers.ldap.LDAPChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "ldap"
    # The options parse names of entries and filters, which takes ldap3: the table isn't
    # imported just to list auth types.
    argStringFormat = (
        "host=NAME,NAME:base=DN[:attribute=NAME][:group=DN]... or config=FILE"
    )
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr

    @property
    def authHelp(self) -> str:
        """
        The help, with what each option means.
        """
        try:
            with needing("pip install ldap3"):
                from mycred.checkers.ldap import ldapOptions
        except InvalidAuthArgumentString as error:
            return f"{ldapCheckerFactoryHelp}\nNow {error}.\n"
        return ldapOptions.help(ldapCheckerFactoryHelp, ldapCheckerFactoryNotes)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a directory.

        @param argstring: where it is, and which of its users are let in.

        @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or
            can't take effect, or ldap3 isn't there.
        """
        with needing("pip install ldap3"):
            from mycred.checkers.ldap import LDAPChecker, readSettings

        settings = readSettings(argstring)
        for address in settings.exposed:
            self.errorOutput.write(
                f"Warning: --auth=ldap: passwords are sent to {address} without TLS; "
                "anyone on the network between can read them\n"
            )
        return LDAPChecker(settings)


theLDAPCheckerFactory = LDAPCheckerFactory()
