"""
Where a client is: one spelling for one address, and the network that it belongs to.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Union

from ._fairqueue import Source
from ._secrets import asBytes

# How many bytes of an address are its network, and how many are a host in it, by
# version: what a provider gives to one customer, and what each machine of theirs has
# for itself.
_NETWORK, _HOST = {4: 3, 6: 6}, {4: 4, 6: 8}


def hostOf(address: object) -> str | None:
    """
    Return the host of an address, in the spelling that rules and people use: an IPv4
    address that came as an IPv6 one (RFC 4291, section 2.5.5) is an IPv4 address.

    @param address: the address as a transport returns it, or its text.

    @return: the host, or L{None} if the address has none.
    """
    host = getattr(address, "host", address)
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return None
    parsed = parseHost(host)
    return host if parsed is None else str(parsed)


# Each login asks several times for the same.
@lru_cache(maxsize=1024)
def parseHost(host: str) -> Union[IPv4Address, IPv6Address, None]:
    """
    Parse an IP address.  An IPv4 address that is written as an IPv6 one is an IPv4
    address.

    @return: the address, or L{None} if the text is none.
    """
    try:
        parsed = ip_address(host)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def isThisMachine(host: str) -> bool:
    """
    Return whether a host names this machine.  Other names may mean it, too.
    """
    parsed = parseHost(host)
    return host == "localhost" if parsed is None else parsed.is_loopback


def networkOf(address: object) -> bytes:
    """
    Return the network of an address: the /24 of an IPv4 one, or the /48 of an IPv6 one.

    @param address: the address, as for L{hostOf}; what is no IP address stands for
        itself.
    """
    return _prefix(hostOf(address), _NETWORK)


def sourceOf(credentials: object) -> Source:
    """
    Return where credentials come from, as far as it is known: whether somebody has logged
    in to this account from there, the network, the address, and the connection.

    @param credentials: credentials of any class, which may have the attributes C{peer}
        and C{session}, and C{isFromKnownSource}, which a throttle sets.
    """
    isKnown = getattr(credentials, "isFromKnownSource", False)
    peer = getattr(credentials, "peer", None)
    session = getattr(credentials, "session", None)
    if peer is None:
        return isKnown, b"", b"", session
    host = hostOf(peer)
    return isKnown, _prefix(host, _NETWORK), _prefix(host, _HOST), session


def _prefix(host: str | None, sizes: dict[int, int]) -> bytes:
    """
    Return the first bytes of an IP address, as many as are given for its version; of
    other text all bytes.
    """
    if not host:
        return b""
    parsed = parseHost(host)
    if parsed is None:
        return asBytes(host)
    return parsed.packed[: sizes[parsed.version]]


__all__ = ["hostOf", "isThisMachine", "networkOf", "parseHost", "sourceOf"]
