"""
What keeps a server from answering a login; none of it means a wrong password.
"""

from __future__ import annotations


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


__all__ = ["Elsewhere", "Fault", "Lost", "Slow", "Unsure"]
