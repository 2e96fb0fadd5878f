"""
Servers whose checkers know over which connection a login comes.
"""

from zope.interface import implementer

from twisted.mail.smtp import ESMTP, SMTPFactory
from twisted.protocols.ftp import FTPFactory
from twisted.spread.pb import PBServerFactory
from twisted.web.guard import BasicCredentialFactory
from twisted.web.server import Site

from mycred.checkers import ICredentialsChecker
from mycred.error import UnauthorizedLogin
from mycred.sessions import SessionFactory
from mycred.web import HTTPAuthSessionWrapper


@implementer(ICredentialsChecker)
class PrivateOnly:
    """
    Ask another checker, unless others on the network could read what is sent.
    """

    def __init__(self, checker):
        self.checker = checker
        self.credentialInterfaces = checker.credentialInterfaces

    def requestAvatarId(self, credentials):
        facts = getattr(credentials, "facts", None)
        if facts is None or not facts.isPrivate:
            error = UnauthorizedLogin()
            error.why = "the connection isn't private"
            raise error
        return self.checker.requestAvatarId(credentials)


def ftpServer(portal):
    return SessionFactory(FTPFactory(portal), mostRefused=10)


def pbServer(portal):
    return SessionFactory(PBServerFactory(portal), mostRefused=10)


def smtpServer(portal, challengers):
    factory = SMTPFactory(portal)
    factory.protocol = lambda: ESMTP(challengers)
    return SessionFactory(factory, service="submission", mostRefused=10)


def webServer(portal):
    # Not the one of twisted.web.guard: this one knows the connection of each request.
    ways = [BasicCredentialFactory(b"example")]
    return Site(HTTPAuthSessionWrapper(portal, ways))
