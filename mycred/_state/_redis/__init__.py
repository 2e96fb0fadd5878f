"""
State in a Redis or Valkey server.
"""

from ._state import RedisState
from ._url import SCHEMES, RedisURL

__all__ = ["SCHEMES", "RedisState", "RedisURL"]
