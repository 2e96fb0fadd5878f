"""
Which name a user is asked for by, and whether the name that is stored is the same.

Databases have ideas of their own about that: with most collations of MariaDB and MySQL
C{ALICE}, C{alice } and C{alicé} all find C{alice}.  So what is stored is compared here.
"""

from __future__ import annotations

from typing import NamedTuple


class Names(NamedTuple):
    """
    How names are spelled.

    @ivar folds: whether case doesn't count.
    @ivar realm: the domain that is cut off what a user has typed, in lower case; L{None}
        if none is.
    """

    folds: bool = False
    realm: str | None = None

    def asked(self, typed: str) -> str:
        """
        Return the name that the database is asked for.  For one that this returns it
        returns the same.
        """
        user, at, domain = typed.rpartition("@")
        if at and "@" not in user and domain.lower() == self.realm:
            typed = user
        return self.folded(typed)

    def isForeign(self, asked: str) -> bool:
        """
        Return whether a name is in another domain than ours.

        @param asked: the name that the database is asked for.
        """
        return self.realm is not None and "@" in asked

    def folded(self, name: str) -> str:
        """
        Return a name as it is compared.
        """
        # As lower() of databases, which doesn't fold more than case.
        return name.lower() if self.folds else name


__all__ = ["Names"]
