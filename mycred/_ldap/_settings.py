"""
A directory, and who of it is let in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .client._address import Address
from .client._dn import NameTemplate
from .client._filters import FilterTemplate
from .client._tls import Security


class Search(NamedTuple):
    """
    How a user's entry is found.

    @ivar base: the name of the entry at or below which it is.
    @ivar scope: how far below.
    @ivar filter: what it matches.
    """

    base: str
    scope: int
    filter: FilterTemplate


class Groups(NamedTuple):
    """
    The groups in one of which a user must be.

    @ivar text: which they are, as the deployer has written it.
    @ivar dn: the name of the only one, or L{None}.
    @ivar filter: what they match, encoded.
    @ivar base: the name of the entry at or below which groups are.
    @ivar isNested: whether a group within a group counts.
    """

    text: str
    dn: str | None
    filter: bytes
    base: str
    isNested: bool


class Settings(NamedTuple):
    """
    A directory, and who of it is let in.

    @ivar addresses: where its servers are, the preferred one first.
    @ivar security: what protects the connections.
    @ivar context: what verifies the servers.
    @ivar account: the name and the password of the service account; empty for nobody.
    @ivar search: how a user's entry is found; L{None} if it isn't searched.
    @ivar attribute: the attribute that holds a user's name.
    @ivar dn: his name in the directory, where that is known beforehand.
    @ivar upn: the suffix that makes of his name the one with which he binds to Active
        Directory.
    @ivar groups: the groups in one of which he must be; L{None} if in none.
    @ivar require: the filter that his entry must match, encoded, or L{None}.
    @ivar timeout: how long a login may take, in seconds.
    @ivar policy: whether binds ask what the password policy says; L{None} if the servers
        say whether they know that question.
    """

    addresses: tuple[Address, ...]
    security: Security
    context: Any
    account: tuple[str, bytes] = ("", b"")
    search: Search | None = None
    attribute: str = "uid"
    dn: NameTemplate | None = None
    upn: str | None = None
    groups: Groups | None = None
    require: bytes | None = None
    timeout: float = 10.0
    policy: bool | None = None

    def __repr__(self) -> str:
        """
        Tell where it is, and no password.
        """
        return f"<LDAP settings for {', '.join(map(str, self.addresses))}>"

    @property
    def exposed(self) -> tuple[Address, ...]:
        """
        The servers to which passwords go as they are, by way of a network.
        """
        if self.security is not Security.NONE:
            return ()
        return tuple(a for a in self.addresses if not a.isOnThisMachine)


__all__ = ["Groups", "Search", "Settings"]
