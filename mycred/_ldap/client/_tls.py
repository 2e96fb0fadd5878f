"""
TLS to a directory, which always verifies the server.
"""

from __future__ import annotations

import socket
import ssl
import time
from enum import Enum
from typing import Any

from ldap3 import Tls


class Security(Enum):
    """
    What protects a connection.
    """

    #: TLS from the first byte, on a port of its own.
    LDAPS = "ldaps"
    #: TLS after a request for it (RFC 4511, section 4.14).
    STARTTLS = "starttls"
    #: TLS after a request for it, and nothing where a server on this machine refuses.
    OPPORTUNE = "starttls, if it isn't this machine"
    #: Nothing.
    NONE = "none"


def makeContext(
    cafile: str | None = None, certfile: str | None = None, keyfile: str | None = None
) -> ssl.SSLContext:
    """
    Make a context for TLS, which is used for all connections: making it parses all
    certificates that the system trusts.

    @param cafile: the path of the authorities' certificates; the system's if L{None}.
    @param certfile: the path of the client's certificate.
    @param keyfile: the path of its key, if that isn't in the same file.

    @raise OSError: if a file can't be read, or can't be parsed
        (L{ssl.SSLError}).
    """
    context = ssl.create_default_context(cafile=cafile)
    if cafile is not None:
        # Each certificate in the file is trusted, also one that another authority has
        # issued, as Python 3.13 does anyway.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certfile is not None:
        # A key with a passphrase is refused: there is no terminal to type it at.
        context.load_cert_chain(certfile, keyfile, password=lambda: "")
    return context


class VerifiedTLS(Tls):  # type: ignore[misc]
    """
    ldap3's TLS with a context that is made once, in place of one for each connection that
    verifies nothing, and with one deadline for the whole handshake.

    @ivar error: why TLS hasn't begun, or L{None}.
    """

    def __init__(self, context: ssl.SSLContext, host: str, until: float) -> None:
        """
        @param context: what verifies the server.
        @param host: the name that the certificate must have, which is also sent (SNI).
        @param until: the deadline, by L{time.monotonic}.
        """
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self._until = until
        self.error: OSError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """
        Begin TLS on one of ldap3's connections, which calls this.

        @raise OSError: if the handshake fails, or the certificate isn't right.
        """
        connection.socket = self.wrap(connection.socket)
        self.handshake(connection.socket)

    def wrap(self, plain: socket.socket) -> ssl.SSLSocket:
        """
        Return a socket for TLS in place of this one, which can't be used any more.
        """
        # What Nagle holds back the server's delayed ACK waits for: 40 ms.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(
            plain, server_hostname=self._host, do_handshake_on_connect=False
        )

    def handshake(self, secured: ssl.SSLSocket) -> None:
        """
        Shake hands.

        @raise OSError: if that fails, or the certificate isn't right.
        """
        secured.settimeout(max(self._until - time.monotonic(), 0.001))
        try:
            secured.do_handshake()
        except OSError as error:
            self.error = error
            raise


__all__ = ["Security", "VerifiedTLS", "makeContext"]
