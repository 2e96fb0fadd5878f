"""
What keeps a directory from telling who somebody is: never a wrong password.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._messages import Entry


class Fault(Exception):
    """
    A server can't be used: it can't be reached, doesn't answer in time, isn't who it
    should be, or talks nonsense.  Another server may do.
    """


class Lost(Fault):
    """
    A connection was lost.  If it had been idle, a new one may do.
    """


class Slow(Fault):
    """
    A server has not answered in the time that there was.
    """


class Elsewhere(Fault):
    """
    A server works, and can't tell about this one user now.  Another server may.
    """


class Unsure(Exception):
    """
    The directory answers, and what it says is neither yes nor no.  Another server of
    the same directory wouldn't know better.
    """


class Cut(Unsure):
    """
    The directory has found more than it tells.

    @ivar entries: what it has told.
    """

    def __init__(self, text: str, entries: Sequence[Entry] = ()) -> None:
        """
        @param text: what is known of it.
        @param entries: what the directory has told.
        """
        super().__init__(text)
        self.entries = entries


class BadName(Unsure):
    """
    The directory can't read a name that was made for a bind.
    """


__all__ = ["BadName", "Cut", "Elsewhere", "Fault", "Lost", "Slow", "Unsure"]
