"""
Factories of the mail protocols: each connection gets a portal of its own, so that its
logins end with it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from .._types import Clock
from ..portal import Portal
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory, LimitedPortal
from ._sasl import mechanismsOf

#: How many wrong passwords end a connection.
MOST_REFUSED = 10


class MailFactory(Factory):
    """
    Build connections of a mail protocol.

    @cvar service: the name of the protocol in the log and in TLS.
    @ivar challengers: for each SASL mechanism that is offered, what makes its
        credentials.
    """

    noisy = False
    service: str

    def __init__(self, portal: Portal) -> None:
        self.challengers = mechanismsOf(portal)


class _SessionWrapper(LimitedConnection):
    """
    A connection that closes its portal at its end, after the protocol's own
    C{connectionLost}.
    """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        protocol: Any = self.wrappedProtocol
        super().connectionLost(reason)
        protocol.portal.close()


class SessionFactory(LimitedFactory):
    """
    Build connections with portals of their own.
    """

    def __init__(
        self,
        factory: type[MailFactory],
        portal: Portal,
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Clock | None = None,
        mostRefused: int = MOST_REFUSED,
    ) -> None:
        """
        @param factory: the factory of the protocols, which have a C{portal}.
        @param portal: the portal of the server.
        @param loginTimeout: how long a client may take to log in, in seconds.
        @param reactor: the clock for time-outs; the reactor that is installed if
            L{None}.
        @param mostRefused: how many wrong passwords end a connection.
        """
        alpn = [factory.service.encode("ascii")]
        made = factory(portal)
        super().__init__(made, _SessionWrapper, loginTimeout, reactor, alpn)
        self._portal = portal
        self._service = factory.service
        self._mostRefused = mostRefused

    def buildProtocol(self, addr: IAddress | None) -> ProtocolWrapper:
        """
        Build a protocol, and set its portal.
        """
        wrapper: ProtocolWrapper = super().buildProtocol(addr)
        protocol: Any = wrapper.wrappedProtocol
        protocol.portal = LimitedPortal(
            self._portal, protocol, service=self._service, mostRefused=self._mostRefused
        )
        # The protocol's own time-outs use the same clock.
        protocol.callLater = self.reactor.callLater
        return wrapper


__all__ = ["MOST_REFUSED", "MailFactory", "SessionFactory"]
