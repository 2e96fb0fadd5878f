"""
The options and the service of C{twistd diary}: C{diary/tap.py} of a small application.
"""

from __future__ import annotations

from diary.realm import DiaryRealm

from twisted.application import strports
from twisted.application.service import IService
from twisted.python import usage
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.server import Site

from mycred.credentials import IUsernamePassword
from mycred.portal import Portal
from mycred.strcred import AuthOptionMixin


class Options(usage.Options, AuthOptionMixin):
    """
    The options of C{twistd diary}.
    """

    # The credentials that users can present; an auth type that checks none is an error.
    supportedInterfaces = (IUsernamePassword,)

    optParameters = [
        ["port", "p", "tcp:8081:interface=127.0.0.1", "where to listen"],
    ]

    def postOptions(self) -> None:
        """
        Refuse a command line without accounts.
        """
        if not self.get("credCheckers"):
            raise usage.UsageError(
                "--auth is missing, for example --auth=file:/etc/diary/passwd"
            )


def makeService(options: Options) -> IService:
    """
    Make the service.

    @param options: the parsed command line.
    """
    portal = Portal(DiaryRealm(), options["credCheckers"])
    root = HTTPAuthSessionWrapper(portal, [BasicCredentialFactory(b"diary")])
    return strports.service(options["port"], Site(root))
