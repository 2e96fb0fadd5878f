"""
Tell the checkers where a client comes from, in a protocol that knows only a portal.
"""

from __future__ import annotations

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.mail.pop3 import POP3
from twisted.python.failure import Failure

from mycred.portal import Portal, SessionPortal


class SessionPOP3(POP3):
    """
    POP3 with a portal for each connection.
    """

    def connectionMade(self) -> None:
        """
        Make the portal.
        """
        self.portal = SessionPortal(self.factory.portal, self, service="pop3")
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        """
        End the logins that are still under way.
        """
        super().connectionLost(reason)
        self.portal.close()


class POP3Factory(Factory):
    """
    Serve POP3.
    """

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def buildProtocol(self, addr: IAddress) -> Protocol:
        """
        Build a protocol.
        """
        protocol = SessionPOP3()
        protocol.factory = self
        return protocol
