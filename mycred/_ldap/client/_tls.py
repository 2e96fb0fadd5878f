"""
TLS to a directory: who it is is always verified.
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
    #: TLS after a request for it, and nothing where a server on this machine has none.
    OPPORTUNE = "starttls, if it isn't this machine"
    #: Nothing.
    NONE = "none"


def makeContext(
    cafile: str | None = None, certfile: str | None = None, keyfile: str | None = None
) -> ssl.SSLContext:
    """
    Make what TLS takes, once: that reads all certificates that the system trusts.

    @param cafile: the certificates of the authorities; the system's if L{None}.
    @param certfile: this side's certificate.
    @param keyfile: its key, if that isn't in the same file.

    @raise OSError: if a file can't be read, or holds something else
        (L{ssl.SSLError}).
    """
    context = ssl.create_default_context(cafile=cafile)
    if cafile is not None:
        # The deployer trusts what is in the file, though it be certified by others; so
        # has Python 3.13 it anyway.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certfile is not None:
        # A key that takes a passphrase can't be used: nobody could type it.
        context.load_cert_chain(certfile, keyfile, password=lambda: "")
    return context


class VerifiedTLS(Tls):  # type: ignore[misc]
    """
    ldap3's TLS with a context that is made once, in place of one for each connection
    that verifies nothing, and within a time that is the whole handshake's.

    @ivar trouble: what has kept it from beginning, if something has.
    """

    def __init__(self, context: ssl.SSLContext, host: str, until: float) -> None:
        """
        @param context: what verifies.
        @param host: the name for which the certificate must be, which is sent, too.
        @param until: when to give up, by L{time.monotonic}.
        """
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self._until = until
        self.trouble: OSError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """
        Have a connection go on with TLS.

        @raise OSError: if it can't, or the certificate isn't right.
        """
        plain = connection.socket
        # What Nagle holds back the server's delayed ACK waits for: 40 ms.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket = self._context.wrap_socket(
            plain, server_hostname=self._host, do_handshake_on_connect=False
        )
        connection.socket.settimeout(max(self._until - time.monotonic(), 0.001))
        try:
            connection.socket.do_handshake()
        except OSError as error:
            self.trouble = error
            raise


__all__ = ["Security", "VerifiedTLS", "makeContext"]
