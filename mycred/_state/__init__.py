"""
State that several processes share: what guesses have cost, and small values that must be
the same for all of them.

It has three homes: this process, Redis or Valkey, and a database.
"""

from ._errors import StateUnavailable
from ._fallback import Fallback
from ._interface import (
    Bucket,
    Guess,
    ISharedState,
    Limit,
    Outcome,
    Reservation,
)
from ._open import openState
from ._process import Entered, ProcessState
from ._redis import RedisState
from ._sql import SQLState

__all__ = [
    "Bucket",
    "Entered",
    "Fallback",
    "Guess",
    "ISharedState",
    "Limit",
    "Outcome",
    "ProcessState",
    "RedisState",
    "Reservation",
    "SQLState",
    "StateUnavailable",
    "openState",
]
