"""
Connecting to a server, by ldap3.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from ldap3 import NONE, SYNC, Connection, Server

from ._address import Address
from ._connection import Link
from ._errors import Fault, Lost, Slow
from ._tls import Security, VerifiedTLS

# For how long the other side may be silent about what was sent, in milliseconds: not its
# answer, but that it has come.
_LONGEST_UNRECEIVED = 3000


def openLink(
    address: Address,
    place: str,
    security: Security,
    context: ssl.SSLContext,
    until: float,
    isHopeless: Callable[[], bool],
) -> Link:
    """
    Connect to a server, and begin TLS.

    @param address: where it is.
    @param place: one of its numbers, or a URL, as ldap3 takes it.
    @param security: what protects the connection.
    @param context: what verifies the server.
    @param until: when to give up, by L{time.monotonic}.
    @param isHopeless: what tells, now and then, whether to give up before.

    @raise Fault: if it can't be reached, or isn't who it should be.
    """
    link = Link(address, _connect(address, place, security, context, until), isHopeless)
    try:
        if security in (Security.STARTTLS, Security.OPPORTUNE) and not address.isSocket:
            mayFail = security is Security.OPPORTUNE and link.isOnThisMachine()
            link.isClear = not link.startTLS(context, until, mayFail)
        else:
            link.isClear = security is not Security.LDAPS and not address.isSocket
        link.describe()
    except OSError as error:
        link.close()
        raise Lost(f"{address}: the connection is lost: {error}") from None
    except BaseException:
        link.close()
        raise
    return link


class _Server(Server):  # type: ignore[misc]
    """
    ldap3's server, with numbers of an interface, such as C{fe80::1%eth0}, too.
    """

    @staticmethod
    def _is_ipv6(host: str) -> bool:
        """
        Tell whether a host is named by its number, with colons.
        """
        return bool(Server._is_ipv6(host.partition("%")[0]))


def _connect(
    address: Address,
    place: str,
    security: Security,
    context: ssl.SSLContext,
    until: float,
) -> Any:
    """
    Have ldap3 open a connection.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise Slow(f"{address} can't be reached in time")
    tls: Any = None
    if security is Security.LDAPS and not address.isSocket:
        tls = VerifiedTLS(context, address.certified, until)
    connection: Any = None
    try:
        # A Server that has failed once fails for seconds: each is used once.
        server = _Server(
            place,
            address.port or None,
            use_ssl=tls is not None,
            tls=tls,
            get_info=NONE,
            connect_timeout=left,
        )
        connection = Connection(
            server, client_strategy=SYNC, auto_referrals=False, check_names=False
        )
        connection.open(read_server_info=False)
    # ldap3 may raise anything: not only what its own exceptions descend from.
    except Exception as error:
        if connection is not None and connection.socket is not None:
            connection.socket.close()
        # A socket's queue may be full, too.
        isLate = time.monotonic() >= until or isinstance(error, BlockingIOError)
        kind = Slow if isLate else Fault
        # What ldap3 makes of what TLS has said is hard to read.
        trouble = getattr(tls, "trouble", None)
        if trouble is not None:
            raise kind(f"{address}: TLS can't begin: {trouble}") from None
        raise kind(f"{address} can't be reached: {error}") from None
    if not address.isSocket:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # What nobody has received by then is lost, with the connection (tcp(7)).
            connection.socket.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LONGEST_UNRECEIVED
            )
    return connection


__all__ = ["openLink"]
