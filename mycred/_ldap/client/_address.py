"""
The address of a server.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple


class Address(NamedTuple):
    """
    The address of a server.

    @ivar host: its host name or IP address, or the path of its Unix socket.
    @ivar port: its port; 0 for a Unix socket.
    """

    host: str
    port: int

    @property
    def isSocket(self) -> bool:
        """
        Whether it is a Unix socket (C{ldapi}).
        """
        return not self.port

    @property
    def isOnThisMachine(self) -> bool:
        """
        Whether it names this machine.  Other names may mean it, too.
        """
        return self.isSocket or self.host == "localhost" or isLoopback(self.host)

    @property
    def certified(self) -> str:
        """
        The name that a certificate must have: an IP address without its zone, which means
        something on this machine only (RFC 4007, section 11).
        """
        return self.host.partition("%")[0]

    def __str__(self) -> str:
        if self.isSocket:
            return self.host
        return (
            f"[{self.host}]:{self.port}"
            if ":" in self.host
            else f"{self.host}:{self.port}"
        )


def isIPAddress(host: str) -> bool:
    """
    Return whether a host is an IP address, rather than a name.
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def isLoopback(host: str) -> bool:
    """
    Return whether a host is a loopback address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


__all__ = ["Address", "isIPAddress", "isLoopback"]
