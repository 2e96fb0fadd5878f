"""
Connections of the mail protocols, whose logins end with them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from ..portal import Portal
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory, LimitedPortal
from ._sasl import mechanismsOf

#: So many wrong passwords end a connection.
MOST_REFUSED = 10


class MailFactory(Factory):
    """
    Build connections of a mail protocol.

    @cvar service: what the log, and TLS, call the protocol.
    @ivar challengers: for each SASL mechanism that is offered, how to make its
        credentials.
    """

    noisy = False
    service: str

    def __init__(self, portal: Portal) -> None:
        self.challengers = mechanismsOf(portal)


class _SessionWrapper(LimitedConnection):
    """
    What closes the portal of a connection, after the protocol was told.
    """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        protocol: Any = self.wrappedProtocol
        super().connectionLost(reason)
        protocol.portal.close()


class SessionFactory(LimitedFactory):
    """
    Give each connection a portal of its own.
    """

    def __init__(
        self,
        factory: type[MailFactory],
        portal: Portal,
        loginTimeout: float = LOGIN_TIMEOUT,
        reactor: Any = None,
        mostRefused: int = MOST_REFUSED,
    ) -> None:
        """
        @param factory: the factory of the protocols, which have a C{portal}.
        @param portal: the portal of the server.
        @param loginTimeout: how long a client may take until somebody is logged in, in
            seconds.
        @param reactor: what counts the time; the reactor that is installed if L{None}.
        @param mostRefused: how many wrong passwords end a connection.
        """
        alpn = [factory.service.encode("ascii")]
        made = factory(portal)
        super().__init__(made, _SessionWrapper, loginTimeout, reactor, alpn)
        self._portal = portal
        self._service = factory.service
        self._mostRefused = mostRefused

    def buildProtocol(self, addr: Any) -> ProtocolWrapper:
        """
        Build a protocol, and hand it its portal.
        """
        wrapper: ProtocolWrapper = super().buildProtocol(addr)
        protocol: Any = wrapper.wrappedProtocol
        protocol.portal = LimitedPortal(
            self._portal, protocol, service=self._service, mostRefused=self._mostRefused
        )
        # Its own time-outs, which follow the login, count the same time.
        protocol.callLater = self.reactor.callLater
        return wrapper


__all__ = ["MOST_REFUSED", "MailFactory", "SessionFactory"]
