"""
Connections whose logins end with them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from .._sessions import SessionPortal
from ..portal import Portal


class _SessionWrapper(ProtocolWrapper):
    """
    What closes the portal of a connection, after the protocol was told.
    """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        protocol: Any = self.wrappedProtocol
        super().connectionLost(reason)
        protocol.portal.close()


class SessionFactory(WrappingFactory):
    """
    Give each connection a portal of its own.
    """

    protocol = _SessionWrapper
    noisy = False

    def __init__(self, factory: Factory, portal: Portal) -> None:
        """
        @param factory: the factory of the protocols, which have a C{portal}.
        @param portal: the portal of the server.
        """
        super().__init__(factory)
        self._portal = portal

    def buildProtocol(self, addr: Any) -> ProtocolWrapper:
        """
        Build a protocol, and hand it its portal.
        """
        wrapper: ProtocolWrapper = super().buildProtocol(addr)
        protocol: Any = wrapper.wrappedProtocol
        protocol.portal = SessionPortal(self._portal, addr)
        return wrapper


__all__ = ["SessionFactory"]
