"""
What stands around checkers: a throttle, a cache, and those who are told how logins end.
"""

from ._cache import LoginCache, cacheOptions, makeCache
from ._guesses import GUESSABLE
from ._stack import CheckerStack
from ._throttle import Throttle
from ._throttleoptions import makeThrottle, throttleOptions

__all__ = [
    "GUESSABLE",
    "CheckerStack",
    "LoginCache",
    "Throttle",
    "cacheOptions",
    "makeCache",
    "makeThrottle",
    "throttleOptions",
]
