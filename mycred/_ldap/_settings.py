"""
The settings of a directory: where it is, and which of its users may log in.
"""

from __future__ import annotations

import ssl
from typing import NamedTuple

from .client._address import Address
from .client._dn import NameTemplate
from .client._filters import FilterTemplate
from .client._opener import ANONYMOUS
from .client._tls import Security


class Search(NamedTuple):
    """
    How a user's entry is found.

    @ivar base: the DN of the entry at or below which it is.
    @ivar scope: the scope of the search.
    @ivar filter: the filter that it matches.
    """

    base: str
    scope: int
    filter: FilterTemplate


class RequiredGroups(NamedTuple):
    """
    The groups of which a user must be in at least one.

    @ivar text: the option, as the deployer has written it.
    @ivar dn: the DN of the group; L{None} if a filter says which groups.
    @ivar filter: the filter that they match, encoded.
    @ivar base: the DN of the entry at or below which groups are.
    @ivar isNested: whether members of a group within a group count.
    """

    text: str
    dn: str | None
    filter: bytes
    base: str
    isNested: bool


class Settings(NamedTuple):
    """
    The settings of a directory.

    @ivar addresses: the addresses of its servers, the preferred one first.
    @ivar security: what protects the connections.
    @ivar context: what verifies the servers.
    @ivar account: the name and the password of the service account; both empty for
        anonymous searches.
    @ivar search: how a user's entry is found; L{None} if users bind without a search.
    @ivar attribute: the attribute that holds a user's name.
    @ivar dn: the DN with which users bind without a search.
    @ivar upn: the suffix of the user principal name with which they bind to Active
        Directory without a search.
    @ivar groups: the groups of which they must be in one; L{None} if in none.
    @ivar require: the filter that their entry must match, encoded, or L{None}.
    @ivar timeout: how long a login may take, in seconds.
    @ivar policy: whether binds send the password policy control; L{None} if each server
        is asked whether it knows that.
    @ivar scram: the attribute that holds SCRAM keys; L{None} if all users bind.
    """

    addresses: tuple[Address, ...]
    security: Security
    context: ssl.SSLContext
    account: tuple[str, bytes] = ANONYMOUS
    search: Search | None = None
    attribute: str = "uid"
    dn: NameTemplate | None = None
    upn: str | None = None
    groups: RequiredGroups | None = None
    require: bytes | None = None
    timeout: float = 10.0
    policy: bool | None = None
    scram: str | None = None

    def __repr__(self) -> str:
        """
        Show the servers, and no password.
        """
        return f"<LDAP settings for {', '.join(map(str, self.addresses))}>"

    @property
    def exposed(self) -> tuple[Address, ...]:
        """
        The servers to which passwords are sent over a network without TLS.
        """
        if self.security is not Security.NONE:
            return ()
        return tuple(a for a in self.addresses if not a.isOnThisMachine)


__all__ = ["RequiredGroups", "Search", "Settings"]
