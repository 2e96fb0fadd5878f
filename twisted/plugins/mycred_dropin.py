"""
What mycred adds to Twisted's own registries: the example server, C{twistd
myapp}, sessions for the servers of others, C{twistd mycred-session}, the auth
types that Twisted lacks, and the endpoint C{mtls:}.
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
    "mycredSession",
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

mycredSession = ServiceMaker(
    "Sessions for the servers of another plugin",
    "mycred._sessionservice",
    "Run another plugin, such as ftp, so that checkers know the clients' addresses.",
    "mycred-session",
)

mtls = TLSEndpointParser()
