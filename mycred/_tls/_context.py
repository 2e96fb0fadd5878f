"""
What makes the TLS connections of a server as long as its files stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS, Connection

from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IProtocolNegotiationFactory,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol

from ._clients import ClientAuthorities
from ._server import ServerCertificate


@implementer(IOpenSSLServerConnectionCreator)
class ServerContext:
    """
    What makes connections by one certificate and one set of authorities.
    """

    def __init__(
        self,
        certificate: ServerCertificate,
        authorities: ClientAuthorities | None,
        isRequired: bool,
    ) -> None:
        """
        @param certificate: what the server proves its identity by.
        @param authorities: the authorities whose certificates clients may present;
            L{None} if they aren't asked for one.
        @param isRequired: whether clients without one are refused.
        """
        self._context = context = certificate.options().getContext()
        if authorities is not None:
            authorities.askBy(context, isRequired)
        context.set_alpn_select_callback(_selectProtocol)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """
        Return OpenSSL's side of a new connection.
        """
        connection = Connection(self._context, None)
        connection.set_app_data(protocol)
        return connection


def _selectProtocol(connection: Connection, offered: Sequence[bytes]) -> Any:
    """
    Return which of the protocols that a client speaks the server does (ALPN, RFC 7301).
    Where the server says nothing of it, the client is served all the same, unlike in
    Twisted 26: it may name its protocols to all servers.

    @param connection: OpenSSL's side of the connection.
    @param offered: the names of the protocols that the client speaks.
    """
    factory = connection.get_app_data().factory.wrappedFactory
    negotiating = IProtocolNegotiationFactory(factory, None)
    known = [] if negotiating is None else negotiating.acceptableProtocols()
    # The client is refused by a name that it hasn't offered.
    common = [name for name in known if name in offered] or [b""]
    return common[0] if known else NO_OVERLAPPING_PROTOCOLS


__all__ = ["ServerContext"]
