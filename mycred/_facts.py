"""
What is known of the connection over which a login comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ConnectionFacts:
    """
    What is known of a connection at one login.

    Credentials of any class may have it as their attribute C{connection};
    L{SessionPortal<mycred.portal.SessionPortal>} sets it.  The transport is asked anew
    for each login: a PROXY header or STARTTLS may have changed what it says.

    @ivar transport: the transport; L{None} if there is none any more.
    @ivar service: the name of the protocol, such as C{imap}; L{None} if it isn't known.
    """

    __slots__ = ("_peer", "service", "transport")

    def __init__(self, transport: Any, service: str | None = None) -> None:
        """
        @param transport: the transport of the connection.
        @param service: the name of the protocol.
        """
        self.transport = transport
        self.service = service

    def __deepcopy__(self, memo: object) -> ConnectionFacts:
        """
        Return the same: copies of credentials belong to the same connection.
        """
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """
        Stay behind when credentials go to another process: there it is L{None}.
        """
        return type(None), ()

    @property
    def peer(self) -> Any:
        """
        The address of the client; L{None} if it isn't known.
        """
        return None if self.transport is None else self.transport.getPeer()

    @property
    def host(self) -> Any:
        """
        The address at which the server has accepted the connection; L{None} if it isn't
        known.
        """
        return None if self.transport is None else self.transport.getHost()

    @property
    def isSecure(self) -> bool:
        """
        Whether the connection is encrypted by TLS here.  Behind a proxy that does it this
        can't be known.
        """
        raise NotImplementedError

    @property
    def isPrivate(self) -> bool:
        """
        Whether nobody on the network can read what is sent: it is encrypted, or doesn't
        leave this machine.
        """
        raise NotImplementedError

    @property
    def certificate(self) -> Any:
        """
        The certificate that the client has presented, a C{cryptography.x509.Certificate};
        L{None} if there is none.
        """
        raise NotImplementedError

    @property
    def chain(self) -> Sequence[Any]:
        """
        The other certificates that the client has sent.
        """
        raise NotImplementedError

    def channelBinding(self, name: str) -> bytes | None:
        """
        Return what binds a login to this TLS connection.

        @param name: C{tls-exporter} (RFC 9266), C{tls-unique} or
            C{tls-server-end-point} (RFC 5929).

        @return: the data, or L{None} if the connection has no such binding.
        """
        raise NotImplementedError


__all__ = ["ConnectionFacts"]
