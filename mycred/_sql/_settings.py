"""
The settings of a database of accounts.
"""

from __future__ import annotations

from typing import NamedTuple

from ._names import Names
from ._url import DatabaseURL


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


__all__ = ["Settings"]
