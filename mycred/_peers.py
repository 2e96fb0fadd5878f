"""
Where somebody comes from who logs in: one spelling for one address, and the network
that it belongs to.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Union

from ._turns import Source

# The networks to which an address is reckoned, by their prefixes in bits: what a site,
# and what a customer of a provider is given.
_PREFIXES = {4: (24, 32), 6: (48, 64)}


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


def sourceOf(credentials: object) -> Source:
    """
    Return who presents credentials, as far as it is known: the network, the address,
    and the connection.

    @param credentials: credentials of any class, with the attributes C{peer} and
        C{session} if somebody has set them.
    """
    session = getattr(credentials, "session", None)
    host = hostOf(getattr(credentials, "peer", None))
    parsed = None if host is None else parseHost(host)
    if parsed is None:
        return (host, host, session)
    number, bits = int(parsed), parsed.max_prefixlen
    wide, narrow = (number >> bits - prefix for prefix in _PREFIXES[parsed.version])
    return ((parsed.version, wide), narrow, session)


__all__ = ["hostOf", "parseHost", "sourceOf"]
