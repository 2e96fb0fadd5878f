"""
Where a client may come from: patterns of names and addresses, as OpenSSH takes them
(ssh_config(5), "PATTERNS"; sshd(8), "from=").
"""

from __future__ import annotations

import re
from functools import cached_property
from socket import AF_INET6, inet_aton, inet_pton
from typing import NamedTuple

from .._peers import parseHost
from ._budget import Budget, Limit

# An address or a network in a list in a certificate.
_cidr = re.compile("[0-9a-fA-F.:/]{1,49}")

# An address or a network, in all the ways to write one; not with a scope.
_addressLike = re.compile("([0-9a-fA-F:][0-9a-zA-Z.:]*)(?:/([0-9]+))?")

# A longer pattern is no address, and a still longer one ends the list, as in OpenSSH.
_LONGEST_ADDRESS, _LONGEST = 63, 1022

# A longer text matches no pattern: it is no name of a host.
_LONGEST_TEXT = 1024


class BadPattern(ValueError):
    """
    A list of patterns holds something else.
    """


class Client:
    """
    The address of a client, which is matched against lists of patterns.
    """

    def __init__(self, address: str) -> None:
        """
        @param address: its address.
        """
        known = parseHost(address)
        self._isKnown = known is not None
        self._hasScope = getattr(known, "scope_id", None) is not None
        self._text = _Text("" if known is None else str(known))
        self._size = 0 if known is None else known.max_prefixlen
        self._number = 0 if known is None else int(known)

    def isAmong(
        self, patterns: str, host: str | None = None, budget: Budget | None = None
    ) -> bool:
        """
        Return whether a list of patterns matches it.

        @param patterns: patterns separated by commas: addresses, networks as
            C{192.0.2.0/24}, and names or addresses with C{*} and C{?}; with C{!} before
            one that excludes.
        @param host: its name; if L{None}, patterns for names are held against the
            address, as OpenSSH does it unless it is told to ask the DNS.
        @param budget: what the patterns are counted against.

        @raise BadPattern: if a pattern is empty, or a network has a wrong mask.
        @raise TooMuch: if there are too many patterns.
        """
        if not self._isKnown:
            return False
        found = False
        for word in _split(patterns, budget):
            excludes, pattern = word[:1] == "!", word.removeprefix("!")
            if not pattern:
                raise BadPattern("an empty pattern")
            network = _network(pattern)
            if network is None:
                matches = self._text.isLike(pattern)
            else:
                matches = network.holds(self._size, self._number)
                # An address with a scope is in no network without one.
                matches = matches and (excludes or not self._hasScope)
            if matches and excludes:
                return False
            found = found or matches
        named = self._isNamed(host, _lower(patterns).split(","))
        return found if named is None else named

    def isInside(self, networks: str, budget: Budget | None = None) -> bool:
        """
        Return whether it is in a list of addresses and networks in a certificate.

        @param networks: addresses and networks, separated by commas.
        @param budget: what they are counted against.

        @raise BadPattern: if one is something else.
        @raise TooMuch: if there are too many.
        """
        nets = networksIn(networks, budget)
        if not self._isKnown or self._hasScope:
            return False
        return any(net.holds(self._size, self._number) for net in nets)

    def _isNamed(self, host: str | None, patterns: list[str]) -> bool | None:
        """
        Return whether patterns match its name; L{None} if none does.
        """
        name = _lower(host or self._text.text)
        text = self._text if name == self._text.text else _Text(name)
        found = None
        for word in patterns:
            excludes, pattern = word[:1] == "!", word.removeprefix("!")
            if len(pattern) > _LONGEST:
                return None
            if text.isLike(pattern):
                if excludes:
                    return False
                found = True
        return found


def isLike(text: str, pattern: str) -> bool:
    """
    Return whether a text matches a pattern, in which C{*} stands for anything and C{?}
    for a character.
    """
    return _Text(text).isLike(pattern)


class _Text:
    """
    A text that is matched against patterns.

    @ivar text: the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, bool] = {}

    def isLike(self, pattern: str) -> bool:
        """
        Return whether it matches a pattern.
        """
        if pattern not in self._known:
            self._known[pattern] = self._match(pattern)
        return self._known[pattern]

    def _match(self, pattern: str) -> bool:
        """
        Return whether it matches a pattern, in no more steps than the pattern is long,
        and than twice as many as the text is.
        """
        size, stars = len(self.text), pattern.count("*")
        literally = len(pattern) - stars
        if size > _LONGEST_TEXT or literally > size or not (stars or literally == size):
            return False
        if not stars and "?" not in pattern:
            return pattern == self.text
        # The bits are the places that may have been reached.
        places, everywhere, reached = self._places, (2 << size) - 1, 1
        for one in re.sub(r"\*\*+", "*", pattern):
            if one == "*":
                # All from the first one on.
                reached = everywhere & -(reached & -reached)
            else:
                reached = (reached & places.get(one, 0)) << 1
            if not reached:
                return False
        return bool(reached >> size)

    @cached_property
    def _places(self) -> dict[str, int]:
        """
        For each character a number whose bits are the places where it stands.
        """
        places: dict[str, int] = {}
        for place, character in enumerate(self.text):
            places[character] = places.get(character, 0) | 1 << place
        return {**places, "?": (1 << len(self.text)) - 1}


def _split(patterns: str, budget: Budget | None) -> list[str]:
    """
    Return the items of a list, if it isn't too long.
    """
    if budget is not None:
        budget.spend(Limit.PATTERNS, patterns.count(",") + 1)
    return patterns.split(",")


def _lower(text: str) -> str:
    """
    Return a name in lower case as OpenSSH writes it: other letters than those of ASCII
    have none.
    """
    data = text.encode("utf-8", "surrogatepass").lower()
    return data.decode("utf-8", "surrogatepass")


class _Network(NamedTuple):
    """
    Addresses that begin with the same bits.

    @ivar size: how many bits an address has.
    @ivar first: the first of them, as a number.
    @ivar free: how many bits differ.
    """

    size: int
    first: int
    free: int

    def holds(self, size: int, number: int) -> bool:
        """
        Return whether an address is one of them.
        """
        return size == self.size and number >> self.free == self.first >> self.free


def _network(pattern: str) -> _Network | None:
    """
    Return the addresses of a pattern; L{None} if it is no address and no network.

    @raise BadPattern: if it is a network with a wrong mask.
    """
    match = _addressLike.fullmatch(pattern) if len(pattern) <= _LONGEST_ADDRESS else None
    address = _numeric(match[1]) if match else None
    if match is None or address is None:
        return None
    size, first = address
    length = size if match[2] is None else int(match[2])
    if length > 128:
        return None
    free = size - length
    if free < 0 or first & ((1 << free) - 1):
        raise BadPattern(f"{pattern} is no network")
    return _Network(size, first, free)


def networksIn(text: str, budget: Budget | None = None) -> list[_Network]:
    """
    Return the addresses and networks of a certificate.

    @param budget: what they are counted against.

    @raise BadPattern: if one is something else.
    @raise TooMuch: if there are too many.
    """
    networks = []
    for word in _split(text, budget):
        network = _network(word) if _cidr.fullmatch(word) else None
        if network is None:
            raise BadPattern("something else than a network")
        networks.append(network)
    return networks


def _numeric(text: str) -> tuple[int, int] | None:
    """
    Return the size of an address in bits, and the address as a number, in any of the
    spellings that OpenSSH takes, such as C{127.1}; L{None} if it is none.  No name
    service is asked, as getaddrinfo(3) would do.
    """
    try:
        if ":" in text:
            return 128, int.from_bytes(inet_pton(AF_INET6, text), "big")
        if text[:1].isdigit():
            return 32, int.from_bytes(inet_aton(text), "big")
    except OSError:
        pass
    return None


__all__ = ["BadPattern", "Client", "isLike", "networksIn"]
