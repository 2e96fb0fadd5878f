"""
Serve a portal over IMAP4.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocolFactory

from ...portal import Portal
from .._limits import LOGIN_TIMEOUT
from .._sessions import MOST_REFUSED, MailFactory, SessionFactory
from ._messages import IMAP4Connection


class IMAP4Factory(MailFactory):
    """
    Build IMAP4 connections.
    """

    protocol = IMAP4Connection


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
