"""
Serve a portal over IMAP4.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Factory

from ...portal import Portal
from .._limits import LOGIN_TIMEOUT
from .._sasl import mechanismsOf
from .._sessions import MOST_REFUSED, SessionFactory
from ._server import IMAP4Connection


class IMAP4Factory(Factory):
    """
    Build IMAP4 connections.

    @ivar challengers: for each SASL mechanism, how to make its credentials.
    """

    noisy = False

    def __init__(self, portal: Portal) -> None:
        self.challengers = mechanismsOf(portal)

    def buildProtocol(self, addr: object) -> Any:
        """
        Build a connection.
        """
        protocol: Any = IMAP4Connection(dict(self.challengers))
        protocol.factory = self
        return protocol


def makeFactory(
    portal: Portal,
    loginTimeout: float = LOGIN_TIMEOUT,
    reactor: Any = None,
    mostRefused: int = MOST_REFUSED,
) -> IProtocolFactory:
    """
    Serve a portal over IMAP4.

    @param loginTimeout: how long a client may take until somebody is logged in, in
        seconds.
    @param reactor: what counts the time; the reactor that is installed if L{None}.
    @param mostRefused: how many wrong passwords end a connection.
    """
    factory = IMAP4Factory(portal)
    return SessionFactory(factory, portal, "imap", mostRefused, loginTimeout, reactor)


__all__ = ["IMAP4Factory", "makeFactory"]
