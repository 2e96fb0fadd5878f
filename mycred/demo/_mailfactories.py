"""
Factories of the mail protocols: each connection gets a portal of its own, so that its
logins end with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from .._types import Clock
from ..portal import Portal
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory

#: How many logins without success end a connection.
MOST_REFUSED = 10


@dataclass(frozen=True)
class MailSettings:
    """
    What is the same for all mail protocols of a server.

    @ivar contextFactory: what STARTTLS begins with; L{None} if it isn't offered.
    @ivar siteSecret: the secret from which SCRAM's keys for unknown names are made.
    @ivar allowClearText: whether clients of other machines may send passwords as they
        are.
    """

    contextFactory: Any = None
    siteSecret: bytes | None = field(default=None, repr=False)
    allowClearText: bool = False


class MailFactory(Factory):
    """
    Build connections of a mail protocol.  The servers of L{mycred.mail} look for their
    settings here.

    @cvar service: the name of the protocol in the log and in TLS.
    @ivar portal: the portal of the server.
    @ivar mostRefused: how many logins without success end a connection.
    """

    noisy = False
    service: str

    def __init__(self, portal: Portal, settings: MailSettings, mostRefused: int) -> None:
        self.portal = portal
        self.contextFactory = settings.contextFactory
        self.siteSecret = settings.siteSecret
        self.allowClearText = settings.allowClearText
        self.mostRefused = mostRefused

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        Build a protocol with the portal.
        """
        protocol: Any = super().buildProtocol(addr)
        protocol.portal = self.portal
        protocol.ctx = self.contextFactory
        return protocol


class LimitedMailFactory(LimitedFactory):
    """
    Build limited connections of a mail protocol.
    """

    def __init__(
        self,
        factory: type[MailFactory],
        portal: Portal,
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Clock | None = None,
        mostRefused: int = MOST_REFUSED,
        settings: MailSettings = MailSettings(),
    ) -> None:
        """
        @param factory: the factory of the protocols, which are servers of
            L{mycred.mail}.
        @param portal: the portal of the server.
        @param loginTimeout: how long a client may take to log in, in seconds.
        @param reactor: the clock for time-outs; the reactor that is installed if
            L{None}.
        @param mostRefused: how many logins without success end a connection.
        @param settings: the settings of all mail protocols.
        """
        alpn = [factory.service.encode("ascii")]
        made = factory(portal, settings, mostRefused)
        super().__init__(made, LimitedConnection, loginTimeout, reactor, alpn)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        Build a protocol, whose own time-outs use the same clock.
        """
        connection = super().buildProtocol(addr)
        connection.wrappedProtocol.callLater = self.reactor.callLater
        return connection


__all__ = ["MOST_REFUSED", "LimitedMailFactory", "MailFactory", "MailSettings"]
