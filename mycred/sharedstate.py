"""
State that the processes of a site share: what guesses have cost, and small values that
must be the same for all of them.

::

    state = openState("redis://redis.example.org/0", "/etc/myapp/redis-password")
    throttle = Throttle(state)

L{openState} returns a home that never makes a login fail: while it is down this process
counts alone.  The others are those of which it chooses, and what they do.
"""

from ._sharedvalues import siteSecretIn
from ._state import (
    Bucket,
    Fallback,
    Guess,
    ISharedState,
    Limit,
    Outcome,
    ProcessState,
    RedisState,
    Reservation,
    SQLState,
    StateUnavailable,
    openState,
)

__all__ = [
    "Bucket",
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
    "siteSecretIn",
]
