"""
How the servers of one group are used, and told of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ._demotion import Backoff


class Terms(NamedTuple):
    """
    How the servers of one group are used, and told of.

    @ivar kind: what one of them is, for the log, such as C{server of the directory}.
    @ivar timeout: how long a login may take, in seconds.
    @ivar longest: how long a login waits for a server while others are left, in seconds;
        if there are no others, as long as a login may take.
    @ivar note: a function that is called, in any thread, with a line for the log.
    @ivar pauses: the pauses between two probes of a server that is down.
    """

    kind: str
    timeout: float
    longest: float
    note: Callable[[str], None]
    pauses: type[Backoff] = Backoff


__all__ = ["Terms"]
