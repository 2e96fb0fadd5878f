"""
What mycred adds to Twisted's own registries: the example server, C{twistd
myapp}, and the auth types that Twisted lacks.
"""

from twisted.application.service import ServiceMaker

from mycred.plugins.cred_cert import theCertificateCheckerFactory
from mycred.plugins.cred_htdigest import theHtdigestCheckerFactory
from mycred.plugins.cred_htpasswd import theHtpasswdCheckerFactory
from mycred.plugins.cred_ldap import theLDAPCheckerFactory
from mycred.plugins.cred_pam import thePAMCheckerFactory
from mycred.plugins.cred_passwd import thePasswdCheckerFactory

__all__ = [
    "myapp",
    "theCertificateCheckerFactory",
    "theHtdigestCheckerFactory",
    "theHtpasswdCheckerFactory",
    "theLDAPCheckerFactory",
    "thePAMCheckerFactory",
    "thePasswdCheckerFactory",
]

myapp = ServiceMaker(
    "mycred's example server",
    "mycred.demo",
    "A mailbox behind POP3, IMAP4, PB, HTTP and SSH, for the accounts that --auth names.",
    "myapp",
    "theCertificateCheckerFactory",
)
