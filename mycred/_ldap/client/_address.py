"""
Where a server is.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple


class Address(NamedTuple):
    """
    Where a server is.

    @ivar host: its name or number, or the name of its socket.
    @ivar port: its port; 0 for a socket.
    """

    host: str
    port: int

    @property
    def isSocket(self) -> bool:
        """
        Whether it is a socket of this machine (C{ldapi}).
        """
        return not self.port

    @property
    def isOnThisMachine(self) -> bool:
        """
        Whether it names this machine; other names may mean it, too.
        """
        return self.isSocket or self.host == "localhost" or isLoopback(self.host)

    @property
    def certified(self) -> str:
        """
        The name for which a certificate must be: a number without its zone, which means
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


def isLoopback(host: str) -> bool:
    """
    Tell whether a number is one of this machine.
    """
    try:
        number = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(number, "ipv4_mapped", None)
    return bool((mapped or number).is_loopback)


__all__ = ["Address", "isLoopback"]
