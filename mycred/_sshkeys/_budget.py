"""
How much work one look-up of a key may be: what users' files, entries of a directory and
certificates hold may have been written to keep a server busy.
"""

from __future__ import annotations

from enum import Enum


class Limit(Enum):
    """
    How much of each there may be in one look-up.  Real files stay below, and all of it
    together takes less than 50 ms.

    @ivar most: how many of them there may be.
    @ivar what: what they are called.
    """

    #: What is searched for a key: 100,000 of them.
    BYTES = 2**24, "bytes"
    #: Lines that hold the key, whether they authorize it or not.
    LINES = 500, "lines with the key"
    #: What stands in them beside the key, unless that is longer than others are.
    LINE_BYTES = 2**17, "bytes in lines with the key"
    OPTIONS = 5000, "options"
    #: Addresses, networks and names, of C{from=} and of certificates.
    PATTERNS = 5000, "patterns of addresses"
    #: Ports that are given by name; the name service is asked for each.
    PORT_NAMES = 16, "names of ports"
    TIMES = 100, "expiry-time="
    PRINCIPALS = 5000, "lines with principals"
    PRINCIPAL_BYTES = 2**20, "bytes with principals"

    def __init__(self, most: int, what: str) -> None:
        # Quicker to get at than the value of an enumeration.
        self.most = most
        self.what = what

    # Each is itself alone; that of an enumeration takes longer than what is counted.
    __hash__ = object.__hash__


class TooMuch(ValueError):
    """
    A look-up would be too much work.
    """


class Budget:
    """
    What is left for one look-up.
    """

    def __init__(self) -> None:
        self._spent: dict[Limit, int] = {}

    def left(self, limit: Limit) -> int:
        """
        Return how many there may still be; less than 0 if there were too many.
        """
        return limit.most - self._spent.get(limit, 0)

    def spend(self, limit: Limit, count: int = 1) -> None:
        """
        Count some more, before they are looked at.

        @raise TooMuch: if these are too many.
        """
        spent = self._spent[limit] = self._spent.get(limit, 0) + count
        if spent > limit.most:
            most, what = limit.most, limit.what
            raise TooMuch(f"too many {what}: no more than {most} are looked at")


__all__ = ["Budget", "Limit", "TooMuch"]
