"""
Where a client may come from: patterns of names and addresses, as OpenSSH takes them
(ssh_config(5), "PATTERNS"; sshd(8), "from=").
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Union

_Address = Union[IPv4Address, IPv6Address]
_Network = Union[IPv4Network, IPv6Network]

# What a list in a certificate is made of.
_cidr = re.compile("[0-9a-fA-F.:/]{1,49}")

# What an address or a network is made of, in all the ways to write one; not of a scope.
_addressLike = re.compile("[0-9a-zA-Z.:/]+")

# A longer pattern is no address, and a still longer one ends the list, as in OpenSSH.
_LONGEST_ADDRESS, _LONGEST = 63, 1022


class BadPattern(ValueError):
    """
    A list of patterns holds something that is none.
    """


def isAmong(address: str, patterns: str, host: str | None = None) -> bool:
    """
    Tell whether a client is among those that a list of patterns names.

    @param address: its address.
    @param patterns: patterns separated by commas: addresses, networks as
        C{192.0.2.0/24}, and names or addresses with C{*} and C{?}; with C{!} before
        one that excludes.
    @param host: its name; if L{None}, patterns for names are held against the
        address, as OpenSSH does it unless it is told to ask the DNS.

    @raise BadPattern: if a pattern is empty, or a network has a wrong mask.
    """
    client = normalized(address)
    if client is None:
        return False
    address, found = str(client), False
    hasScope = getattr(client, "scope_id", None) is not None
    for pattern in patterns.split(","):
        excludes, pattern = pattern[:1] == "!", pattern.removeprefix("!")
        if not pattern:
            raise BadPattern("an empty pattern")
        network = _network(pattern)
        if network is None:
            matches = isLike(address, pattern)
        else:
            # Who has a scope is in no network that has none.
            matches = client in network and (excludes or not hasScope)
        if matches and excludes:
            return False
        found = found or matches
    named = _isNamed((host or address).lower(), patterns.lower().split(","))
    return found if named is None else named


def isInside(address: str, networks: str) -> bool:
    """
    Tell whether a client has an address of a list in a certificate.

    @param address: its address.
    @param networks: addresses and networks, separated by commas.

    @raise BadPattern: if one is something else.
    """
    client = normalized(address)
    nets = [_strictNetwork(word) for word in networks.split(",")]
    if client is None or getattr(client, "scope_id", None) is not None:
        return False
    return any(client in net for net in nets)


def isLike(text: str, pattern: str) -> bool:
    """
    Match a text against a pattern, in which C{*} stands for anything and C{?} for a
    character.
    """
    # As far as the last * has got is as far as it ever needs to go back.
    at = inPattern = 0
    star, resume = -1, 0
    while at < len(text):
        one = pattern[inPattern : inPattern + 1]
        if one == "*":
            star, resume = inPattern, at
            inPattern += 1
        elif one in ("?", text[at]):
            at, inPattern = at + 1, inPattern + 1
        elif star >= 0:
            resume += 1
            at, inPattern = resume, star + 1
        else:
            return False
    return not pattern[inPattern:].strip("*")


def normalized(address: str) -> _Address | None:
    """
    Read an address.  An IPv4 address that is written as an IPv6 one is an IPv4
    address.

    @return: L{None} if it is none.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return parsed if mapped is None else mapped


def _isNamed(host: str, patterns: Iterable[str]) -> bool | None:
    """
    Hold patterns against a name.

    @return: L{None} if they say nothing.
    """
    found = None
    for pattern in patterns:
        excludes, pattern = pattern[:1] == "!", pattern.removeprefix("!")
        if len(pattern) > _LONGEST:
            return None
        if isLike(host, pattern):
            if excludes:
                return False
            found = True
    return found


def _network(pattern: str) -> _Network | None:
    """
    Read an address or a network.

    @return: L{None} if the pattern is something else.

    @raise BadPattern: if it is a network with a wrong mask.
    """
    if len(pattern) > _LONGEST_ADDRESS or not _addressLike.fullmatch(pattern):
        return None
    text, slash, mask = pattern.partition("/")
    if slash and not (mask.isdigit() and int(mask) <= 128):
        return None
    address = _numeric(text)
    if address is None:
        return None
    length = int(mask) if slash else address.max_prefixlen
    try:
        return ip_network((address, length))
    except ValueError:
        raise BadPattern(f"{pattern} is no network") from None


def _strictNetwork(word: str) -> _Network:
    """
    Read an address or a network of a certificate.
    """
    network = _network(word) if _cidr.fullmatch(word) else None
    if network is None:
        raise BadPattern("something else than a network")
    return network


def _numeric(text: str) -> _Address | None:
    """
    Read an address in any of the ways in which OpenSSH does, such as C{127.1}.
    """
    try:
        found = socket.getaddrinfo(
            text, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError, ValueError):
        return None
    return ip_address(found[0][4][0])


__all__ = ["BadPattern", "isAmong", "isInside", "isLike", "normalized"]
