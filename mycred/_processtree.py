"""
End processes together with those that they have started, or that have started them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1


def descendants(pid: int) -> list[int]:
    """
    Return the pids of the processes that a process has started, and that those have
    started, as far as the system knows.
    """
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return [*children, *(one for child in children for one in descendants(child))]


def kill(pid: int) -> None:
    """
    Kill a process, and those that it has started.
    """
    with suppress(ProcessLookupError):
        # So that it starts no other one meanwhile.
        os.kill(pid, signal.SIGSTOP)
    for one in [*descendants(pid), pid]:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def endWith(parent: int) -> None:
    """
    Have the system kill this process when its parent ends, where it can.  It forgets
    that when the process becomes another user: then this must be called again.

    @param parent: the pid of the parent; if that has ended already, so does this process.
    """
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@cache
def _prctl() -> Callable[[int, int], int] | None:
    """
    Return the function of the C library; L{None} where it is missing.
    """
    import ctypes

    return getattr(ctypes.CDLL(None), "prctl", None)


__all__ = ["descendants", "endWith", "kill"]
