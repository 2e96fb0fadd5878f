"""
The auth type C{ldap}: whoever can bind to an LDAP directory.
"""

from __future__ import annotations

import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernamePassword,
)

ldapCheckerFactoryHelp = """
This checker lets in who can bind to an LDAP directory, such as OpenLDAP, 389 Directory
Server, FreeIPA or Active Directory.  While no server works logins are temporary failures;
mycred's programs ask the next --auth then, Twisted's own only know one.

host=NAME,NAME
    the servers, the preferred one first.  A port follows \\:, as in a,b\\:1389.  A name
    that begins with / is a socket of this machine (ldapi).

port=N
    the port of servers that have none of their own, 389 or 636 if this isn't given.

tls=starttls, tls=ldaps, tls=none
    how connections are protected; by StartTLS if this isn't given.  Certificates and
    names are always verified.  Only a server on this machine may have no TLS, or any
    with tls=none.

cafile=FILE
    the certificates of authorities, if the system's aren't meant.

certfile=FILE, keyfile=FILE
    this server's own certificate and its key.

One of these three says how a user is found:

base=DN
    their entry is searched below this one (scope=sub, one or base), by attribute=uid, or
    by filter=(&(objectClass=person)(uid={username})); then they must be able to bind.

dn=uid={username},ou=people,dc=example,dc=org
    they bind with this name.

upn=example.org
    they bind as NAME@example.org, in Active Directory.

attribute=NAME
    the attribute with the name by which the server knows users, uid if this isn't given.

binddn=DN, bindpwfile=FILE
    the service account that searches (svc@ad.example.org or AD\\\\svc in Active
    Directory, too), and a file with its password that not everybody can read.  Without
    them searches are anonymous.

group=DN, group=(FILTER)
    a group that users must be in, or a filter for such groups, below groupbase=DN.  With
    nested=yes groups within it count.

require=(FILTER)
    what their entry must match.

policy=yes, policy=no
    whether the directory is asked what its password policy says, which some servers
    fail at; if this isn't given, those are asked that say that they know it.

timeout=N
    how long a login may take, in seconds, 10 if this isn't given.

config=FILE
    a file that has all of these in a section [ldap], in place of them.

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
    authHelp = ldapCheckerFactoryHelp
    argStringFormat = (
        "host=NAME,NAME:base=DN[:attribute=NAME][:group=DN]... or config=FILE"
    )
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker for a directory.

        @param argstring: where it is, and who of it is let in.

        @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or
            can't take effect, or ldap3 isn't there.
        """
        try:
            from mycred.checkers.ldap import LDAPChecker, readSettings
        except ImportError as error:
            raise InvalidAuthArgumentString(
                f"it takes a library that isn't installed ({error}); do pip install ldap3"
            ) from None

        settings = readSettings(argstring)
        for address in settings.exposed:
            self.errorOutput.write(
                f"Warning: --auth=ldap: passwords are sent to {address} without TLS; who "
                "sees them on their way can read them\n"
            )
        return LDAPChecker(settings)


theLDAPCheckerFactory = LDAPCheckerFactory()
