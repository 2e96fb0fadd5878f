"""
What keeps a directory from answering a login; none of it means a wrong password.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._messages import SearchEntry


class Fault(Exception):
    """
    A server can't be used: it can't be reached, doesn't answer in time, has the wrong
    certificate, or doesn't speak LDAP.  Another server may do.
    """


class Lost(Fault):
    """
    A connection was lost.  If it had been idle, a new one may do.
    """


class Slow(Fault):
    """
    A server didn't answer in time.
    """


class Elsewhere(Fault):
    """
    A server works, and can't answer for this one user now.  Another server may.
    """


class Unsure(Exception):
    """
    The directory answers, and the answer is neither yes nor no.  Another server of the
    same directory wouldn't know better.
    """


class Cut(Unsure):
    """
    A search matched more entries than the directory returns.

    @ivar entries: the entries that it returned.
    """

    def __init__(self, text: str, entries: Sequence[SearchEntry] = ()) -> None:
        """
        @param text: what happened, for the log.
        @param entries: the entries that the directory returned.
        """
        super().__init__(text)
        self.entries = entries


class BadName(Unsure):
    """
    The directory can't parse a name that was made for a bind.
    """


__all__ = ["BadName", "Cut", "Elsewhere", "Fault", "Lost", "Slow", "Unsure"]
