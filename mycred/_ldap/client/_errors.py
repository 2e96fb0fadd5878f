"""
What keeps a directory from answering a login; none of it means a wrong password.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..._failover import Elsewhere, Fault, Lost, Slow, Unsure
from ._messages import SearchEntry


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
