"""
Whether a TLS handshake is over, and being told when it is.
"""

from __future__ import annotations

from typing import Any

from zope.interface import alsoProvides

from twisted.internet.interfaces import IHandshakeListener
from twisted.protocols.policies import ProtocolWrapper


def isHandshaking(transport: Any) -> bool:
    """
    Return whether a transport is in the middle of a TLS handshake, in which nothing is
    known of the client, and nothing that it has sent is encrypted.
    """
    # The handle of a transport without TLS is its socket.
    handle = getattr(transport, "getHandle", lambda: None)()
    finished = getattr(handle, "get_peer_finished", None)
    return finished is not None and finished() is None


def listenForHandshake(protocol: Any) -> bool:
    """
    See to it that a protocol's C{handshakeCompleted} is called at the end of the TLS
    handshake, also where wrappers stand between it and TLS: those of
    L{twisted.protocols.policies} don't pass it on.

    @param protocol: a protocol that is connected.

    @return: whether it will be called.
    """
    above, transport = protocol, protocol.transport
    # Only what does TLS, or a socket, has a handle of its own.
    while not hasattr(type(transport), "getHandle"):
        isWrapper = isinstance(transport, ProtocolWrapper)
        if not isWrapper or transport.wrappedProtocol is not above:
            return False
        if not IHandshakeListener.providedBy(transport):
            transport.handshakeCompleted = protocol.handshakeCompleted
            alsoProvides(transport, IHandshakeListener)
        above, transport = transport, transport.transport
    return True


__all__ = ["isHandshaking", "listenForHandshake"]
