"""
The settings of a database of accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from .._peers import isThisMachine
from ._names import Names
from .client import DatabaseURL

# What tells by the arguments of a URL whether a driver verifies the server.
_VERIFYING: Mapping[str, Callable[[Mapping[str, object]], bool]] = {
    "psycopg": lambda query: (
        query.get("sslmode") in ("verify-ca", "verify-full")
        or query.get("sslrootcert") == "system"
    ),
    "pymysql": lambda query: any(
        key in query for key in ("ssl_ca", "ssl_capath", "ssl_verify_identity")
    ),
}


class Settings(NamedTuple):
    """
    The settings of a database of accounts.

    @ivar urls: where it is, the preferred server first.
    @ivar query: the statement that finds a user, in which C{:username} is bound.
    @ivar update: the statement that replaces a hash; L{None} if none is replaced.
    @ivar names: how names are spelled.
    @ivar timeout: how long a look-up may take, in seconds.
    @ivar connections: how many connections there are at most.
    """

    urls: tuple[DatabaseURL, ...]
    query: str
    update: str | None = None
    names: Names = Names()
    timeout: float = 10.0
    connections: int = 4

    def __repr__(self) -> str:
        """
        Show the servers, and no password.
        """
        return f"<SQL settings for {', '.join(map(str, self.urls))}>"

    @property
    def lackPasswords(self) -> bool:
        """
        Whether some of the servers are asked without a password.
        """
        return any(url.url is not None and not url.url.password for url in self.urls)

    @property
    def exposed(self) -> tuple[DatabaseURL, ...]:
        """
        The servers that are asked over a network without a certificate to verify, as far
        as that is known: drivers other than mycred's own may have their own ways.
        """
        return tuple(url for url in self.urls if isExposed(url))


def isExposed(url: DatabaseURL) -> bool:
    """
    Return whether a server is asked over a network without a certificate to verify.
    """
    if url.url is None:
        return False
    query = url.url.query
    host = str(query.get("host") or url.url.host or "localhost")
    if host.startswith("/") or "unix_socket" in query or isThisMachine(host):
        return False
    verifies = _VERIFYING.get(url.url.get_driver_name())
    return verifies is not None and not verifies(query)


__all__ = ["Settings", "isExposed"]
