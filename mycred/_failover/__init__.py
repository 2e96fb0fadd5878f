"""
Servers that take each other's place: what keeps one from answering, how each is doing,
and which of them is asked.  Nothing here knows what they are asked.
"""

from ._demotion import Backoff, Brief
from ._errors import Elsewhere, Fault, Lost, Slow, Unsure, together
from ._failover import Failover
from ._pool import Connection, Pool
from ._server import Server
from ._terms import Terms

__all__ = [
    "Backoff",
    "Brief",
    "Connection",
    "Elsewhere",
    "Failover",
    "Fault",
    "Lost",
    "Pool",
    "Server",
    "Slow",
    "Terms",
    "Unsure",
    "together",
]
