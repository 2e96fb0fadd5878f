"""
A program for twistd whose accounts are chosen with C{--auth}.
"""

from __future__ import annotations

from first_login_pop3 import POP3, MailRealm

from twisted.application.service import Service
from twisted.application.strports import service
from twisted.internet.protocol import Factory
from twisted.python import usage

from mycred.credentials import IUsernamePassword
from mycred.portal import Portal
from mycred.strcred import AuthOptionMixin


class Options(usage.Options, AuthOptionMixin):
    """
    The command line.
    """

    supportedInterfaces = (IUsernamePassword,)
    optParameters = [["port", "p", "tcp:1100:interface=127.0.0.1", "where to listen"]]

    def postOptions(self):
        """
        Insist on accounts.
        """
        if "credCheckers" not in self:
            raise usage.UsageError(
                "--auth is missing, for example --auth=file:/srv/users"
            )


def makeService(options) -> Service:
    """
    Tie the protocol, the realm and the checkers together.
    """
    portal = Portal(MailRealm(), options["credCheckers"])
    return service(options["port"], Factory.forProtocol(lambda: POP3(portal)))
