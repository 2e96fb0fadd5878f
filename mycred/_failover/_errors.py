"""
What keeps a server from answering a login; none of it means a wrong password.
"""

from __future__ import annotations

from collections.abc import Collection


class Fault(Exception):
    """
    A server can't be used: it can't be reached, doesn't answer in time, has the wrong
    certificate, or doesn't speak the protocol.  Another server may do.
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
    A server answers, and the answer is neither yes nor no.  Another server for the same
    accounts wouldn't know better.
    """


def together(faults: Collection[Fault]) -> Fault:
    """
    Return several faults as one, of the kind that all of them have, if it is one.
    """
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else Fault
    return kind("; ".join(map(str, faults)))


__all__ = ["Elsewhere", "Fault", "Lost", "Slow", "Unsure", "together"]
