"""
Why a database that answers doesn't do what was asked.
"""

from __future__ import annotations

from .._failover import Unsure


class BadStatement(Unsure):
    """
    The database refuses a statement: its syntax is wrong, a table or a column is missing,
    or it isn't allowed.
    """


class BadValue(Exception):
    """
    A value can't be in the database: no row can have it.
    """


class Conflict(Exception):
    """
    Another transaction was in the way, and this one must begin again.
    """


__all__ = ["BadStatement", "BadValue", "Conflict"]
