"""
The state that a file is in: what tells one from another, and whether it can be
believed yet.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

#: What tells one state of a file from another: times, size and place.
Signature = tuple[int, int, int, int, int]

#: Within this time of its last change a file may change again without its times
#: telling, and who writes it may not be done with it, in seconds.
SETTLING = 0.05

# The same where a file system counts whole seconds, of which some count two.
_COARSE_SETTLING = 2.0

_SECOND = 10**9


class State(NamedTuple):
    """
    The state in which a file was read.

    @ivar signature: what tells it from others.
    @ivar age: for how long it had been in that state, in seconds.
    """

    signature: Signature
    age: float

    @property
    def isYoung(self) -> bool:
        """
        Whether the file may have been half-written.
        """
        return self.age < SETTLING

    @property
    def isProvisional(self) -> bool:
        """
        Whether the file may have changed since without its state telling.
        """
        mtime, ctime = self.signature[:2]
        isCoarse = not (mtime % _SECOND or ctime % _SECOND)
        return self.age < (_COARSE_SETTLING if isCoarse else SETTLING)


class Watch:
    """
    What is remembered of a file from one look at it to the next: since when it is in
    its state.  Its times are those of a clock that may be another's, and aren't
    compared with any of this machine.
    """

    def __init__(self) -> None:
        self._seen: Signature | None = None
        self._since = 0.0

    def stateOf(self, status: os.stat_result) -> State:
        """
        Tell the state that a file is in.
        """
        now, signature = time.monotonic(), signatureOf(status)
        if signature != self._seen:
            self._seen, self._since = signature, now
        return State(signature, now - self._since)


def signatureOf(status: os.stat_result) -> Signature:
    """
    Sum up what tells one state of a file from another.
    """
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
    )


__all__ = ["SETTLING", "Signature", "State", "Watch", "signatureOf"]
