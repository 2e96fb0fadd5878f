"""
State that several processes share: what guesses have cost, and small values that must be
the same for all of them.

It has three homes: this process, Redis or Valkey, and a database.
"""

from ._interface import (
    Bucket,
    Guess,
    ISharedState,
    Limit,
    Outcome,
    Reservation,
)
from ._process import Entered, ProcessState

__all__ = [
    "Bucket",
    "Entered",
    "Guess",
    "ISharedState",
    "Limit",
    "Outcome",
    "ProcessState",
    "Reservation",
]
