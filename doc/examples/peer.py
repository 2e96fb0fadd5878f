"""
Tell the checkers where a client comes from, in a protocol that knows only a portal.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.mail.pop3 import POP3

from mycred.portal import Portal


class PeerPortal(Portal):
    """
    A portal for one connection, which passes every login on to the server's.
    """

    def __init__(self, portal: Portal, protocol: Protocol) -> None:
        """
        @param portal: the server's.
        @param protocol: the connection.
        """
        super().__init__(portal.realm)
        self.checkers = portal.checkers
        self._portal = portal
        self._protocol = protocol

    def login(self, credentials: Any, mind: object, *interfaces: Any) -> Any:
        """
        Log in, with credentials that tell where they come from.
        """
        # Asked now: behind a proxy the client's address comes after the connection.
        credentials.peer = self._protocol.transport.getPeer()
        return self._portal.login(credentials, mind, *interfaces)


class POP3Factory(Factory):
    """
    Serve POP3, and tell the checkers who is at the other end.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def buildProtocol(self, addr: IAddress) -> Protocol:
        """
        Build a protocol, and hand it a portal of its own.
        """
        protocol = POP3()
        protocol.factory = self
        protocol.portal = PeerPortal(self._portal, protocol)
        return protocol
