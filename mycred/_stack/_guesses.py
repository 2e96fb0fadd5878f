"""
What a login may cost: where it comes from, and at which account.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple, Union

from twisted.internet.address import UNIXAddress
from twisted.logger import Logger

from .._contracts import (
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._conversations import IScramCredentials
from .._peers import hostOf, parseHost
from .._secrets import LONGEST, asBytes
from .._state import Bucket, Guess, Limit
from ..credentials import UsernamePassword
from ._names import spelledOnce

Network = Union[IPv4Network, IPv6Network]

#: What holds a secret that people choose, and others guess.
GUESSABLE = (
    IUsernamePassword,
    IUsernameHashedPassword,
    IUsernameDigestHash,
    IScramCredentials,
)

# How many bytes of an address are a source, and how many are a network, by version: what
# one machine has for itself, and what a provider gives to one customer.
_SOURCE, _NETWORK = {4: 4, 6: 8}, {4: 3, 6: 6}

# How many bytes of a digest tell which pair a password was tried for, and how many which
# password: enough to know it again, and too few to find it out by trying others.
_OF_PAIR, _OF_PASSWORD = 6, 2

# Of how many pairs of a host and a name the buckets are remembered, and for how long
# names, in bytes.
_MOST, _LONGEST = 1024, 256

_log = Logger()


class Limits(NamedTuple):
    """
    The limits of all kinds of buckets.

    @ivar pair: of a source and an account together.
    @ivar source: of a source: an IPv4 address, or the /64 of an IPv6 one.
    @ivar network: of its network: the /24, or the /48.
    @ivar account: of an account, for sources that have failed at it lately.
    @ivar newcomers: of an account, for sources that haven't.
    @ivar remember: for how long a source that has logged in to an account is known there,
        in seconds.
    """

    pair: Limit
    source: Limit
    network: Limit
    account: Limit
    newcomers: Limit
    remember: float


class Place(NamedTuple):
    """
    A source and an account.

    @ivar known: the keys of the account and of the pair, one after the other.
    """

    known: bytes | None
    account: bytes
    pair: Bucket | None
    newcomers: tuple[Bucket, ...]
    strangers: tuple[Bucket, ...]


#: What makes a guess: where it belongs, and the password, if that is known.
Parts = tuple[Place, Any]


class Guesses:
    """
    Credentials as guesses: digests, from which nobody learns a name or a password.
    """

    def __init__(self, limits: Limits, exempt: Iterable[Network], secret: bytes) -> None:
        """
        @param limits: the limits.
        @param exempt: the networks whose clients cost nothing.
        @param secret: the key of the digests, at most 64 bytes.
        """
        self._limits = limits
        self._exempt = tuple(exempt)
        self._placeIn = lru_cache(_MOST)(self._findPlace)
        self._digests = blake2b(key=secret, digest_size=8)
        self._passwords = blake2b(key=secret, digest_size=_OF_PASSWORD, person=b"tried")
        self._hasSeenAddress = self._hasWarned = False

    def partsOf(self, credentials: Any) -> Parts | None:
        """
        Return what makes the guess of credentials; L{None} if they are none, or their
        source is exempt.
        """
        if type(credentials) is UsernamePassword:
            # Nearly all are.
            username: Any = credentials.username
            isTyped = True
        elif any(i.providedBy(credentials) for i in GUESSABLE):
            isTyped = IUsernamePassword.providedBy(credentials)
            username = getattr(credentials, "username", None)
        else:
            return None
        peer = getattr(credentials, "peer", None)
        host = getattr(peer, "host", None)
        if type(host) is not str:
            host = hostOf(peer)
        if type(username) is bytes and len(username) <= _LONGEST:
            place = self._placeIn(host, username)
        else:
            place = self._findPlace(host, username)
        if place is None:
            return None
        if place.pair is None:
            place = self._withoutAddress(place, peer)
        return place, credentials.password if isTyped else None

    def guessOf(self, parts: Parts) -> Guess:
        """
        Return what a login may cost.
        """
        (_, account, pair, newcomers, strangers), password = parts
        tried = None
        if isinstance(password, str) and len(password) <= LONGEST:
            password = asBytes(password)
        if isinstance(password, bytes) and len(password) <= LONGEST:
            known = account if pair is None else pair.key
            digest = self._passwords.copy()
            digest.update(known + password)
            tried = known[:_OF_PAIR] + digest.digest()
        remember = self._limits.remember
        return Guess(account, pair, newcomers, strangers, tried, remember)

    def _findPlace(self, host: str | None, username: object) -> Place | None:
        """
        Return the buckets of a source and an account; L{None} if the source is exempt.

        @param host: the address of the client, if it is known.
        """
        limits, name = self._limits, spelledOnce(username)
        account = self._bucket("account", b"", name, limits.account)
        newcomers = self._bucket("newcomers", b"", name, limits.newcomers)
        address = None if host is None else parseHost(host)
        if address is None:
            return Place(None, account.key, None, (), (account,))
        if any(address in network for network in self._exempt):
            return None
        self._hasSeenAddress = True
        version, packed = address.version, address.packed
        source, network = packed[: _SOURCE[version]], packed[: _NETWORK[version]]
        sources = (
            self._bucket(f"address{version}", source, b"", limits.source),
            self._bucket(f"network{version}", network, b"", limits.network),
        )
        pair = self._bucket("pair", source, name, limits.pair)
        return Place(
            account.key + pair.key,
            account.key,
            pair,
            (*sources, newcomers),
            (*sources, account),
        )

    def _bucket(self, table: str, source: bytes, name: bytes, limit: Limit) -> Bucket:
        """
        Return a bucket.
        """
        digest = self._digests.copy()
        # Nothing can be taken for another: the first byte says how long the source is.
        digest.update(b"%s:%c%s%s" % (table.encode("ascii"), len(source), source, name))
        return Bucket(table, digest.digest(), limit)

    def _withoutAddress(self, place: Place, peer: object) -> Place:
        """
        Return the buckets of a login whose client isn't known.

        Where other logins have an address those without one share a bucket: nobody may
        gain anything by hiding it.  Where none has, one client could make all others wait
        by that.
        """
        if isinstance(peer, UNIXAddress):
            return place
        if not self._hasWarned:
            self._hasWarned = True
            _log.warn(
                "The address of a client isn't known.  Logins without an address are "
                "counted for their accounts, and not for where they come from."
            )
        if not self._hasSeenAddress:
            return place
        hidden = self._bucket("others", b"", b"", self._limits.network)
        return place._replace(strangers=(hidden, *place.strangers))


def networkFrom(text: object) -> Network:
    """
    Return a network.

    @param text: an address, or a network with the length of its prefix, such as
        C{192.0.2.0/24}; or one that is parsed already.

    @raise ValueError: if it is none, with a text that says what would be right.
    """
    try:
        network = ip_network(str(text), strict=False)
    except ValueError:
        said = f"{text} is no network" if text else "a network is missing"
        raise ValueError(
            f"{said}, write such as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1"
        ) from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        right = f"{mapped}/{network.prefixlen - 96}"
        raise ValueError(f"{text} is an IPv4 network, write {right}")
    if "/" in str(text) and str(network.network_address) != _addressIn(text):
        raise ValueError(f"{text} is an address in a network, write {network}")
    return network


def _addressIn(text: object) -> str:
    """
    Return the address in the text of a network, as it is usually spelled.
    """
    parsed = parseHost(str(text).partition("/")[0])
    return str(parsed)


__all__ = ["GUESSABLE", "Guesses", "Limits", "Network", "Parts", "networkFrom"]
