"""
Why a database that answers doesn't do what was asked.
"""

from __future__ import annotations

from .._failover import Fault, Unsure


class BadStatement(Unsure):
    """
    The database refuses a statement: its syntax is wrong, a table or a column is missing,
    or it isn't allowed.
    """


class Refused(Fault):
    """
    The database doesn't let this program in: the password is wrong, or there is no such
    user or database.
    """


class BadValue(Exception):
    """
    A value can't be in the database: no row can have it.
    """


class Conflict(Exception):
    """
    Another transaction was in the way, and this one must begin again.
    """


__all__ = ["BadStatement", "BadValue", "Conflict", "Refused"]
