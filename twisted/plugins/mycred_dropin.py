"""
What mycred adds to Twisted's own registries: the example server, C{twistd
myapp}, the auth types that Twisted lacks, and the endpoint C{mtls:}.
"""

from twisted.application.service import ServiceMaker

from mycred.plugins.cred_cert import theCertificateCheckerFactory
from mycred.plugins.cred_htdigest import theHtdigestCheckerFactory
from mycred.plugins.cred_htpasswd import theHtpasswdCheckerFactory
from mycred.plugins.cred_ldap import theLDAPCheckerFactory
from mycred.plugins.cred_pam import thePAMCheckerFactory
from mycred.plugins.cred_passwd import thePasswdCheckerFactory
from mycred.plugins.cred_sql import theSQLCheckerFactory
from mycred.plugins.cred_stack import theStackCheckerFactory
from mycred.plugins.cred_token import theTokenCheckerFactory
from mycred.tls import TLSEndpointParser

__all__ = [
    "mtls",
    "myapp",
    "theCertificateCheckerFactory",
    "theHtdigestCheckerFactory",
    "theHtpasswdCheckerFactory",
    "theLDAPCheckerFactory",
    "thePAMCheckerFactory",
    "thePasswdCheckerFactory",
    "theSQLCheckerFactory",
    "theStackCheckerFactory",
    "theTokenCheckerFactory",
]

myapp = ServiceMaker(
    "mycred's example server",
    "mycred.demo",
    "A mailbox behind POP3, IMAP4, SMTP, PB, HTTP and SSH, for --auth's accounts.",
    "myapp",
)

mtls = TLSEndpointParser()
