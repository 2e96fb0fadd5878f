"""
What C{twistd diary} runs: C{diary/tap.py} of a small application.
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

    # What users can present here.  An auth type that can't check it is an error.
    supportedInterfaces = (IUsernamePassword,)

    optParameters = [
        ["port", "p", "tcp:8081:interface=127.0.0.1", "where to listen"],
    ]

    def postOptions(self) -> None:
        """
        Insist on accounts.
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
