"""
What stands around checkers: a throttle, a cache, and those who are told how logins end.
"""

from ._cache import LoginCache
from ._stack import CheckerStack
from ._throttle import Throttle

__all__ = ["CheckerStack", "LoginCache", "Throttle"]
