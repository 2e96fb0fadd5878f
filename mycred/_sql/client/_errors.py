"""
Why a database doesn't do what was asked.
"""

from __future__ import annotations

from ..._failover import Fault, Unsure


class BadStatement(Unsure):
    """
    The database refuses a statement: its syntax is wrong, a table or a column is missing,
    or it isn't allowed.
    """


class BadValue(Exception):
    """
    A value can't be in the database: no row can have it.
    """


class BadRow(BadValue):
    """
    A row holds what can't be parsed, such as a date that Python has no number for.
    """


class Conflict(Exception):
    """
    Another transaction was in the way, and this one must begin again.
    """


class Stale(Conflict):
    """
    A statement that was prepared on a connection can't be executed any more.
    """


#: After these a connection is as good as it was.
HARMLESS = (BadStatement, BadValue, Conflict)


class Refused(Fault):
    """
    A server refuses every connection: the user or the password is wrong, there is no such
    database, or an argument in the URL can't be used.
    """


class OutcomeUnknown(Fault):
    """
    The connection was lost when a transaction was about to end: nobody knows whether it
    has taken effect.
    """


__all__ = [
    "HARMLESS",
    "BadRow",
    "BadStatement",
    "BadValue",
    "Conflict",
    "OutcomeUnknown",
    "Refused",
    "Stale",
]
