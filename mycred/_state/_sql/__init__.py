"""
State in a database.
"""

from ._state import SQLState

__all__ = ["SQLState"]
