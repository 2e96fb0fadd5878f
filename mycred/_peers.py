"""
Where somebody comes from who logs in: one spelling for one address, and the network
that it belongs to.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Union

from ._fairqueue import Source
from ._secrets import asBytes

# What of an address is its network, and what is a host in it, in bytes: what a customer
# of a provider is given, and what each of their machines has for itself.
_NETWORK, _HOST = {4: 3, 6: 6}, {4: 4, 6: 8}


def hostOf(address: object) -> str | None:
    """
    Return the host of an address, in the spelling that rules and people use: an IPv4
    address that came as an IPv6 one (RFC 4291, section 2.5.5) is an IPv4 address.

    @param address: an address as a transport tells it, or its text.

    @return: the host; L{None} if it isn't known.
    """
    host = getattr(address, "host", address)
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return None
    parsed = parseHost(host)
    return host if parsed is None else str(parsed)


def parseHost(host: str) -> Union[IPv4Address, IPv6Address, None]:
    """
    Read an address.  An IPv4 address that is written as an IPv6 one is an IPv4 address.

    @return: L{None} if it is none.
    """
    try:
        parsed = ip_address(host)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def networkOf(address: object) -> bytes:
    """
    Return the network of an address: the /24 of an IPv4 one, or the /48 of an IPv6 one.

    @param address: the address, as for L{hostOf}; what is none stands for itself.
    """
    return _prefix(address, _NETWORK)


def sourceOf(credentials: object) -> Source:
    """
    Return who presents credentials, as far as it is known: the network, the address,
    and the connection.

    @param credentials: credentials of any class, with the attributes C{peer} and
        C{session} if somebody has set them.
    """
    peer = getattr(credentials, "peer", None)
    session = getattr(credentials, "session", None)
    return networkOf(peer), _prefix(peer, _HOST), session


def _prefix(address: object, sizes: dict[int, int]) -> bytes:
    """
    Return the first bytes of an address, as many as its version has.
    """
    host = hostOf(address)
    parsed = None if host is None else parseHost(host)
    if parsed is None:
        text: bytes = asBytes(host or "")
        return text
    return parsed.packed[: sizes[parsed.version]]


__all__ = ["hostOf", "networkOf", "parseHost", "sourceOf"]
